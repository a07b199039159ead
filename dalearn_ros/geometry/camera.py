"""One camera: its intrinsics, and points of its optical frame to pixels and back.

Pixels are (u, v) with the centre of the top-left pixel at (0, 0), as in OpenCV and ROS. Points are
in the optical frame: x right, y down, z forward (REP 103), metres. The lens models are those of
:mod:`dalearn_ros.geometry.distortion`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.distortion import Lens, PolynomialLens
from dalearn_ros.geometry.fisheye import EquidistantLens

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NEAR_M = 0.05  # points nearer than this to the camera plane are behind it for all purposes
# Model -> how many values D may have; what is missing is zero.
SIZES = {"plumb_bob": (0, 4, 5), "rational_polynomial": (8, 12, 14), "equidistant": (0, 4)}
ALIASES = {"": "plumb_bob", "fisheye": "equidistant"}


@dataclass(frozen=True)
class Camera:
    """Intrinsics of one camera.

    Attributes:
        width: Image width in pixels.
        height: Image height in pixels.
        matrix: (3, 3) intrinsic matrix K of the raw (distorted) image.
        distortion: D as in sensor_msgs/CameraInfo: ``plumb_bob`` k1 k2 p1 p2 [k3],
            ``rational_polynomial`` k1 k2 p1 p2 k3 k4 k5 k6 [s1 s2 s3 s4 [tau_x tau_y]],
            ``equidistant`` k1 k2 k3 k4; none means zeros.
        model: The distortion model; empty means ``plumb_bob``, ``fisheye`` ``equidistant``.
        name: The optical frame's name.
    """

    width: int
    height: int
    matrix: Array
    distortion: Array = field(default_factory=lambda: np.zeros(0))
    model: str = "plumb_bob"
    name: str = "camera_optical"

    def __post_init__(self) -> None:
        matrix = np.asarray(self.matrix, dtype=np.float64).reshape(3, 3)
        given = np.asarray(self.distortion, dtype=np.float64).ravel()
        model = ALIASES.get(self.model, self.model)
        where = f"camera '{self.name}'"
        if model not in SIZES:
            expected, hint = " or ".join(SIZES), "Calibrate with one of these models."
            raise InputError.at(where, "distortion_model", expected, f"'{self.model}'", hint)
        if given.size not in SIZES[model]:
            *few, most = map(str, SIZES[model])
            fits = [name for name, sizes in SIZES.items() if given.size in sizes]
            hint = f"{given.size} values belong to {' or '.join(fits)}." if fits else ""
            expected = f"{', '.join(few)} or {most} values for {model}"
            raise InputError.at(where, "D", expected, f"{given.size}", hint)
        if self.width <= 0 or self.height <= 0:
            hint = "Does the driver publish the size of its images?"
            raise InputError.at(
                where, "size", "a positive size", f"{self.width}x{self.height}", hint
            )
        focal = float(matrix[0, 0]), float(matrix[1, 1])
        hint = "Is the camera calibrated? An uncalibrated driver publishes zeros."
        if not (np.isfinite(matrix).all() and min(focal) > 0.0):
            found = f"K = {matrix.ravel().tolist()}"
            raise InputError.at(where, "K", "finite values, focal lengths above 0", found, hint)
        if matrix[1, 0] or not np.array_equal(matrix[2], [0.0, 0.0, 1.0]):
            expected = "row by row: fx, skew, cx, 0, fy, cy, 0, 0, 1"
            found, hint = f"{matrix.ravel().tolist()}", "Is it written column by column?"
            raise InputError.at(where, "K", expected, found, hint)
        if not np.isfinite(given).all():
            raise InputError.at(where, "D", "finite values", f"{given.tolist()}", hint)
        length = {"plumb_bob": 5, "equidistant": 4}.get(model, given.size)
        distortion = np.zeros(length)
        distortion[: given.size] = given
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "distortion", distortion)
        object.__setattr__(self, "model", model)

    def project(self, points: npt.ArrayLike) -> tuple[Array, Mask]:
        """Project points onto the raw image.

        Args:
            points: (N, 3) metres, optical frame.

        Returns:
            Pixels (N, 2), NaN where not valid, and valid (N,): in front of the camera and inside
            the field in which the distortion is monotonic (beyond it a point would fold back into
            the image). A valid pixel may lie outside the image: see :meth:`inside`.
        """
        x, y, _, valid = self._normalised(points)
        with np.errstate(over="ignore", invalid="ignore"):
            xd, yd = self.lens.distort(x, y)
        return self._pixels(xd, yd, valid), valid

    def project_with_jacobian(self, points: npt.ArrayLike) -> tuple[Array, Mask, Array]:
        """:meth:`project` and the derivative (N, 2, 3) of the pixel by the point, px per metre.

        The derivative is zero where the point is not valid.
        """
        x, y, z, valid = self._normalised(points)
        if not valid.all():
            x, y, z = (
                np.where(valid, one, safe) for one, safe in ((x, 0.0), (y, 0.0), (z, np.inf))
            )
        xd, yd, by_normalised = self.lens.with_jacobian(x, y)
        return self._pixels(xd, yd, valid), valid, self._by_point(x, y, z, by_normalised)

    def project_jacobian(self, points: npt.ArrayLike) -> Array:
        """Derivative (N, 2, 3) of the pixel by the point, px per metre; points must be valid."""
        p = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        z = p[:, 2]
        x, y = p[:, 0] / z, p[:, 1] / z
        return self._by_point(x, y, z, self.lens.jacobian(x, y))

    def _by_point(self, x: Array, y: Array, z: Array, by_normalised: Array) -> Array:
        """(N, 2, 3) derivative of the pixel by the point with normalised x, y at depth z."""
        jacobian = np.empty((len(x), 2, 3))
        jacobian[:, :, :2] = self.matrix[:2, :2] @ by_normalised / z[:, None, None]
        jacobian[:, :, 2] = -x[:, None] * jacobian[:, :, 0] - y[:, None] * jacobian[:, :, 1]
        return jacobian

    def _normalised(self, points: npt.ArrayLike) -> tuple[Array, Array, Array, Mask]:
        """Quotients x / z and y / z, z (1 behind the camera), which are valid, each (N,)."""
        p = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        valid = p[:, 2] > NEAR_M
        z = np.where(valid, p[:, 2], 1.0)
        x, y = p[:, 0] / z, p[:, 1] / z
        valid &= x * x + y * y < self.field_r2
        return x, y, z, valid

    def _pixels(self, xd: Array, yd: Array, valid: Mask) -> Array:
        """(N, 2) pixels of distorted coordinates, NaN where not valid."""
        (fx, skew, cx), (_, fy, cy) = self._rows
        pixels = np.empty((len(xd), 2))
        pixels[:, 0] = fx * xd + cx
        if skew:
            pixels[:, 0] += skew * yd
        pixels[:, 1] = fy * yd + cy
        pixels[~valid] = np.nan
        return pixels

    def unproject(self, pixels: npt.ArrayLike) -> Array:
        """Rays (N, 3) with z = 1 of raw pixels (N, 2): the inverse of :meth:`project`.

        Newton's method, to 1e-11 in normalised coordinates; (NaN, NaN, 1) for a pixel that no point
        of the lens's field falls on.
        """
        uv = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
        k = self.matrix
        yd = (uv[:, 1] - k[1, 2]) / k[1, 1]
        xd = (uv[:, 0] - k[0, 2] - k[0, 1] * yd) / k[0, 0]
        x, y = self.lens.undistort(xd, yd)
        return np.stack([x, y, np.ones_like(x)], axis=1)

    def inside(self, pixels: npt.ArrayLike, margin_px: float = 0.0) -> Mask:
        """Which pixels (N, 2) lie on the image's area, widened by ``margin_px``; NaN is outside."""
        uv = np.asarray(pixels, dtype=np.float64).reshape(-1, 2)
        low = -0.5 - margin_px
        u_ok = (uv[:, 0] >= low) & (uv[:, 0] <= self.width - 0.5 + margin_px)
        inside: Mask = u_ok & (uv[:, 1] >= low) & (uv[:, 1] <= self.height - 0.5 + margin_px)
        return inside

    def rectified(self) -> Camera:
        """The same camera without distortion."""
        return Camera(self.width, self.height, self.matrix, np.zeros(5), name=self.name)

    def scaled(self, factor: float) -> Camera:
        """The camera of the image resized by ``factor``: u maps to (u + 0.5)·factor - 0.5."""
        matrix = self.matrix * np.array([[factor], [factor], [1.0]])
        matrix[:2, 2] += 0.5 * factor - 0.5
        size = round(self.width * factor), round(self.height * factor)
        return Camera(*size, matrix, self.distortion, self.model, self.name)

    @functools.cached_property
    def _rows(self) -> list[list[float]]:
        """The first two rows of K as Python's numbers, which are quicker with small arrays."""
        rows: list[list[float]] = self.matrix[:2].tolist()
        return rows

    @functools.cached_property
    def lens(self) -> Lens:
        """The distortion on normalised coordinates."""
        if self.model == "equidistant":
            return EquidistantLens(self.distortion)
        values = np.zeros(14)
        values[: self.distortion.size] = self.distortion
        return PolynomialLens(values)

    @property
    def focal_px(self) -> float:
        """√(fx fy): pixels per radian on the axis."""
        return float(np.sqrt(self.matrix[0, 0] * self.matrix[1, 1]))

    @property
    def field_r2(self) -> float:
        """Squared normalised radius up to which the distorted radius grows; inf if always."""
        return self.lens.field_r2
