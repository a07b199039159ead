"""Local areas of an image, all at the same number of pixels per radian (S1, S3, S13)."""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.location import CHANNELS, location_at
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.depth.settings import PatchSettings
from dalearn_ros.geometry.camera import Camera

Floats = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]
FILL = 114  # grey, as in padded crops


def pixels_per_radian(camera: Camera, pixels: npt.ArrayLike) -> Floats:
    """Pixels per radian of viewing angle at places of an image.

    The root of the pixels per steradian: one pixel's solid angle is the area that its unit rays
    span. On the axis of a pinhole it is the focal length; off it, by the angle a, f / cos(a)^1.5.

    Args:
        camera: Any lens.
        pixels: (N, 2) pixels.

    Returns:
        (N,); where the lens has no ray, that of the axis.
    """
    uv = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
    steps = np.array([[0.5, 0.0], [-0.5, 0.0], [0.0, 0.5], [0.0, -0.5]])
    rays = camera.unproject((uv[None] + steps[:, None]).reshape(-1, 2))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    right, left, down, up = rays.reshape(4, -1, 3)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = 1.0 / np.sqrt(np.linalg.norm(np.cross(right - left, down - up), axis=1))
    return np.asarray(np.where(np.isfinite(found), found, camera.focal_px))


class PatchCutter:
    """Cuts patches out of one image."""

    def __init__(self, image: Image, camera: Camera, settings: PatchSettings) -> None:
        """Take an image.

        Args:
            image: (H, W, C) uint8 as received.
            camera: Its camera.
            settings: Size, scale and border rule.
        """
        self.image, self.camera, self.settings = image, camera, settings

    def cut(
        self, centres: npt.ArrayLike, scales: npt.ArrayLike | float = 1.0
    ) -> tuple[Image, npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Patches about places.

        Args:
            centres: (N, 2) pixels, sub-pixel; the middle of each patch falls on it.
            scales: (N,) or one: pixels per radian as a share of the settings'.

        Returns:
            (N, S, S, C) uint8; (N, :data:`CHANNELS`) float32 locations of the centres at the
            patches' own scale; and which count (N,): with the border rule ``skip`` those that lie
            wholly in the image, with ``pad`` those whose centre does; none where the lens has no
            ray.
        """
        settings, side = self.settings, self.settings.size_px
        uv = np.asarray(centres, dtype=np.float64).reshape(-1, 2)
        wanted = settings.focal_px * np.broadcast_to(np.asarray(scales, np.float64), len(uv))
        scale = wanted / pixels_per_radian(self.camera, uv)
        patches = np.empty((len(uv), side, side, self.image.shape[2]), np.uint8)
        for number, (centre, by) in enumerate(zip(uv, scale, strict=True)):
            patches[number] = self._patch(centre, float(by))
        location = location_at(self.camera, uv)
        location[:, CHANNELS - 1] += np.log(scale)
        reach = np.zeros(len(uv)) if settings.border == "pad" else 0.5 * side / scale
        size = np.array([self.image.shape[1], self.image.shape[0]])
        low, high = uv - reach[:, None], uv + reach[:, None]
        inside = np.all((low >= -0.5) & (high <= size - 0.5), axis=1)
        inside &= np.isfinite(self.camera.unproject(uv)).all(axis=1)
        return patches, location.astype(np.float32), np.asarray(inside, np.bool_)

    def _patch(self, centre: Floats, scale: float) -> Image:
        level = max(0, math.floor(2.0 * math.log2(1.0 / scale)))  # the next larger one
        image, mapping = self._smaller(level)
        first = mapping.matrix[0, 0]
        middle = (self.settings.size_px - 1) / 2.0
        at = mapping.apply(centre)
        by = scale / first
        matrix = np.array([[by, 0.0, middle - by * at[0]], [0.0, by, middle - by * at[1]]])
        size = (self.settings.size_px, self.settings.size_px)
        fill = (float(FILL),) * 4
        done = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=fill)
        return np.asarray(done, np.uint8).reshape(*size, image.shape[2])

    @functools.cached_property
    def _levels(self) -> dict[int, tuple[Image, PixelMap]]:
        return {0: (self.image, PixelMap.identity())}

    def _smaller(self, level: int) -> tuple[Image, PixelMap]:
        """The image at about 2^(-level / 2) of its size, and the map to it; kept."""
        if level not in self._levels:
            height, width = self.image.shape[:2]
            by = 2.0 ** (-level / 2.0)
            size = max(1, round(width * by)), max(1, round(height * by))
            small = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA)
            image = np.asarray(small, np.uint8).reshape(size[1], size[0], -1)
            self._levels[level] = image, PixelMap.resize(size[0] / width, size[1] / height)
        return self._levels[level]
