"""The one place that resizes, crops, pads, mirrors and turns images, with their points.

Pixels are (u, v) with the centre of the top-left pixel at (0, 0), so resizing by s maps u to
(u + 0.5)*s - 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PixelMap:
    """An affine map of pixel indices: ``out = matrix[:, :2] @ (u, v) + matrix[:, 2]``."""

    matrix: Floats

    @classmethod
    def identity(cls) -> PixelMap:
        """Leaves everything where it is."""
        return cls(np.eye(2, 3))

    @classmethod
    def resize(cls, scale_x: float, scale_y: float | None = None) -> PixelMap:
        """Resizing by a factor: u to (u + 0.5)*s - 0.5."""
        scale_y = scale_x if scale_y is None else scale_y
        shift = (np.array([scale_x, scale_y]) - 1.0) / 2.0
        return cls(np.array([[scale_x, 0.0, shift[0]], [0.0, scale_y, shift[1]]]))

    @classmethod
    def crop(cls, left: float, top: float) -> PixelMap:
        """Cutting out (or, if negative, padding): pixel (left, top) becomes (0, 0)."""
        return cls(np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]]))

    @classmethod
    def mirror(cls, width_px: int) -> PixelMap:
        """Left and right exchanged in an image of that width."""
        return cls(np.array([[-1.0, 0.0, width_px - 1.0], [0.0, 1.0, 0.0]]))

    @classmethod
    def turn(cls, angle_rad: float, center_px: tuple[float, float]) -> PixelMap:
        """Turning about a point; positive turns u towards v (clockwise on the screen)."""
        cos, sin = math.cos(angle_rad), math.sin(angle_rad)
        linear = np.array([[cos, -sin], [sin, cos]])
        center = np.array(center_px)
        return cls(np.column_stack([linear, center - linear @ center]))

    def __matmul__(self, first: PixelMap) -> PixelMap:
        """``(second @ first).apply(p)`` is ``second.apply(first.apply(p))``."""
        full = np.vstack([self.matrix, [0.0, 0.0, 1.0]]) @ np.vstack([first.matrix, [0, 0, 1.0]])
        return PixelMap(full[:2])

    def inverse(self) -> PixelMap:
        """The map back."""
        return PixelMap(np.linalg.inv(np.vstack([self.matrix, [0.0, 0.0, 1.0]]))[:2])

    def apply(self, points_px: npt.ArrayLike) -> Floats:
        """Points (..., 2) through the map."""
        points = np.asarray(points_px, dtype=np.float64)
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2], np.float64)

    def apply_covariance(self, covariance_px2: Floats) -> Floats:
        """Covariances (..., 2, 2) through the map."""
        linear = self.matrix[:, :2]
        return np.asarray(linear @ covariance_px2 @ linear.T, np.float64)

    def warp(
        self, image: npt.NDArray[np.uint8], size: tuple[int, int], fill: int = 0
    ) -> npt.NDArray[np.uint8]:
        """The image through the map.

        A whole-pixel crop is cut without interpolation; shrinking averages over areas.

        Args:
            image: (H, W) or (H, W, C) uint8.
            size: (width, height) of the result.
            fill: Value outside the image.

        Returns:
            (height, width[, C]) uint8.
        """
        shift = self.matrix[:, 2]
        if np.array_equal(self.matrix[:, :2], np.eye(2)) and np.array_equal(shift, shift.round()):
            return _cut(image, int(-shift[0]), int(-shift[1]), size, fill)
        scale = math.sqrt(abs(float(np.linalg.det(self.matrix[:, :2]))))
        if scale < 0.75:
            first = PixelMap.resize(
                max(1, round(image.shape[1] * scale)) / image.shape[1],
                max(1, round(image.shape[0] * scale)) / image.shape[0],
            )
            small = (
                round(image.shape[1] * first.matrix[0, 0]),
                round(image.shape[0] * first.matrix[1, 1]),
            )
            image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8)
            return (self @ first.inverse()).warp(image, size, fill)
        border = (float(fill),) * 4
        out = cv2.warpAffine(image, self.matrix, size, flags=cv2.INTER_LINEAR, borderValue=border)
        return np.asarray(out, np.uint8)

    def warp_labels(
        self, index: npt.NDArray[np.uint8], size: tuple[int, int], fill: int = 0
    ) -> npt.NDArray[np.uint8]:
        """An image of labels (H, W) through the map: each pixel takes the nearest one's label.

        Args:
            index: (H, W) uint8.
            size: (width, height) of the result.
            fill: Label outside the image.
        """
        width, height = size
        u, v = np.meshgrid(np.arange(width), np.arange(height))
        at = np.rint(self.inverse().apply(np.stack([u, v], axis=-1)) - 1e-9).astype(np.int64)
        inside = ((at >= 0) & (at < (index.shape[1], index.shape[0]))).all(axis=-1)
        out = np.full((height, width), fill, np.uint8)
        out[inside] = index[at[inside, 1], at[inside, 0]]
        return out


def _cut(
    image: npt.NDArray[np.uint8], left: int, top: int, size: tuple[int, int], fill: int
) -> npt.NDArray[np.uint8]:
    width, height = size
    y0, y1 = max(0, top), max(0, min(image.shape[0], top + height))
    x0, x1 = max(0, left), max(0, min(image.shape[1], left + width))
    inside = image[y0:y1, x0:x1]
    if inside.shape[:2] == (height, width):
        return inside
    out = np.full((height, width, *image.shape[2:]), fill, np.uint8)
    if inside.size:
        out[y0 - top : y1 - top, x0 - left : x1 - left] = inside
    return out


def padded_size(width_px: int, height_px: int, multiple: int) -> tuple[int, int]:
    """(width, height) rounded up to multiples."""
    return -(-width_px // multiple) * multiple, -(-height_px // multiple) * multiple
