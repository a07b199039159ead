"""TensorRT behind the protocol. The only file that imports TensorRT or cuda-python, when used."""

from __future__ import annotations

import hashlib
import importlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.coding.votes import RawOutputs
from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.cuda_device import CudaDevice, cuda_device
from dalearn_ros.inference.engine_build import Built, build_engine
from dalearn_ros.inference.engine_cache import EngineCache, EngineKey, EngineRefused
from dalearn_ros.inference.engine_run import EngineRunner, Floats
from dalearn_ros.inference.engine_settings import EngineSettings, Profile, profiles_of
from dalearn_ros.inference.inspector import LayerPrecision, count_precisions
from dalearn_ros.inference.parity import made_up_batches, require_parity
from dalearn_ros.inference.protocol import (
    Backend,
    BackendInfo,
    Images,
    Location,
    no_location,
    split_outputs,
)

PACKAGES = ("tensorrt", "tensorrt_rtx")
OLDEST = (10, 3)
_CUDA = ("cuda.bindings.runtime", "cuda.cudart")  # cuda-python since 12.6, and before
_LOG = logging.getLogger(__name__)


class Runner(Protocol):
    """A loaded engine."""

    def infer(
        self,
        images: Images,
        location: Location | None = None,
        wanted: Sequence[str] | None = None,
    ) -> list[Floats]:
        """See :meth:`engine_run.EngineRunner.infer`."""
        ...

    def layers(self) -> list[LayerPrecision]:
        """See :meth:`engine_run.EngineRunner.layers`."""
        ...


@dataclass(frozen=True)
class Toolkit:
    """TensorRT on this machine.

    Attributes:
        runtime: Name of the package.
        version: Its version.
        device: The GPU.
        build: Model, profiles, MiB of workspace, earlier timings and the stride of the location
            (0: none) to an engine.
        load: Engine and the names of its outputs to something that runs.
    """

    runtime: str
    version: str
    device: CudaDevice
    build: Callable[[bytes, Sequence[Profile], int, bytes | None, int], Built]
    load: Callable[[bytes, Sequence[str]], Runner]


class TensorrtBackend:
    """An engine; see :class:`protocol.Backend`."""

    def __init__(self, runner: Runner, metadata: ModelMetadata, info: BackendInfo) -> None:
        self._runner, self.metadata, self.info = runner, metadata, info

    def run(
        self, image: Images, location: Location | None = None, attention: bool = False
    ) -> RawOutputs:
        """One inference."""
        return self.run_batch(image, location, attention)[0]

    def run_batch(
        self, images: Images, location: Location | None = None, attention: bool = False
    ) -> list[RawOutputs]:
        """Several images of one size. An engine always computes all; only what is wanted is copied.

        Raises:
            ModelError: There are none, the engine is for other sizes, or CUDA failed.
        """
        if len(images) == 0:
            raise ModelError(f"{self.info.engine}: inference needs at least one image.")
        depth, given = self.metadata.depth, location
        names = self.metadata.asked(location is not None, attention)
        if depth is not None and given is None:
            given = no_location(images, depth)
        return split_outputs(self._runner.infer(images, given, names), names)


def toolkit() -> Toolkit:
    """TensorRT on this machine; the device is looked for before anything else.

    Raises:
        ModelError: There is no CUDA device, no TensorRT or an old one, or no cuda-python.
    """
    device = cuda_device()
    name, trt = load_tensorrt()
    cuda = _load_cuda()
    measures = name == PACKAGES[0]

    def build(
        model: bytes,
        profiles: Sequence[Profile],
        workspace_mib: int,
        timing: bytes | None,
        location_stride: int,
    ) -> Built:
        known = timing if measures else None
        return build_engine(trt, model, profiles, workspace_mib, known, location_stride)

    def load(plan: bytes, outputs: Sequence[str]) -> Runner:
        return EngineRunner(trt, cuda, plan, outputs)

    return Toolkit(name, str(trt.__version__), device, build, load)


