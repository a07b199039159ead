"""Light that the camera's own vehicle and the street's lamps throw, on a coarse grid of pixels."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world.weather import Weather

Array = npt.NDArray[np.float64]
Float = npt.NDArray[np.float32]
HEADLIGHT_HEIGHT_M = 0.65
NEAREST = 9  # street lamps that are reckoned with
LAMP_COLOUR = np.array([0.55, 0.80, 1.0], np.float32)  # blue, green, red


class Lamps:
    """Headlights and street lamps of one weather.

    Args:
        rays_base: (h, w, 3) rays of the coarse grid with z = 1 in the optical frame, turned into
            the vehicle's axes.
        mount: base_from_camera.
        lamps: (L, 3) positions of street lamps, metres, map frame.
    """

    def __init__(self, weather: Weather, rays_base: Float, mount: Transform, lamps: Array) -> None:
        self.weather, self.mount, self.lamps = weather, mount, lamps
        self._rays = [np.ascontiguousarray(rays_base[..., i]) for i in range(3)]
        self._half_rays = [np.ascontiguousarray(rays_base[::2, ::2, i]) for i in range(3)]

    def headlights(self, depth: Float) -> tuple[Float, Float]:
        """Irradiance (h, w) of low beams on a surface that faces them, and the road's share of it.

        Args:
            depth: (h, w) metres.
        """
        depth = np.minimum(depth, np.float32(4000.0))
        x = self._rays[0] * depth + np.float32(self.mount.translation[0] - 3.6)
        y = self._rays[1] * depth
        up = self._rays[2] * depth + np.float32(self.mount.translation[2] - HEADLIGHT_HEIGHT_M)
        np.maximum(x, np.float32(1.5), out=x)
        distance2 = x * x + y * y
        azimuth, elevation = y / x, up / x
        square = azimuth * azimuth
        aim = np.exp(square * np.float32(-1 / 0.42**2))
        aim += np.float32(0.12) * np.exp(square * np.float32(-1 / 1.1**2))
        raised = np.where(azimuth < 0, np.float32(0.018), np.float32(-0.012))
        cut = 1 / (1 + np.exp(np.minimum((elevation - raised) * np.float32(220.0), 80)))
        low = np.exp(np.float32(9.0) * np.minimum(elevation, 0))
        strength = np.float32(self.weather.headlights * 420.0)
        beam = strength / np.maximum(distance2, 16) * aim * (cut * low + np.float32(0.035))
        lambert = np.clip(np.float32(2.6 * HEADLIGHT_HEIGHT_M) / np.sqrt(distance2), 0.05, 0.5)
        return np.asarray(beam, np.float32), np.asarray(lambert, np.float32)

    def street_lamps(self, depth: Float, pose: Transform) -> Float:
        """Irradiance (h, w) of the nearest street lamps.

        Args:
            depth: (h, w) metres.
            pose: map_from_base.
        """
        if self.weather.lamps <= 0 or len(self.lamps) == 0:
            return np.zeros(depth.shape, np.float32)
        reach = np.minimum(depth[::2, ::2], np.float32(500.0))
        x, y, z = (ray * reach for ray in self._half_rays)
        camera = pose @ Transform(np.eye(3), self.mount.translation)
        local = camera.inverse().apply(self.lamps)
        nearest = np.argsort(np.abs(local[:, 0] - 18.0))[:NEAREST]
        total = np.zeros(reach.shape, np.float32)
        for lamp in local[nearest].astype(np.float32):
            dx, dy, above = x - lamp[0], y - lamp[1], lamp[2] - z
            d2 = dx * dx
            d2 += dy * dy
            d2 += above * above
            slant = np.sqrt(d2 + np.float32(0.5))
            slant *= d2 + np.float32(2.0)
            total += np.maximum(above, 0) / slant
        total *= np.float32(11.0 * self.weather.lamps)
        return np.asarray(cv2.resize(total, depth.shape[::-1]))
