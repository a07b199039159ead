"""Runs a TensorRT engine: named tensors, pinned buffers, one stream.

The modules are handed in: ``trt`` is TensorRT, ``cuda`` the runtime of cuda-python, whose functions
return an error code and then their values.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.metadata import DEPTH_OUTPUTS, LOCATION_INPUT
from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.engine_build import logger_of
from dalearn_ros.inference.inspector import LayerPrecision, layer_precisions
from dalearn_ros.inference.protocol import Images, Location

Floats = npt.NDArray[np.float32]


class EngineRunner:
    """One engine on one device. Not for two threads at once."""

    def __init__(self, trt: Any, cuda: Any, plan: bytes, outputs: Sequence[str]) -> None:
        """Load an engine. There must be a CUDA device: see :func:`cuda_device.cuda_device`.

        Its inputs are an image and, if its outputs have a depth, the location of its cells.

        Args:
            trt: The module of TensorRT.
            cuda: The runtime module of cuda-python.
            plan: The serialized engine.
            outputs: Names of its outputs, in the order that is wanted.

        Raises:
            ModelError: The engine is damaged, of another version or GPU, or has other tensors.
        """
        self._trt, self._cuda = trt, cuda
        logger = logger_of(trt)
        logger.problems.clear()
        self._runtime = trt.Runtime(logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            reason = logger.problems[0] if logger.problems else "it gives no reason"
            raise ModelError(f"TensorRT cannot load the engine ({reason}).")
        self._outputs = tuple(outputs)
        self._inputs = self._check_tensors()
        self._input = next(name for name in self._inputs if name != LOCATION_INPUT)
        self._contexts: dict[int, Any] = {}
        self._stream = _checked(cuda, cuda.cudaStreamCreate())
        self._buffers = {name: _Buffer(cuda) for name in (*self._inputs, *self._outputs)}
        weakref.finalize(self, _release, cuda, list(self._buffers.values()), self._stream)

    def layers(self) -> list[LayerPrecision]:
        """The layers and what they compute in.

        Raises:
            ModelError: The engine does not say.
        """
        inspector = self._engine.create_engine_inspector()
        text = inspector.get_engine_information(self._trt.LayerInformationFormat.JSON)
        return layer_precisions(text)

    def infer(
        self,
        images: Images,
        location: Location | None = None,
        wanted: Sequence[str] | None = None,
    ) -> list[Floats]:
        """One inference, in parts if there are more images than the engine takes at once.

        Args:
            images: (N, H, W, C) uint8, N >= 1.
            location: (N, CHANNELS, h, w) of engines with depth; None of the others.
            wanted: Names of the outputs that are copied from the device; None: all.

        Returns:
            The wanted outputs in the order of their names, each (N, ...), of their own memory.

        Raises:
            ModelError: No profile of the engine takes images of this size, a location is given to
                an engine that takes none or missing in one that does, or CUDA failed.
        """
        profile, most = self._profile(images.shape)
        given: dict[str, npt.NDArray[Any]] = {self._input: images}
        if location is not None:
            given[LOCATION_INPUT] = location
        if set(given) != set(self._inputs):
            expected = "the inputs " + ", ".join(self._inputs)
            raise ModelError.at("engine", "", expected, ", ".join(given))
        names = self._outputs if wanted is None else wanted
        parts = [
            self._infer(profile, {name: v[row : row + most] for name, v in given.items()}, names)
            for row in range(0, len(images), most)
        ]
        return parts[0] if len(parts) == 1 else [np.concatenate(one) for one in zip(*parts)]

    def _infer(
        self, profile: int, given: dict[str, npt.NDArray[Any]], wanted: Sequence[str]
    ) -> list[Floats]:
        context, cuda = self._context(profile), self._cuda
        for name, value in given.items():
            if not context.set_input_shape(name, value.shape):
                raise ModelError(f"the engine does not take {name} of shape {value.shape}.")
        if list(context.infer_shapes()):
            told = ", ".join(f"{name} {value.shape}" for name, value in given.items())
            raise ModelError(f"the engine does not take inputs of these shapes: {told}.")
        for name, value in given.items():
            np.copyto(self._buffers[name].view(value.shape, self._inputs[name]), value)
        shapes = [tuple(context.get_tensor_shape(name)) for name in self._outputs]
        results = {
            name: self._buffers[name].view(shape, np.float32)
            for name, shape in zip(self._outputs, shapes, strict=True)
        }
        for name, buffer in self._buffers.items():
            context.set_tensor_address(name, buffer.device)
        for name in given:
            self._buffers[name].upload(self._stream)
        if not context.execute_async_v3(int(self._stream)):
            raise ModelError("TensorRT could not start the inference.")
        for name in wanted:
            self._buffers[name].download(self._stream)
        _checked(cuda, cuda.cudaStreamSynchronize(self._stream))
        return [results[name].copy() for name in wanted]

    def _check_tensors(self) -> dict[str, type[np.generic]]:
        """Names and types of the inputs, after a look at all tensors."""
        engine, trt = self._engine, self._trt
        kinds: dict[str, Any] = {}
        inputs: list[str] = []
        for row in range(engine.num_io_tensors):
            name = engine.get_tensor_name(row)
            kinds[name] = engine.get_tensor_dtype(name)
            if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
                inputs.append(str(name))
        deep = set(DEPTH_OUTPUTS) <= set(self._outputs)
        images = [name for name in inputs if not (deep and name == LOCATION_INPUT)]
        if (
            set(kinds) - set(inputs) != set(self._outputs)
            or len(images) != 1
            or len(inputs) != 1 + deep
        ):
            several = f"an image, the input {LOCATION_INPUT}" if deep else "one input"
            expected = f"{several} and the outputs " + ", ".join(self._outputs)
            raise ModelError.at("engine", "", expected, ", ".join(sorted(kinds)))
        if kinds.pop(images[0]) != trt.uint8 or set(kinds.values()) != {trt.float32}:
            raise ModelError.at("engine", "", "a uint8 image, all else fp32", "other types")
        return {name: np.uint8 if name in images else np.float32 for name in inputs}

    def _profile(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Number of the profile that suits a shape best, and the images that it takes at once."""
        suiting = []
        known = []
        for row in range(self._engine.num_optimization_profiles):
            low, usual, high = map(tuple, self._engine.get_tensor_profile_shape(self._input, row))
            known.append(f"{low} to {high}")
            if all(a <= b <= c for a, b, c in zip(low[1:], shape[1:], high[1:], strict=True)):
                distance = abs(int(np.prod(usual[1:])) - int(np.prod(shape[1:])))
                suiting.append((distance, row, int(high[0])))
        if not suiting:
            raise ModelError.at(
                "engine",
                "",
                f"an input within {' or '.join(known)}",
                f"{shape}",
                "Name this camera's size in the engine's 'sizes'.",
            )
        _, row, most = min(suiting)
        return row, most

    def _context(self, profile: int) -> Any:
        """The execution context of a profile, made when it is first used."""
        if profile not in self._contexts:
            context = self._engine.create_execution_context()
            if context is None or not context.set_optimization_profile_async(
                profile, int(self._stream)
            ):
                raise ModelError("TensorRT could not make an execution context; is memory short?")
            _checked(self._cuda, self._cuda.cudaStreamSynchronize(self._stream))
            self._contexts[profile] = context
        return self._contexts[profile]


