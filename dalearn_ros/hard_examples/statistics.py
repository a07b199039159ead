"""Colour distributions: mean and standard deviation of each area of an image, and of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
WHOLE = "image"  # the name under which the whole image stands among the areas
ROUNDING = 1e-4  # a smaller deviation is that of float32; one odd pixel in a million gives more


@dataclass(frozen=True)
class Distribution:
    """Colours of one area as mean and standard deviation (population, ddof 0) of each channel.

    Attributes:
        mean: (3,) in the colour space's own units; L* is 0 to 100.
        std: (3,) likewise, 0 or more.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def of_vector(cls, vector: npt.ArrayLike) -> Distribution:
        """The inverse of :attr:`vector`."""
        m0, s0, m1, s1, m2, s2 = (float(x) for x in np.asarray(vector, np.float64).ravel())
        return cls((m0, m1, m2), (s0, s1, s2))

    @property
    def vector(self) -> Floats:
        """(6,) mean and deviation of channel 0, 1, 2: one parameter of the search."""
        return np.stack([self.mean, self.std], axis=1).ravel()


@dataclass(frozen=True)
class AreaStatistics:
    """Distributions of all areas of one image.

    Attributes:
        names: K + 1 names; the last is :data:`WHOLE`.
        pixels: (K + 1,) how many pixels each has.
        mean: (K + 1, 3); NaN where there is no pixel.
        std: (K + 1, 3); NaN where there is no pixel.
    """

    names: tuple[str, ...]
    pixels: Ints
    mean: Floats
    std: Floats

    def of(self, name: str) -> Distribution | None:
        """The distribution of an area; None if it has no pixel, or there is no such area."""
        row = self.names.index(name) if name in self.names else -1
        if row < 0 or not self.pixels[row]:
            return None
        return Distribution.of_vector(np.stack([self.mean[row], self.std[row]], axis=1))

    def of_the_whole(self) -> AreaStatistics:
        """Those of the whole image alone."""
        last = slice(-1, None)
        return AreaStatistics(self.names[last], self.pixels[last], self.mean[last], self.std[last])

    def present(self, least_pixels: int = 1) -> tuple[str, ...]:
        """Areas, without the whole image, that have so many pixels."""
        rows = zip(self.names[:-1], self.pixels[:-1], strict=True)
        return tuple(name for name, count in rows if count >= least_pixels)


def measure(
    colours: npt.NDArray[np.float32], index: npt.NDArray[np.uint8], names: Sequence[str]
) -> AreaStatistics:
    """Statistics of every area, in two passes so that no digits cancel; even areas get deviation 0.

    Args:
        colours: (H, W, 3) float32 in a colour space.
        index: (H, W) uint8, the area of each pixel as its place in ``names``.
        names: K names of areas.

    Raises:
        InputError: Another size, or a label that has no name.
    """
    check_index(index, colours.shape[:2], names)
    areas = index.ravel().astype(np.intp)
    pixels = np.bincount(areas, minlength=len(names))
    mean, square = np.empty((len(names) + 1, 3)), np.empty((len(names) + 1, 3))
    counted = np.maximum(pixels, 1)
    for channel in range(3):
        values = colours[..., channel].ravel().astype(np.float64)
        middle = np.bincount(areas, values, len(names)) / counted
        values -= middle[areas]
        spread = np.bincount(areas, values * values, len(names))
        whole = float(pixels @ middle) / max(len(areas), 1)
        mean[:-1, channel], mean[-1, channel] = middle, whole
        square[:-1, channel] = spread / counted
        between = float(pixels @ (middle - whole) ** 2)
        square[-1, channel] = (float(spread.sum()) + between) / max(len(areas), 1)
    pixels = np.append(pixels, len(areas)).astype(np.int64)
    mean[pixels == 0] = square[pixels == 0] = np.nan
    std = np.sqrt(square)
    std[std < ROUNDING] = 0.0
    return AreaStatistics((*names, WHOLE), pixels, mean, std)


def check_index(
    index: npt.NDArray[np.uint8], shape: tuple[int, ...], names: Sequence[str], where: str = ""
) -> None:
    """Raise InputError unless an index image fits an image (rows, columns) and a list of names."""
    place = where or "index image"
    if index.shape != tuple(shape[:2]):
        size = "x".join(map(str, index.shape[1::-1])) + (" px" if index.ndim == 2 else " channels")
        raise InputError.at(place, "", f"{shape[1]}x{shape[0]} px as the image", size)
    largest = int(index.max(initial=0))
    if largest >= len(names):
        known = ", ".join(f"{number} {name}" for number, name in enumerate(names))
        hint = "Give a mapping of its values if it is a segmentation."
        raise InputError.at(place, "labels", known, str(largest), hint)
