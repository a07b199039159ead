"""Is there a CUDA device? Asked of the driver itself, before any other CUDA or TensorRT object.

A TensorRT runtime that is made without a device ends the process when it is used. The driver's
library (CUDA driver API, chapters 4.2 and 4.3) answers without a context and without any package.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dalearn_ros.core.errors import ModelError

LIBRARY = "libcuda.so.1"
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
_NAME_BYTES = 256


@dataclass(frozen=True)
class CudaDevice:
    """The first device that this process may use.

    Attributes:
        name: Such as ``Orin``.
        compute_capability: Such as ``8.7``.
        driver: The newest CUDA version that the driver knows, such as ``12.6``.
    """

    name: str
    compute_capability: str
    driver: str


def cuda_device(load: Callable[[str], Any] = ctypes.CDLL) -> CudaDevice:
    """The first CUDA device; ``CUDA_VISIBLE_DEVICES`` chooses which that is.

    Args:
        load: Opens the driver's library.

    Raises:
        ModelError: There is none; the sentence says why.
    """
    try:
        driver = load(LIBRARY)
    except OSError:
        raise ModelError(f"there is no NVIDIA driver ({LIBRARY} is not on this machine).") from None
    count, handle, version = ctypes.c_int(0), ctypes.c_int(0), ctypes.c_int(0)
    _ask(driver, "cuInit", ctypes.c_uint(0))
    _ask(driver, "cuDeviceGetCount", ctypes.byref(count))
    if count.value < 1:
        raise ModelError("the NVIDIA driver shows no device; see CUDA_VISIBLE_DEVICES.")
    _ask(driver, "cuDeviceGet", ctypes.byref(handle), 0)
    name = ctypes.create_string_buffer(_NAME_BYTES)
    _ask(driver, "cuDeviceGetName", name, _NAME_BYTES, handle)
    parts = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int(0)
        _ask(driver, "cuDeviceGetAttribute", ctypes.byref(value), attribute, handle)
        parts.append(str(value.value))
    _ask(driver, "cuDriverGetVersion", ctypes.byref(version))
    known = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return CudaDevice(name.value.decode(errors="replace"), ".".join(parts), known)


def _ask(driver: Any, function: str, *arguments: Any) -> None:
    code = int(getattr(driver, function)(*arguments))
    if code:
        raise ModelError(f"the NVIDIA driver answers {function} with error {code}.")
