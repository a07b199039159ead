"""An ONNX file to a TensorRT engine: strongly typed, so that its precision is that of the file.

One way for TensorRT 10.3 to 11 and for TensorRT-RTX; the module is handed in.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dalearn_ros.coding.location import CHANNELS
from dalearn_ros.coding.metadata import LOCATION_INPUT
from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.engine_settings import Profile

_LOG = logging.getLogger(__name__)
_MIB = 1 << 20


@dataclass(frozen=True)
class Built:
    """What a build gives.

    Attributes:
        plan: The serialized engine.
        timing: What was measured, for the next build; empty if that was not asked for.
    """

    plan: bytes
    timing: bytes


def build_engine(
    trt: Any,
    model: bytes,
    profiles: Sequence[Profile],
    workspace_mib: int,
    timing: bytes | None = None,
    location_stride: int = 0,
) -> Built:
    """Parse an ONNX file and build an engine for the GPU of this machine.

    A fixed batch axis of 1 is freed, as files have it that were exported before that axis was
    free. TF32 is off: fp32 in the file is fp32 in the engine.

    Args:
        trt: The module ``tensorrt`` or ``tensorrt_rtx``; the latter builds without a GPU too.
        model: The bytes of the ONNX file.
        profiles: Sizes of the input, at least one.
        workspace_mib: Memory that a layer may use, MiB.
        timing: What earlier builds measured; None: nothing is kept. TensorRT-RTX measures nothing.
        location_stride: Of models with depth: pixels of the image for a cell of ``location``.

    Raises:
        ModelError: TensorRT does not accept the file, or cannot build it; with its own words.
    """
    logger = logger_of(trt)
    logger.problems.clear()
    builder = trt.Builder(logger)
    typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(typed)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model):
        reasons = [str(parser.get_error(row).desc()) for row in range(parser.num_errors)]
        raise ModelError(f"TensorRT does not accept the ONNX file ({_first(reasons)}).")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mib * _MIB)
    config.clear_flag(trt.BuilderFlag.TF32)
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED  # for the inspector
    _add_profiles(builder, config, network, profiles, location_stride)
    if timing is not None:
        _use_timing(config, timing)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ModelError(f"TensorRT cannot build an engine ({_first(logger.problems)}).")
    kept = b"" if timing is None else bytes(config.get_timing_cache().serialize())
    return Built(bytes(plan), kept)


def _add_profiles(
    builder: Any, config: Any, network: Any, profiles: Sequence[Profile], location_stride: int
) -> None:
    image = network.get_input(0)
    _, rows, columns, channels = image.shape
    image.shape = (-1, rows, columns, channels)
    for wanted in profiles:
        profile = builder.create_optimization_profile()
        sizes = wanted.smallest, wanted.usual, wanted.largest
        profile.set_shape(image.name, *((*size, channels) for size in sizes))
        if location_stride:
            cells = [(n, h // location_stride, w // location_stride) for n, h, w in sizes]
            profile.set_shape(LOCATION_INPUT, *((n, CHANNELS, h, w) for n, h, w in cells))
        if config.add_optimization_profile(profile) < 0:
            raise ModelError(f"TensorRT refuses the input sizes {wanted}.")


def _use_timing(config: Any, timing: bytes) -> None:
    """Hand over what was measured; from another version or GPU it is dropped."""
    if not config.set_timing_cache(config.create_timing_cache(timing), False):
        _LOG.info("the timing cache is of another TensorRT or GPU; measuring anew")
        config.set_timing_cache(config.create_timing_cache(b""), False)


def _first(reasons: Sequence[str]) -> str:
    """Two lines of the first reason: what went wrong, and where."""
    return " ".join(reasons[0].splitlines()[:2]).rstrip(". ") if reasons else "it gives no reason"


@functools.cache
def logger_of(trt: Any) -> Any:
    """The one logger of a TensorRT module, which keeps the first that it gets for ever.

    It writes to Python's logging; ``problems`` collects the texts of errors.
    """
    levels = {
        trt.ILogger.Severity.INTERNAL_ERROR: logging.ERROR,
        trt.ILogger.Severity.ERROR: logging.ERROR,
        trt.ILogger.Severity.WARNING: logging.INFO,  # it warns of much that is meant
        trt.ILogger.Severity.INFO: logging.DEBUG,
    }

    class Logger(trt.ILogger):  # type: ignore[misc]
        """TensorRT's words to Python's logging."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.problems: list[str] = []

        def log(self, severity: Any, msg: str) -> None:
            """Called by TensorRT, from its own threads too."""
            level = levels.get(severity)
            if level is not None:
                _LOG.log(level, "TensorRT: %s", msg)
            if level == logging.ERROR:
                self.problems.append(msg)

    return Logger()
