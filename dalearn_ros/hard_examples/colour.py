"""8-bit BGR images as float CIE L*a*b* and back, with what does not fit into sRGB.

L* is 0 to 100, a* and b* have no limits of their own (sRGB reaches -86.2 to 98.3 and -107.9 to
94.5): never OpenCV's 8-bit scaling. Formulas: IEC 61966-2-1 (sRGB, D65) and CIE 15 (1976 L*a*b*).
OpenCV's own conversion interpolates in a table of 33 steps; this one is exact and no slower.

Pictures are worked through in strips of rows that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
STRIP_PIXELS = 1 << 14
_DELTA = 6.0 / 29.0
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65, 2 degrees
_XYZ_FROM_RGB = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
_RATIO_FROM_BGR = (_XYZ_FROM_RGB / _WHITE[:, None])[:, ::-1].copy()  # X/Xn, Y/Yn, Z/Zn of linear
_BGR_FROM_RATIO = np.linalg.inv(_RATIO_FROM_BGR)
_LAB_FROM_ROOTS = np.array([[0.0, 116.0, 0.0, -16.0], [500, -500, 0, 0], [0, 200, -200, 0]])
_ROOTS_FROM_LAB = np.array(
    [
        [1 / 116, 1 / 500, 0, 16 / 116],
        [1 / 116, 0, 0, 16 / 116],
        [1 / 116, 0, -1 / 200, 16 / 116],
    ]
)
HALF_LEVEL = 0.5 / 255.0
_LINEAR_LOW = -HALF_LEVEL / 12.92  # half an 8-bit level under black ...
_LINEAR_HIGH = 1.0 + HALF_LEVEL * 2.4 / 1.055  # ... and over white
_CODES = 1 << 16


def strips(height: int, width: int) -> Iterator[slice]:
    """Rows of an image in pieces of about ``STRIP_PIXELS`` pixels."""
    rows = max(1, STRIP_PIXELS // max(width, 1))
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def bgr_to_lab(image: Image) -> Float:
    """(H, W, 3) float32 L*, a*, b* of an (H, W, 3) uint8 BGR image."""
    lab = np.empty(image.shape, np.float32)
    for rows in strips(*image.shape[:2]):
        ratio = cv2.transform(cv2.LUT(image[rows], _LINEAR), _RATIO_FROM_BGR)
        roots = np.cbrt(ratio)
        np.copyto(roots, ratio / (3 * _DELTA**2) + 4 / 29, where=ratio <= _DELTA**3)
        lab[rows] = cv2.transform(roots, _LAB_FROM_ROOTS)
    return lab


def lab_to_linear(lab: Float) -> Float:
    """(H, W, 3) float32 linear light, blue, green, red; outside of 0 to 1 where sRGB ends."""
    roots = np.asarray(cv2.transform(lab, _ROOTS_FROM_LAB), np.float32)
    ratio = roots * roots * roots
    np.copyto(
        ratio, (roots - np.float32(4 / 29)) * np.float32(3 * _DELTA**2), where=roots <= _DELTA
    )
    return np.asarray(cv2.transform(ratio, _BGR_FROM_RATIO), np.float32)


def lab_to_bgr(lab: Float) -> tuple[Image, Mask]:
    """The nearest 8-bit colours: each channel rounded, clipped where sRGB ends.

    Args:
        lab: (H, W, 3) float32.

    Returns:
        (H, W, 3) uint8 BGR, and (H, W) which pixels were clipped by more than half a level.
    """
    image = np.empty(lab.shape, np.uint8)
    outside = np.empty(lab.shape[:2], np.bool_)
    for rows in strips(*lab.shape[:2]):
        linear = lab_to_linear(lab[rows])
        outside[rows] = _outside(linear, _LINEAR_LOW, _LINEAR_HIGH)
        np.clip(linear, 0.0, 1.0, out=linear)
        linear *= _CODES - 1
        linear += 0.5
        image[rows] = _CODED[linear.astype(np.uint16)]
    return image, outside


def lab_inside(colours: npt.ArrayLike) -> Mask:
    """Which L*a*b* colours (N, 3) sRGB can show: (N,)."""
    lab = np.asarray(colours, np.float32).reshape(1, -1, 3)
    return np.asarray(~_outside(lab_to_linear(lab), _LINEAR_LOW, _LINEAR_HIGH)[0], np.bool_)


def _outside(values: Float, low: float, high: float) -> Mask:
    return np.asarray(cv2.inRange(values, (low,) * 3, (high,) * 3) == 0, np.bool_)


def _linear_of(coded: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Linear light of sRGB values 0 to 1 (IEC 61966-2-1)."""
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def _coded_of(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The inverse of :func:`_linear_of`."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


_LINEAR: Float = _linear_of(np.arange(256) / 255.0).astype(np.float32)
_CODED: Image = np.rint(_coded_of(np.arange(_CODES) / (_CODES - 1.0)) * 255.0).astype(np.uint8)