def load_tensorrt() -> tuple[str, Any]:
    """Name and module of the installed TensorRT; nothing of CUDA is touched.

    Raises:
        ModelError: None is installed, it does not load, or it is older than :data:`OLDEST`.
    """
    reasons = []
    for name in PACKAGES:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            reasons.append(f"{name} is not installed")
        except Exception as error:  # a stub or a missing library of it
            reasons.append(f"{name} does not load: {error}")
        else:
            version = str(module.__version__)
            if name == PACKAGES[0] and tuple(map(int, version.split(".")[:2])) < OLDEST:
                oldest = ".".join(map(str, OLDEST))
                raise ModelError(f"TensorRT {version} is too old; {oldest} or newer is needed.")
            return name, module
    raise ModelError(f"TensorRT cannot be used ({'; '.join(reasons)}).")


def _load_cuda() -> Any:
    for name in _CUDA:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ModelError(
        "TensorRT needs the Python package cuda-bindings in the version of this machine's CUDA, "
        "which is not installed."
    )


def open_engine(
    path: Path, reference: Backend, settings: EngineSettings, tools: Toolkit
) -> TensorrtBackend:
    """The engine of a model: out of the cache, or built, compared with ONNX Runtime and kept.

    Args:
        path: The ONNX file.
        reference: The same file in ONNX Runtime.
        settings: Sizes, batch, folder.
        tools: Of :func:`toolkit`.

    Raises:
        ModelError: TensorRT does not accept the file; the new engine's answers differ from those
            of ONNX Runtime; or none fits and ``settings.build`` is false.
        InputError: The folder of the engines cannot be written.
    """
    model = path.read_bytes()
    profiles = profiles_of(settings, reference.metadata.input.multiple)
    key = _key(model, profiles, settings, tools)
    cache = EngineCache(settings.place)
    try:
        return _stored(path, key, cache, reference.metadata, tools)
    except EngineRefused as refused:
        if not settings.build:
            raise EngineRefused(f"{refused} Building is switched off.") from None
        _LOG.warning("%s Building one for %s; this takes minutes.", refused, tools.device.name)
    start = time.monotonic()
    timing = cache.read_timing(key) if settings.timing_cache else None
    depth = reference.metadata.depth
    stride = 0 if depth is None else depth.stride
    built = tools.build(model, profiles, settings.workspace_mib, timing, stride)
    backend = _backend(built.plan, cache.path(path.stem, key), reference.metadata, tools)
    batches = made_up_batches(profiles, reference.metadata.input.channels)
    parity = require_parity(backend, reference, batches, reference.info.precision)
    report = {
        "build_s": round(time.monotonic() - start, 1),
        "layers": backend.info.precision,
        "parity": {"common": parity.common, "worst": parity.worst, "output": parity.output},
    }
    if built.timing:
        cache.store_timing(key, built.timing)
    engine = cache.store(path.stem, key, built.plan, report)
    _LOG.info(
        "%s: built; differs from ONNX Runtime by %.2g at most in 999 of 1000 values",
        engine,
        parity.common,
    )
    return backend


def _stored(
    path: Path, key: EngineKey, cache: EngineCache, metadata: ModelMetadata, tools: Toolkit
) -> TensorrtBackend:
    engine, plan, _ = cache.find(path.stem, key)
    try:
        return _backend(plan, engine, metadata, tools)
    except ModelError as error:
        raise EngineRefused(f"{engine}: {error}") from None


def _backend(plan: bytes, engine: Path, metadata: ModelMetadata, tools: Toolkit) -> TensorrtBackend:
    runner = tools.load(plan, metadata.outputs)
    try:
        precision = ", ".join(count_precisions(runner.layers())) or "unknown"
    except ModelError as error:
        _LOG.warning("%s: %s", engine, error)
        precision = "unknown"
    info = BackendInfo(tools.runtime, tools.version, tools.device.name, precision, engine)
    return TensorrtBackend(runner, metadata, info)


def _key(
    model: bytes, profiles: Sequence[Profile], settings: EngineSettings, tools: Toolkit
) -> EngineKey:
    return EngineKey(
        model_sha256=hashlib.sha256(model).hexdigest(),
        runtime=f"{tools.runtime} {tools.version}",
        gpu=tools.device.name,
        compute_capability=tools.device.compute_capability,
        profiles=tuple(map(str, profiles)),
        workspace_mib=settings.workspace_mib,
        timing_cache=settings.timing_cache,
    )
