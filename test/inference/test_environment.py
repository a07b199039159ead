"""What ``doctor`` says about TensorRT in each state of a machine."""

import pytest

import dalearn_ros.inference.environment as environment
from dalearn_ros.core.checks import NOTE, OK
from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.cuda_device import CudaDevice


@pytest.fixture
def machine(monkeypatch):
    """Sets what is installed and whether there is a device."""

    def set_up(installed, device):
        known = dict(installed)
        monkeypatch.setattr(environment, "_place", lambda module: known.get(module, ""))
        monkeypatch.setattr(environment, "_distribution", lambda name: known.get(name, ""))

        def look():
            if isinstance(device, str):
                raise ModelError(device)
            return device

        monkeypatch.setattr(environment, "cuda_device", look)
        (found,) = environment._tensorrt()
        return found

    return set_up


ORIN = CudaDevice("Orin", "8.7", "12.6")


def test_without_a_device(machine):
    found = machine({}, "there is no NVIDIA driver.")
    assert (found.state, found.mend) == (NOTE, "")
    assert found.found == "not installed; models run in ONNX Runtime: there is no NVIDIA driver."
    found = machine({"tensorrt_rtx": "1.7.1", "cuda-bindings": "13"}, "there is no NVIDIA driver.")
    assert found.state == NOTE and found.found.startswith("tensorrt_rtx 1.7.1; models run in ONNX")


def test_with_a_device(machine):
    found = machine({"tensorrt": "10.3.0", "cuda-python": "12.6"}, ORIN)
    assert found.state == OK
    assert found.found == "tensorrt 10.3.0; Orin, compute capability 8.7, driver for CUDA 12.6"
    found = machine({"tensorrt": "10.3.0"}, ORIN)
    assert found.state == NOTE and "10.3.0 without cuda-bindings; Orin" in found.found
    assert "[tensorrt]" in found.mend
    found = machine({}, ORIN)
    assert found.state == NOTE and found.found.startswith("not installed; Orin")
    assert found.found.endswith("models run in ONNX Runtime") and "[tensorrt]" in found.mend
