"""Sharpening, smoothing and edge extraction of the whole image as conversions (H9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.hard_examples.conversion import Axis, Outcome, Parameters, Sample, in_range
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.landmarks.types import Labels

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Filter:
    """A filter of the whole image; landmarks stay where they are.

    Attributes:
        name: ``sharpen``, ``smooth`` or ``edges``.
        axes: What a vector holds.
        function: Image and vector → image.
        moves: Never.
    """

    name: str
    axes: tuple[Axis, ...]
    function: Callable[[Image, Floats], Image]
    moves: bool = field(default=False, init=False)

    def prepare(self, sample: Sample) -> PreparedFilter:
        """Nothing has to be done beforehand."""
        return PreparedFilter(self, sample)

    def possible(self, vectors: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """(N,) which vectors (N, k) lie in the axes' ranges."""
        return in_range(self.axes, vectors)

    def suited(
        self, labels: Labels, size: tuple[int, int], vector: Floats | None = None
    ) -> tuple[str, ...]:
        """The whole image: it bears any vector."""
        del labels, size, vector
        return (WHOLE,)


@dataclass(frozen=True)
class PreparedFilter:
    """A sample to be filtered."""

    filter: Filter
    sample: Sample

    @property
    def parts(self) -> tuple[str, ...]:
        """The whole image."""
        return (WHOLE,)

    def convert(self, parameters: Parameters) -> Outcome:
        """The filtered sample.

        Raises:
            InputError: Another part than the whole image, or a vector out of range.
        """
        check(self.filter.name, self.filter.axes, self.parts, parameters)
        image = self.filter.function(self.sample.image, np.asarray(parameters[WHOLE], np.float64))
        return Outcome(replace(self.sample, image=image), (WHOLE,))


def check(
    name: str, axes: tuple[Axis, ...], parts: tuple[str, ...], parameters: Parameters
) -> None:
    """Raise InputError unless parameters have known parts and vectors within the axes."""
    if not parameters:
        raise InputError.at(name, "parameters", "one part or more", "none")
    for part, vector in parameters.items():
        if part not in parts:
            known = ", ".join(parts) or "none: the image has no such part"
            raise InputError.at(name, "parts", f"some of {known}", f"'{part}'")
        values = np.asarray(vector, np.float64)
        if values.shape != (len(axes),) or not in_range(axes, values)[0]:
            ranges = ", ".join(f"{axis.name} {axis.low:g} to {axis.high:g}" for axis in axes)
            raise InputError.at(name, f"part '{part}'", ranges, str(values.tolist()))


def _sharpen(image: Image, vector: Floats) -> Image:
    """Unsharp masking: image + amount * (image - blurred)."""
    amount, sigma = vector
    blurred = cv2.GaussianBlur(image, (0, 0), float(sigma))
    return np.asarray(cv2.addWeighted(image, 1.0 + amount, blurred, -amount, 0.0), np.uint8)


def _smooth(image: Image, vector: Floats) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), float(vector[0])), np.uint8)


def _edges(image: Image, vector: Floats) -> Image:
    """The image blended with the size of its gradient (Sobel, full scale: a step of 255)."""
    share = float(vector[0])
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, dx, dy, scale=0.25) for dx, dy in ((1, 0), (0, 1)))
    edges = np.clip(np.rint(cv2.magnitude(across, down)), 0, 255).astype(np.uint8)
    outline = cv2.cvtColor(edges, cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.addWeighted(image, 1.0 - share, outline, share, 0.0), np.uint8)


SHARPEN = Filter(
    "sharpen",
    (Axis("amount", 0.0, 5.0, 0.5, still=0.0), Axis("sigma, px", 0.5, 5.0, 0.5)),
    _sharpen,
)
SMOOTH = Filter("smooth", (Axis("sigma, px", 0.3, 12.0, 0.5, still=0.3),), _smooth)
EDGES = Filter("edges", (Axis("share of the outline", 0.0, 1.0, 0.1, still=0.0),), _edges)
FILTERS = {one.name: one for one in (SHARPEN, SMOOTH, EDGES)}
