"""TensorRT and the CUDA runtime as far as the package calls them, on the CPU by ONNX Runtime.

"Device" memory is other host memory, so a missing copy or a wrong address shows as a wrong answer.
A plan is a line of JSON (the profiles) and the ONNX file.
"""

from __future__ import annotations

import ctypes
import json
import types
from typing import Any

import numpy as np
import onnxruntime

from dalearn_ros.coding.metadata import LOCATION_INPUT
from dalearn_ros.inference.cuda_device import CudaDevice
from dalearn_ros.inference.engine_build import Built
from dalearn_ros.inference.engine_run import EngineRunner
from dalearn_ros.inference.tensorrt import Toolkit

GPU = CudaDevice("Toy GPU", "8.7", "12.6")
LAYER = {"Name": "conv", "LayerType": "Convolution", "Inputs": [{"Format/Datatype": "Half"}]}


def fake_plan(model: bytes, profiles: Any) -> bytes:
    shapes = [[(*s, 3) for s in (p.smallest, p.usual, p.largest)] for p in profiles]
    return json.dumps(shapes).encode() + b"\n" + model


class FakeTools:
    """Makes a :class:`tensorrt.Toolkit` and remembers what was built."""

    def __init__(self, version: str = "10.3.0", device: CudaDevice = GPU, add: float = 0.0) -> None:
        self.builds = 0
        self.timings: list[bytes | None] = []
        self.strides: list[int] = []
        self.cuda = FakeCuda()
        self.trt = fake_module(add)
        self.kit = Toolkit("tensorrt", version, device, self._build, self._load)

    def _build(
        self, model: bytes, profiles: Any, workspace_mib: int, timing: Any, stride: int
    ) -> Built:
        self.builds += 1
        self.strides.append(stride)
        self.timings.append(timing)
        return Built(fake_plan(model, profiles), b"" if timing is None else b"measured")

    def _load(self, plan: bytes, outputs: Any) -> EngineRunner:
        return EngineRunner(self.trt, self.cuda, plan, outputs)


class FakeCuda(types.ModuleType):
    def __init__(self) -> None:
        super().__init__("fake_cuda")
        self.cudaError_t = types.SimpleNamespace(cudaSuccess=0)
        self.cudaMemcpyKind = types.SimpleNamespace(
            cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2
        )
        self.memory: dict[int, Any] = {}
        self.streams = 0
        self.out_of_memory = False

    def cudaMalloc(self, size: int) -> tuple[Any, ...]:
        if self.out_of_memory:
            return types.SimpleNamespace(name="cudaErrorMemoryAllocation"), None
        block = ctypes.create_string_buffer(size)
        self.memory[ctypes.addressof(block)] = block
        return 0, ctypes.addressof(block)

    def cudaFree(self, address: int) -> tuple[int]:
        del self.memory[address]
        return (0,)

    cudaMallocHost, cudaFreeHost = cudaMalloc, cudaFree

    def cudaStreamCreate(self) -> tuple[int, int]:
        self.streams += 1
        return 0, 7

    def cudaStreamDestroy(self, stream: int) -> tuple[int]:
        self.streams -= 1
        return (0,)

    def cudaStreamSynchronize(self, stream: int) -> tuple[int]:
        assert stream == 7
        return (0,)

    def cudaMemcpyAsync(self, to: int, of: int, size: int, kind: int, stream: int) -> tuple[int]:
        assert stream == 7
        assert to in self.memory and of in self.memory
        ctypes.memmove(to, of, size)
        return (0,)


def fake_module(add: float = 0.0) -> types.ModuleType:
    """The module; ``add`` is added to every output, as a broken engine would."""
    module: Any = types.ModuleType("fake_trt")

    class ILogger:
        Severity = types.SimpleNamespace(INTERNAL_ERROR=0, ERROR=1, WARNING=2, INFO=3)

    class Runtime:
        def __init__(self, logger: Any) -> None:
            self.logger = logger

        def deserialize_cuda_engine(self, plan: bytes) -> Any:
            if not plan.startswith(b"[["):
                self.logger.log(1, "magic tag does not match")
                return None
            return _Engine(plan, add)

    module.ILogger, module.Runtime = ILogger, Runtime
    module.TensorIOMode = types.SimpleNamespace(INPUT=0, OUTPUT=1)
    module.LayerInformationFormat = types.SimpleNamespace(JSON=1)
    module.uint8, module.float32 = "uint8", "float32"
    return module


class _Engine:
    def __init__(self, plan: bytes, add: float) -> None:
        head, _, model = plan.partition(b"\n")
        self.profiles, self.add = json.loads(head), add
        self.session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        self.inputs = [one.name for one in self.session.get_inputs()]
        self.outputs = [one.name for one in self.session.get_outputs()]
        self.names = [*self.inputs, *self.outputs]
        self.num_io_tensors = len(self.names)
        self.num_optimization_profiles = len(self.profiles)
        self.contexts = 0

    def get_tensor_name(self, row: int) -> str:
        return self.names[row]

    def get_tensor_mode(self, name: str) -> int:
        return int(name not in self.inputs)

    def get_tensor_dtype(self, name: str) -> str:
        return "uint8" if name == "image" else "float32"

    def get_tensor_profile_shape(self, name: str, row: int) -> Any:
        return self.profiles[row]

    def create_execution_context(self) -> Any:
        self.contexts += 1
        return _Context(self)

    def create_engine_inspector(self) -> Any:
        text = json.dumps({"Layers": [LAYER]})
        return types.SimpleNamespace(get_engine_information=lambda _: text)


class _Context:
    def __init__(self, engine: _Engine) -> None:
        self.engine, self.profile = engine, -1
        self.shape: tuple[int, ...] = ()
        self.location: tuple[int, ...] = ()
        self.addresses: dict[str, int] = {}

    def set_optimization_profile_async(self, row: int, stream: int) -> bool:
        self.profile = row
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        if name == LOCATION_INPUT:
            self.location = tuple(shape)
            return len(shape) == 4 and shape[1] == 3
        low, _, high = self.engine.profiles[self.profile]
        self.shape = tuple(shape)
        return all(a <= b <= c for a, b, c in zip(low, shape, high, strict=True))

    def infer_shapes(self) -> list[str]:
        count, rows, columns, _ = self.shape
        fits = self.location in ((), (count, 3, rows // 8, columns // 8))
        return [] if fits else [LOCATION_INPUT]

    def get_tensor_shape(self, name: str) -> list[int]:
        found = {o.name: o.shape for o in self.engine.session.get_outputs()}
        count, rows, columns, _ = self.shape
        return [count, *found[name][1:-2], rows // 8, columns // 8]

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        images = _at(self.addresses["image"], self.shape, ctypes.c_uint8)
        for row in range(len(images)):
            given = {"image": images[row : row + 1]}
            if self.location:
                place = _at(self.addresses[LOCATION_INPUT], self.location, ctypes.c_float)
                given[LOCATION_INPUT] = place[row : row + 1]
            found = self.engine.session.run(self.engine.outputs, given)
            for name, value in zip(self.engine.outputs, found, strict=True):
                shape = tuple(self.get_tensor_shape(name))
                _at(self.addresses[name], shape, ctypes.c_float)[row] = value[0] + self.engine.add
        return True


def _at(address: int, shape: tuple[int, ...], kind: Any) -> Any:
    memory = (kind * int(np.prod(shape))).from_address(address)
    return np.ctypeslib.as_array(memory).reshape(shape)
