"""Lens models on normalised coordinates (x, y) = (X/Z, Y/Z): there, the derivative, and back.

- ``plumb_bob``: k1 k2 p1 p2 k3, OpenCV's default (Brown 1966).
- ``rational_polynomial``: k1 k2 p1 p2 k3 k4 k5 k6, with OpenCV's thin prism s1 s2 s3 s4 (12 values)
  and tilted sensor tau_x tau_y (14 values). plumb_bob is its case with zeros.
- ``equidistant``: see :mod:`dalearn_ros.geometry.fisheye`.

A distorted radius grows with the true one only up to some radius, the lens's *field*; beyond it the
image would fold back, so nothing there is valid.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

STEPS = 30  # of Newton's method; five or six are usual
CONVERGED = 1e-11  # normalised coordinates: 1e-8 px at a focal length of 1000 px
DIRECTIONS = 90  # in which the field is searched for folds
TABLE = 512  # radii from which Newton's method starts
WIDEST_RAD = math.radians(89.0)  # of that table, where the field has no end


class Lens(Protocol):
    """What a camera needs of a lens; all coordinates normalised."""

    @property
    def field_r2(self) -> float:
        """Squared true radius up to which the distorted radius grows; inf if always."""
        ...

    def distort(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Distorted (N,), (N,) of true (N,), (N,)."""
        ...

    def jacobian(self, x: Array, y: Array) -> Array:
        """Derivative (N, 2, 2) of the distorted by the true coordinates."""
        ...

    def with_jacobian(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """:meth:`distort` and :meth:`jacobian` at once."""
        ...

    def undistort(self, xd: Array, yd: Array) -> tuple[Array, Array]:
        """True coordinates of distorted ones; NaN where no point of the field comes out there."""
        ...


@dataclass(frozen=True)
class PolynomialLens:
    """``plumb_bob`` and ``rational_polynomial``.

    Attributes:
        values: (14,) k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4 tau_x tau_y, as in OpenCV.
    """

    values: Array

    @functools.cached_property
    def field_r2(self) -> float:
        """Squared radius up to which no direction folds back.

        The first root of the radial derivative, or pole of the quotient, whichever is nearer; with
        tangential or prism terms also the first radius at which the derivative (2, 2) of some
        direction has no positive determinant, found on a grid of radii and directions.
        """
        radial = self._radial_field_r2
        if not (self.values[2:4].any() or self.values[8:12].any()):
            return radial
        widest = _table_radii(radial)
        turn = np.linspace(0.0, 2.0 * math.pi, DIRECTIONS, endpoint=False)[:, None]
        x, y = (np.cos(turn) * widest).ravel(), (np.sin(turn) * widest).ravel()
        flat = PolynomialLens(np.concatenate([self.values[:12], [0.0, 0.0]]))
        with np.errstate(all="ignore"):
            folds = ~(np.linalg.det(flat.jacobian(x, y)) > 0.0)
        first = folds.reshape(DIRECTIONS, -1).any(axis=0)
        if not first.any():
            return radial
        return float(widest[max(int(first.argmax()) - 1, 0)] ** 2)

    @functools.cached_property
    def _radial_field_r2(self) -> float:
        k1, k2, _, _, k3, k4, k5, k6 = self.values[:8]
        above, below = np.poly1d([k3, k2, k1, 1.0]), np.poly1d([k6, k5, k4, 1.0])
        s = np.poly1d([1.0, 0.0])  # s = r²; d/dr of r N(s)/M(s) is (N M + 2 s (N' M - N M')) / M²
        slope = above * below + 2.0 * s * (above.deriv() * below - above * below.deriv())
        return min(first_root(slope), first_root(below))

    def distort(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Distorted (N,), (N,) of true (N,), (N,) (OpenCV, camera calibration module)."""
        r2 = x * x + y * y
        xd, yd = self._flat(x, y, r2, self._radial(r2)[0])
        if self._tilt is None:
            return xd, yd
        u, v, w = self._tilt @ np.stack([xd, yd, np.ones_like(xd)])
        return u / w, v / w

    def jacobian(self, x: Array, y: Array) -> Array:
        """Derivative (N, 2, 2) of the distorted by the true coordinates."""
        return self.with_jacobian(x, y)[2]

    def with_jacobian(self, x: Array, y: Array) -> tuple[Array, Array, Array]:
        """:meth:`distort` and :meth:`jacobian` at once."""
        r2 = x * x + y * y
        radial, by_r2 = self._radial(r2)
        xd, yd = self._flat(x, y, r2, radial)
        plain = self._flat_jacobian(x, y, r2, radial, by_r2)
        a = self._tilt
        if a is None:
            return xd, yd, plain
        u, v, w = a @ np.stack([xd, yd, np.ones_like(xd)])
        u, v = u / w, v / w
        rows = [a[0, :2] - u[:, None] * a[2, :2], a[1, :2] - v[:, None] * a[2, :2]]
        tilted: Array = np.stack(rows, axis=1) / w[:, None, None] @ plain
        return u, v, tilted

    def _flat(self, x: Array, y: Array, r2: Array, radial: Array) -> tuple[Array, Array]:
        """Distorted coordinates on a sensor that is not tilted."""
        _, _, p1, p2, _, _, _, _, s1, s2, s3, s4 = self._terms
        xd, yd = x * radial, y * radial
        if p1 or p2:
            xd += 2.0 * p1 * x * y
            xd += p2 * (r2 + 2.0 * x * x)
            yd += p1 * (r2 + 2.0 * y * y)
            yd += 2.0 * p2 * x * y
        if s1 or s2 or s3 or s4:
            xd += r2 * (s1 + r2 * s2)
            yd += r2 * (s3 + r2 * s4)
        return xd, yd

    def _flat_jacobian(self, x: Array, y: Array, r2: Array, radial: Array, by_r2: Array) -> Array:
        """Derivative (N, 2, 2) of :meth:`_flat`."""
        _, _, p1, p2, _, _, _, _, s1, s2, s3, s4 = self._terms
        slope = 2.0 * by_r2  # d radial = slope * (x dx + y dy)
        slope_x = slope * x
        xx, xy, yy = radial + slope_x * x, slope_x * y, radial + slope * y * y
        if p1 or p2:
            x2, y2 = 2.0 * x, 2.0 * y
            xx += p1 * y2 + 3.0 * p2 * x2
            xy += p1 * x2 + p2 * y2
            yy += 3.0 * p1 * y2 + p2 * x2
        flat = np.empty((len(x), 2, 2))
        flat[:, 0, 0], flat[:, 0, 1], flat[:, 1, 0], flat[:, 1, 1] = xx, xy, xy, yy
        if s1 or s2 or s3 or s4:
            prism = np.array([s1 + 2.0 * s2 * r2, s3 + 2.0 * s4 * r2])
            flat += 2.0 * prism.T[:, :, None] * np.stack([x, y], axis=1)[:, None, :]
        return flat

    def undistort(self, xd: Array, yd: Array) -> tuple[Array, Array]:
        """Newton's method in the plane, from the radius that a table of the field gives."""
        if not self.values.any():
            return xd.copy(), yd.copy()
        far = np.hypot(xd, yd)
        with np.errstate(all="ignore"):  # beyond the field anything may come out
            radius, distorted = self._table
            scale = np.where(far > 0.0, np.interp(far, distorted, radius) / far, 1.0)
            x, y = xd * scale, yd * scale
            for _ in range(STEPS):
                u, v, jacobian = self.with_jacobian(x, y)
                dx, dy = _solve(jacobian, xd - u, yd - v)
                x, y = x + dx, y + dy
                if not np.fmax.reduce(np.hypot(dx, dy), initial=0.0) > 1e-15:
                    break
            u, v = self.distort(x, y)
            good = np.hypot(u - xd, v - yd) <= CONVERGED * np.maximum(1.0, far)
            good &= x * x + y * y <= self.field_r2
        return np.where(good, x, np.nan), np.where(good, y, np.nan)

    def _radial(self, r2: Array) -> tuple[Array, Array]:
        """The radial factor and its derivative by r²."""
        k1, k2, _, _, k3, k4, k5, k6 = self._terms[:8]
        above = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
        d_above = k1 + r2 * (2.0 * k2 + r2 * (3.0 * k3))
        if not (k4 or k5 or k6):
            return above, d_above
        below = 1.0 + r2 * (k4 + r2 * (k5 + r2 * k6))
        d_below = k4 + r2 * (2.0 * k5 + r2 * (3.0 * k6))
        return above / below, (d_above * below - above * d_below) / (below * below)

    @functools.cached_property
    def _terms(self) -> list[float]:
        """The first 12 values as Python's numbers, which are quicker with small arrays."""
        terms: list[float] = self.values[:12].tolist()
        return terms

    @functools.cached_property
    def _table(self) -> tuple[Array, Array]:
        """True radii over the field and their distorted radii, both ascending."""
        radius = _table_radii(self.field_r2)
        return radius, np.maximum.accumulate(radius * self._radial(radius * radius)[0])

    @functools.cached_property
    def _tilt(self) -> Array | None:
        """(3, 3) homography of a tilted sensor; None if it is not tilted."""
        tau_x, tau_y = self.values[12:]
        if not (tau_x or tau_y):
            return None
        cx, sx, cy, sy = math.cos(tau_x), math.sin(tau_x), math.cos(tau_y), math.sin(tau_y)
        about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, sx], [0.0, -sx, cx]])
        about_y = np.array([[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]])
        turned = about_y @ about_x
        onto = np.array(
            [[turned[2, 2], 0, -turned[0, 2]], [0, turned[2, 2], -turned[1, 2]], [0, 0, 1.0]]
        )
        tilt: Array = onto @ turned
        return tilt


def _table_radii(field_r2: float) -> Array:
    """(TABLE,) radii from 0 to the end of the field, evenly spaced in angle."""
    end = math.atan(math.sqrt(field_r2)) if math.isfinite(field_r2) else WIDEST_RAD
    return np.tan(np.linspace(0.0, min(end, WIDEST_RAD), TABLE))


def first_root(polynomial: np.poly1d) -> float:
    """The smallest positive real root of 1 + c1 s + c2 s² + ...; inf if there is none below 1e8.

    In t = 1/s the highest power has the factor 1, so that tiny coefficients do no harm.
    """
    inverse = np.roots(polynomial.coeffs[::-1])
    real = [float(t.real) for t in inverse if abs(t.imag) < 1e-9 and t.real > 1e-8]
    return 1.0 / max(real) if real else math.inf


def _solve(matrix: Array, u: Array, v: Array) -> tuple[Array, Array]:
    """Solutions of N systems (N, 2, 2), by Cramer's rule."""
    a, b, c, d = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], matrix[:, 1, 1]
    determinant = a * d - b * c
    return (d * u - b * v) / determinant, (a * v - c * u) / determinant
