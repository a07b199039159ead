"""What every runtime of a landmark network can do, and what it says about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.location import CHANNELS
from dalearn_ros.coding.metadata import OUTPUTS, DepthMetadata, ModelMetadata
from dalearn_ros.coding.votes import RawOutputs

Images = npt.NDArray[np.uint8]
Location = npt.NDArray[np.float32]


@dataclass(frozen=True)
class BackendInfo:
    """What runs a network; for diagnostics and reports.

    Attributes:
        runtime: ``onnxruntime``, ``tensorrt``, ``tensorrt_rtx`` or ``torch``.
        version: Its version.
        device: ``cpu``, or the name of the GPU.
        precision: ``fp32``, ``fp16`` or ``int8``, in the order of their share where they are mixed
            (``fp16, fp32``). Of TensorRT it is what the engine does, not what was asked for.
        engine: The engine file; None where the ONNX file itself is run.
    """

    runtime: str
    version: str
    device: str
    precision: str
    engine: Path | None = None

    def __str__(self) -> str:
        """One line: ``onnxruntime 1.23.2 on cpu, fp32``."""
        return f"{self.runtime} {self.version} on {self.device}, {self.precision}"


class Backend(Protocol):
    """Runs a landmark network; one caller at a time.

    Attributes:
        metadata: What stands in the model file.
        info: What runs it.
    """

    @property
    def metadata(self) -> ModelMetadata:
        """What stands in the model file."""
        ...

    @property
    def info(self) -> BackendInfo:
        """What runs it."""
        ...

    def run(
        self, image: Images, location: Location | None = None, attention: bool = False
    ) -> RawOutputs:
        """One inference.

        Args:
            image: (1, H, W, C) uint8, sides multiples of ``metadata.input.multiple``.
            location: As of :meth:`run_batch`.
            attention: As of :meth:`run_batch`.

        Raises:
            ModelError: The runtime refused the image.
        """
        ...

    def run_batch(
        self, images: Images, location: Location | None = None, attention: bool = False
    ) -> list[RawOutputs]:
        """The answers to several images of one size, in their order.

        Args:
            images: (N, H, W, C) uint8, N >= 1, sides multiples of ``metadata.input.multiple``.
            location: (N, CHANNELS, H / stride, W / stride) of :mod:`coding.location`, for models
                with depth. None: depth is not asked for, and the answers have none.
            attention: Whether the attention map is wanted, of models that have one. Its arithmetic
                is done anyway, as the answers need it; it is copied only if it is wanted.

        Raises:
            ModelError: The runtime refused the images.
        """
        ...


def no_location(images: Images, depth: DepthMetadata) -> Location:
    """Zeros in the place of a location, for runtimes that must have one; their depth is void."""
    count, rows, columns, _ = images.shape
    shape = (count, CHANNELS, rows // depth.stride, columns // depth.stride)
    return np.zeros(shape, np.float32)


def split_outputs(
    outputs: Sequence[npt.NDArray[np.float32]], names: Sequence[str] = OUTPUTS
) -> list[RawOutputs]:
    """The maps of a batch as N answers, without copying.

    Args:
        outputs: Each (N, channels, h, w) or, of depth and attention, (N, h, w).
        names: Of the outputs, which are those of :class:`RawOutputs`.
    """
    named = list(zip(names, outputs, strict=True))
    rows = range(len(outputs[0]))
    return [RawOutputs(**{name: output[row] for name, output in named}) for row in rows]
