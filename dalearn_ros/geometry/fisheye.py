"""``equidistant``: OpenCV's ``cv2.fisheye`` (Kannala and Brandt 2006), in front of the camera."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.distortion import CONVERGED, STEPS, TABLE, first_root

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class EquidistantLens:
    """``equidistant``: the distorted radius is a polynomial of the angle off the axis.

    Attributes:
        values: (4,) k1 k2 k3 k4: theta_d = theta (1 + k1 theta² + ... + k4 theta⁸).
    """

    values: Array

    @functools.cached_property
    def field_r2(self) -> float:
        """tan² of the angle up to which theta_d grows; inf from 90 degrees on."""
        limit = self._limit_rad
        return math.tan(limit) ** 2 if limit < math.pi / 2 else math.inf

    def distort(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Distorted (N,), (N,) of true (N,), (N,) (OpenCV, fisheye module)."""
        scale = self._scale(x * x + y * y)[0]
        return x * scale, y * scale

    def jacobian(self, x: Array, y: Array) -> Array:
        """Derivative (N, 2, 2) of the distorted by the true coordinates."""
        return self.with_jacobian(x, y)[2]

    def with_jacobian(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """:meth:`distort` and :meth:`jacobian` at once."""
        scale, by_r2 = self._scale(x * x + y * y)
        slope = 2.0 * by_r2
        xx, xy, yy = scale + slope * x * x, slope * x * y, scale + slope * y * y
        jacobian = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], axis=-2)
        return x * scale, y * scale, jacobian

    def undistort(self, xd: Array, yd: Array) -> tuple[Array, Array]:
        """Newton's method on the angle, from the one that a table of the field gives."""
        far = np.hypot(xd, yd)
        limit = min(self._limit_rad, math.pi / 2)
        angles = np.linspace(0.0, limit, TABLE)
        with np.errstate(all="ignore"):
            theta = np.interp(far, self._polynomial(angles)[0], angles)
            for _ in range(STEPS):
                value, slope = self._polynomial(theta)
                step = np.where(slope > 0.0, (far - value) / slope, 0.0)
                theta = np.clip(theta + step, 0.0, limit)
                if not np.fmax.reduce(np.abs(step), initial=0.0) > 1e-15:
                    break
            good = np.abs(self._polynomial(theta)[0] - far) <= CONVERGED
            good &= theta < math.pi / 2
            scale = np.where(far > 0.0, np.tan(theta) / far, 1.0)
        return np.where(good, xd * scale, np.nan), np.where(good, yd * scale, np.nan)

    @functools.cached_property
    def _limit_rad(self) -> float:
        k1, k2, k3, k4 = self.values
        slope = np.poly1d([9.0 * k4, 7.0 * k3, 5.0 * k2, 3.0 * k1, 1.0])
        return math.sqrt(first_root(slope))

    def _polynomial(self, theta: Array) -> tuple[Array, Array]:
        """theta_d and its derivative by theta."""
        k1, k2, k3, k4 = self.values
        t = theta * theta
        value = theta * (1.0 + t * (k1 + t * (k2 + t * (k3 + t * k4))))
        slope = 1.0 + t * (3.0 * k1 + t * (5.0 * k2 + t * (7.0 * k3 + t * 9.0 * k4)))
        return value, slope

    def _scale(self, r2: Array) -> tuple[Array, Array]:
        """theta_d / r and its derivative by r²; near the axis from the series."""
        near = r2 < 1e-8
        safe = np.where(near, 1.0, r2)
        r = np.sqrt(safe)
        value, slope = self._polynomial(np.arctan(r))
        scale = value / r
        by_r2 = (slope / (1.0 + safe) - scale) / (2.0 * safe)
        first = float(self.values[0]) - 1.0 / 3.0
        return np.where(near, 1.0 + first * r2, scale), np.where(near, first, by_r2)
