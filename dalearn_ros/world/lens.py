"""From the renderer's wide pinhole picture to the distorted picture of the real lens."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera

Array = npt.NDArray[np.float64]
WIDTH, HEIGHT = 1280, 720
STRIP_ROWS = 36
STRIPS = [slice(a, a + STRIP_ROWS) for a in range(0, HEIGHT, STRIP_ROWS)]
FINEST, WIDEST_PX = 1.3, 1760
# The rasteriser truncates corners to whole pixels of a slightly shrunk image: on average it draws a
# point this share of (1 + normalised coordinate) pixels too far left and up.
TRUNCATION_PX = 0.25


class Lens:
    """Sampling maps of one camera.

    Attributes:
        camera: The camera as calibrated: what camera_info says.
        width, height, focal_px: The pinhole picture that the renderer must draw.
        map: (720, 1280, 2) float32: where in that picture each pixel of the camera looks.
        radius: (720, 1280) float32: distance from the optical centre, 1 = half the diagonal.
    """

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
        pixels = np.stack([u.ravel(), v.ravel()], axis=1).astype(np.float64)
        rays = camera.unproject(pixels)[:, :2].reshape(camera.height, camera.width, 2)
        reach = np.abs(rays).max(axis=(0, 1)) * 1.004
        scale = min(FINEST, WIDEST_PX / (2 * reach[0] * camera.matrix[0, 0]))
        self.focal_px = float(scale * camera.matrix[0, 0])
        self.width = int(np.ceil(2 * reach[0] * self.focal_px / 8) * 8)
        self.height = int(np.ceil(2 * reach[1] * self.focal_px / 8) * 8)
        half = np.array([self.width, self.height]) / 2.0
        x = rays * self.focal_px
        at = half + x - 0.5 - TRUNCATION_PX * (1.0 + x / half)
        self.map = np.ascontiguousarray(at, dtype=np.float32)
        column, row = np.rint(at).astype(np.intp).transpose(2, 0, 1)
        self._codes = 4 * (row * self.width + column) + 3
        radius = np.linalg.norm(pixels - camera.matrix[:2, 2], axis=1).reshape(u.shape)
        self.radius = (radius / np.hypot(camera.width / 2, camera.height / 2)).astype(np.float32)

    def colour(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The distorted picture (720, 1280, 3) of a pinhole picture (H, W, 4)."""
        seen = cv2.remap(picture, self.map, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
        return np.asarray(cv2.cvtColor(seen, cv2.COLOR_BGRA2BGR))

    def moving(
        self, picture: npt.NDArray[np.uint8], flow: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.uint8]:
        """The same, smeared: the mean of two samples at plus and minus ``flow``.

        Args:
            picture: (H, W, 4) from the renderer.
            flow: (h, w, 2) in pixels of the renderer's picture, any size: how far the scene moves
                from the middle of the exposure to a quarter of it later.
        """
        full = cv2.resize(flow, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        out = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        at = np.empty((STRIP_ROWS, WIDTH, 2), np.float32)
        for rows in STRIPS:
            middle, move = self.map[rows], full[rows]
            np.add(middle, move, out=at)
            first: Any = cv2.remap(picture, at, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
            np.subtract(middle, move, out=at)
            second: Any = cv2.remap(picture, at, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
            cv2.addWeighted(first, 0.5, second, 0.5, 0.0, first)
            cv2.cvtColor(first, cv2.COLOR_BGRA2BGR, out[rows])
        return out

    def codes(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Material codes (720, 1280) of a pinhole picture (H, W, 4), never mixed."""
        return np.asarray(np.take(picture.reshape(-1), self._codes, mode="clip"))

    def nearest(self, picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Distorted without mixing neighbours: for depth (H, W)."""
        return np.asarray(cv2.remap(picture, self.map, None, cv2.INTER_NEAREST))  # type: ignore[call-overload]
