"""The driver's answers, and every way in which there is no device."""

import ctypes

import pytest

from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.cuda_device import CudaDevice, cuda_device


class _Driver:
    """The driver's library; ``fails`` names a function and its error."""

    def __init__(self, count=1, fails=("", 0)):
        self.count, self.fails = count, fails

    def __getattr__(self, name):
        def call(*arguments):
            if name == self.fails[0]:
                return self.fails[1]
            if name == "cuDeviceGetName":
                arguments[0].value = b"Orin"
            elif name != "cuInit":
                values = {75: 8, 76: 7}
                value = {
                    "cuDeviceGetCount": self.count,
                    "cuDeviceGet": 0,
                    "cuDriverGetVersion": 12060,
                }.get(name)
                value = values[arguments[1]] if value is None else value
                ctypes.cast(arguments[0], ctypes.POINTER(ctypes.c_int))[0] = value
            return 0

        return call


def test_what_the_driver_says():
    assert cuda_device(lambda _: _Driver()) == CudaDevice("Orin", "8.7", "12.6")


def test_no_device_is_a_sentence():
    def missing(name):
        raise OSError(name)

    with pytest.raises(ModelError, match=r"no NVIDIA driver \(libcuda\.so\.1 is not"):
        cuda_device(missing)
    with pytest.raises(ModelError, match="shows no device; see CUDA_VISIBLE_DEVICES"):
        cuda_device(lambda _: _Driver(count=0))
    with pytest.raises(ModelError, match="answers cuInit with error 100"):
        cuda_device(lambda _: _Driver(fails=("cuInit", 100)))
