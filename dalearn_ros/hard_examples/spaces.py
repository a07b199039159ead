"""The colour spaces in which distributions can be kept; CIE L*a*b* is the default."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.hard_examples.colour import HALF_LEVEL, bgr_to_lab, lab_inside, lab_to_bgr

Image = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ColourSpace:
    """One space; all functions are those of :mod:`hard_examples.colour` for L*a*b*.

    Attributes:
        name: ``lab``, ``rgb`` or ``ycbcr``.
        channels: Names of its three channels; the first one is the lightness, but for ``rgb``.
        ranges: (lowest, highest) value of each channel that an 8-bit image has.
        from_bgr: (H, W, 3) uint8 BGR → (H, W, 3) float32.
        to_bgr: The inverse, and (H, W) which pixels had to be clipped.
        inside: (N, 3) colours → (N,) which an 8-bit image can show.
    """

    name: str
    channels: tuple[str, str, str]
    ranges: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
    from_bgr: Callable[[Image], Float]
    to_bgr: Callable[[Float], tuple[Image, Mask]]
    inside: Callable[[npt.ArrayLike], Mask]


def _linear_space(
    name: str,
    channels: tuple[str, str, str],
    ranges: tuple[tuple[float, float], tuple[float, float], tuple[float, float]],
    from_rgb: npt.ArrayLike,
) -> ColourSpace:
    """A space whose channels are sums of the coded R, G, B (0 to 100)."""
    forward = np.asarray(from_rgb, np.float64)[:, ::-1] * (100.0 / 255.0)
    back = np.linalg.inv(forward)
    slack = 255.0 * HALF_LEVEL

    def from_bgr(image: Image) -> Float:
        return np.asarray(cv2.transform(image.astype(np.float32), forward), np.float32)

    def levels(values: Float) -> tuple[Float, Mask]:
        found = np.asarray(cv2.transform(values, back), np.float32)
        outside = cv2.inRange(found, (-slack,) * 3, (255.0 + slack,) * 3) == 0
        return found, np.asarray(outside, np.bool_)

    def to_bgr(values: Float) -> tuple[Image, Mask]:
        found, outside = levels(values)
        return np.clip(np.rint(found), 0, 255).astype(np.uint8), outside

    def inside(colours: npt.ArrayLike) -> Mask:
        _, outside = levels(np.asarray(colours, np.float32).reshape(1, -1, 3))
        return np.asarray(~outside[0], np.bool_)

    return ColourSpace(name, channels, ranges, from_bgr, to_bgr, inside)


_BT601 = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
SPACES = {
    "lab": ColourSpace(
        "lab", ("L*", "a*", "b*"), ((0.0, 100.0), (-86.2, 98.3), (-107.9, 94.5)),
        bgr_to_lab, lab_to_bgr, lab_inside,
    ),
    "rgb": _linear_space("rgb", ("R", "G", "B"), ((0.0, 100.0),) * 3, np.eye(3)),
    "ycbcr": _linear_space(
        "ycbcr", ("Y", "Cb", "Cr"), ((0.0, 100.0), (-50.0, 50.0), (-50.0, 50.0)), _BT601
    ),
}  # fmt: skip
LAB = SPACES["lab"]


def colour_space(name: str) -> ColourSpace:
    """The space of a name.

    Raises:
        SettingsError: No such space.
    """
    if name not in SPACES:
        raise SettingsError.at("colour space", "", "one of " + ", ".join(SPACES), f"'{name}'")
    return SPACES[name]