class _Buffer:
    """Pinned memory on the host and as much on the device; grows, never shrinks."""

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        self._size = self._used = 0
        self._host = 0
        self.device = 0

    def view(self, shape: tuple[int, ...], kind: type[np.generic]) -> npt.NDArray[Any]:
        """The host's memory as an array; what stood there may be lost."""
        self._used = int(np.prod(shape)) * np.dtype(kind).itemsize
        if self._used > self._size:
            self.free()
            self._host = int(_checked(self._cuda, self._cuda.cudaMallocHost(self._used)))
            self.device = int(_checked(self._cuda, self._cuda.cudaMalloc(self._used)))
            self._size = self._used
        memory = (ctypes.c_uint8 * self._used).from_address(self._host)
        found: npt.NDArray[Any] = np.ctypeslib.as_array(memory).view(kind).reshape(shape)
        return found

    def upload(self, stream: Any) -> None:
        """Start copying to the device."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        copy = self._cuda.cudaMemcpyAsync(self.device, self._host, self._used, kind, stream)
        _checked(self._cuda, copy)

    def download(self, stream: Any) -> None:
        """Start copying to the host."""
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        copy = self._cuda.cudaMemcpyAsync(self._host, self.device, self._used, kind, stream)
        _checked(self._cuda, copy)

    def free(self) -> None:
        """Give the memory back."""
        host, device, self._host, self.device, self._size = self._host, self.device, 0, 0, 0
        if host:
            self._cuda.cudaFreeHost(host)
        if device:
            self._cuda.cudaFree(device)


def _release(cuda: Any, buffers: list[_Buffer], stream: Any) -> None:
    cuda.cudaStreamSynchronize(stream)
    for buffer in buffers:
        buffer.free()
    cuda.cudaStreamDestroy(stream)


def _checked(cuda: Any, answer: tuple[Any, ...]) -> Any:
    """The value of a CUDA call.

    Raises:
        ModelError: It failed.
    """
    code, *values = answer
    if code != cuda.cudaError_t.cudaSuccess:
        raise ModelError(f"CUDA failed: {getattr(code, 'name', code)}.")
    return values[0] if values else None
