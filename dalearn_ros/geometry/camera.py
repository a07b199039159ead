"""Pinhole camera with plumb_bob distortion (sensor_msgs/CameraInfo), pixels as in OpenCV and ROS.

Pixels are (u, v) with the centre of the top-left pixel at (0, 0). Points are in the optical frame:
x right, y down, z forward (REP 103), metres.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NEAR_M = 0.05  # points nearer than this to the camera plane are behind it for all purposes


@dataclass(frozen=True)
class Camera:
    """Intrinsics of one camera.

    Attributes:
        width: Image width in pixels.
        height: Image height in pixels.
        matrix: (3, 3) intrinsic matrix K of the raw (distorted) image.
        distortion: 0, 4 or 5 values k1 k2 p1 p2 [k3]; shorter means no distortion.
        model: The distortion model; ``plumb_bob``.
        name: The optical frame's name.
    """

    width: int
    height: int
    matrix: Array
    distortion: Array = field(default_factory=lambda: np.zeros(5))
    model: str = "plumb_bob"
    name: str = "camera_optical"

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, dtype=np.float64).reshape(3, 3)
        given = np.asarray(self.distortion, dtype=np.float64).ravel()
        where = f"camera '{self.name}'"
        if self.model not in ("plumb_bob", ""):
            raise InputError.at(where, "distortion_model", "plumb_bob", f"'{self.model}'")
        if given.size not in (0, 4, 5):
            raise InputError.at(where, "D", "0, 4 or 5 values for plumb_bob", f"{given.size}")
        if self.width <= 0 or self.height <= 0:
            raise InputError.at(where, "size", "a positive size", f"{self.width}x{self.height}")
        focal = matrix[0, 0], matrix[1, 1]
        if not (np.isfinite(matrix).all() and np.isfinite(given).all() and min(focal) > 0):
            hint = "Is the camera calibrated? An uncalibrated driver publishes zeros."
            raise InputError.at(where, "K", "focal lengths above 0", f"fx, fy = {focal}", hint)
        distortion = np.zeros(5)
        distortion[: given.size] = given
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "distortion", distortion)
        object.__setattr__(self, "model", "plumb_bob")

    def project(self, points: npt.ArrayLike) -> tuple[Array, Mask]:
        """Project points onto the raw image.

        Args:
            points: (N, 3) metres, optical frame.

        Returns:
            Pixels (N, 2), NaN where not valid, and valid (N,): in front of the camera and inside
            the field in which the distortion is monotonic (beyond it a point would fold back into
            the image). A valid pixel may lie outside the image: see :meth:`inside`.
        """
        p = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        valid = p[:, 2] > NEAR_M
        z = np.where(valid, p[:, 2], 1.0)
        x, y = p[:, 0] / z, p[:, 1] / z
        valid &= x * x + y * y < self.field_r2
        with np.errstate(over="ignore", invalid="ignore"):
            xd, yd = self._distort(x, y)
        k = self.matrix
        pixels = np.stack([k[0, 0] * xd + k[0, 1] * yd + k[0, 2], k[1, 1] * yd + k[1, 2]], axis=1)
        pixels[~valid] = np.nan
        return pixels, valid

    def project_jacobian(self, points: npt.ArrayLike) -> Array:
        """Derivative (N, 2, 3) of the pixel by the point, px per metre; points must be valid."""
        p = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        z = p[:, 2]
        x, y = p[:, 0] / z, p[:, 1] / z
        by_normalised = self._distort_jacobian(x, y)
        zero, one = np.zeros_like(z), 1.0 / z
        rows = [np.stack([one, zero, -x / z], -1), np.stack([zero, one, -y / z], -1)]
        jacobian: Array = self.matrix[:2, :2] @ by_normalised @ np.stack(rows, axis=1)
        return jacobian

    def unproject(self, pixels: npt.ArrayLike) -> Array:
        """Rays (N, 3) with z = 1 of raw pixels (N, 2): the inverse of :meth:`project`.

        Newton's method on the distortion, to 1e-12 in normalised coordinates inside the field.
        """
        uv = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
        k = self.matrix
        yd = (uv[:, 1] - k[1, 2]) / k[1, 1]
        xd = (uv[:, 0] - k[0, 2] - k[0, 1] * yd) / k[0, 0]
        xy = np.stack([xd, yd], axis=1)
        if self.distortion.any():
            target = xy.copy()
            for _ in range(20):
                now = np.stack(self._distort(xy[:, 0], xy[:, 1]), axis=1)
                slope = self._distort_jacobian(xy[:, 0], xy[:, 1])
                step = np.linalg.solve(slope, (target - now)[..., None])[..., 0]
                xy = xy + step
                if not np.abs(step).max(initial=0.0) > 1e-13:
                    break
        return np.concatenate([xy, np.ones((len(xy), 1))], axis=1)

    def inside(self, pixels: npt.ArrayLike, margin_px: float = 0.0) -> Mask:
        """Which pixels (N, 2) lie on the image's area, widened by ``margin_px``; NaN is outside."""
        uv = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
        low = -0.5 - margin_px
        u_ok = (uv[:, 0] >= low) & (uv[:, 0] <= self.width - 0.5 + margin_px)
        inside: Mask = u_ok & (uv[:, 1] >= low) & (uv[:, 1] <= self.height - 0.5 + margin_px)
        return inside

    def rectified(self) -> Camera:
        """The same camera without distortion."""
        return Camera(self.width, self.height, self.matrix, np.zeros(5), self.model, self.name)

    def scaled(self, factor: float) -> Camera:
        """The camera of the image resized by ``factor``: u maps to (u + 0.5)·factor - 0.5."""
        matrix = self.matrix * np.array([[factor], [factor], [1.0]])
        matrix[:2, 2] += 0.5 * factor - 0.5
        size = round(self.width * factor), round(self.height * factor)
        return Camera(*size, matrix, self.distortion, self.model, self.name)

    @functools.cached_property
    def field_r2(self) -> float:
        """Squared normalised radius up to which the distorted radius grows; inf if always."""
        k1, k2, _, _, k3 = self.distortion
        # d/dr of r (1 + k1 r² + k2 r⁴ + k3 r⁶) is a cubic in r²; its first positive root ends it.
        roots = np.roots([7.0 * k3, 5.0 * k2, 3.0 * k1, 1.0])
        real = [float(r.real) for r in roots if abs(r.imag) < 1e-9 and r.real > 0.0]
        return min(real, default=math.inf)

    def _distort(self, x: Array, y: Array) -> tuple[Array, Array]:
        k1, k2, p1, p2, k3 = self.distortion
        r2 = x * x + y * y
        radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        xd = x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x)
        yd = y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y
        return xd, yd

    def _distort_jacobian(self, x: Array, y: Array) -> Array:
        k1, k2, p1, p2, k3 = self.distortion
        r2 = x * x + y * y
        radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        slope = 2.0 * (k1 + r2 * (2.0 * k2 + r2 * 3.0 * k3))  # d radial = slope * (x dx + y dy)
        xx = radial + slope * x * x + 2.0 * p1 * y + 6.0 * p2 * x
        xy = slope * x * y + 2.0 * p1 * x + 2.0 * p2 * y
        yy = radial + slope * y * y + 6.0 * p1 * y + 2.0 * p2 * x
        return np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], axis=-2)
