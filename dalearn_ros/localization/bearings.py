"""Bearings to landmarks from poses that are not exact, and the point in 3D that they meet in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform, skew

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

WIDTH = 25  # numbers of one bearing
CAUCHY_C2 = 5.7
GATE = 13.82  # squared Mahalanobis distance, 2 degrees of freedom, 99.9 %
STEPS = 10
NEAREST_M = 1.0
SPACING_M, MOST_VIEWS, PASS_GAP_S = 2.0, 32, 20.0


@dataclass(frozen=True)
class Bearings:
    """N rays along which something was seen.

    Attributes:
        rows: (N, 25) packed: origin, direction, the two covariances below, seconds.
    """

    rows: Array

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def origin_m(self) -> Array:
        """(N, 3) the camera, map frame."""
        return self.rows[:, :3]

    @property
    def direction(self) -> Array:
        """(N, 3) unit vectors, map frame."""
        return self.rows[:, 3:6]

    @property
    def turned(self) -> Array:
        """(N, 3, 3) covariance of the direction, rad², from pixels and the pose's rotation."""
        return self.rows[:, 6:15].reshape(-1, 3, 3)

    @property
    def placed_m2(self) -> Array:
        """(N, 3, 3) covariance of the origin, m²."""
        return self.rows[:, 15:24].reshape(-1, 3, 3)

    @property
    def passes(self) -> int:
        """Passes that they are from: a gap of more than 20 s, or a replay, begins another."""
        return 1 + int((np.abs(np.diff(self.rows[:, 24])) > PASS_GAP_S).sum())

    @classmethod
    def none(cls) -> Bearings:
        """No rays."""
        return cls(np.zeros((0, WIDTH)))

    def select(self, index: npt.ArrayLike) -> Bearings:
        """Those of a mask (N,) or of indices."""
        return Bearings(self.rows[np.asarray(index)])

    def with_view(self, ray: Bearings) -> Bearings:
        """One more, unless it is from within 2 m of the last; the latest 32 are kept."""
        if len(self) and np.linalg.norm(self.origin_m[-1] - ray.origin_m[0]) < SPACING_M:
            return self
        return Bearings(np.concatenate([self.rows, ray.rows])[-MOST_VIEWS:])

    def distance2(self, point_m: Array) -> Array:
        """Squared Mahalanobis distance (N,) of each ray from a point (3,); inf behind it."""
        residual, _, covariance, ahead = _linear(self, point_m)
        distance2: Array = np.einsum("ni,nij,nj->n", residual, np.linalg.inv(covariance), residual)
        return np.where(ahead, distance2, np.inf)


def bearings_of(
    pixels: Array, covariance_px2: Array, camera: Camera, base_from_camera: Transform, pose: Pose
) -> Bearings:
    """Rays of what was seen in one image.

    The pose's rotation turns the ray, its place moves the origin; that the two may be correlated
    is left out.

    Args:
        pixels: (N, 2) in the raw image.
        covariance_px2: (N, 2, 2).
        camera: Intrinsics.
        base_from_camera: Mounting.
        pose: Of the vehicle; without a covariance it is taken as exact.
    """
    map_from_camera = pose.map_from_base @ base_from_camera
    rays = camera.unproject(pixels).reshape(-1, 3)
    rays = rays / np.linalg.norm(rays, axis=1)[:, None]
    across = _across(rays)
    by_angle = camera.project_jacobian(rays) @ across  # px per radian
    spread = across @ np.linalg.inv(by_angle)
    turned = spread @ covariance_px2 @ spread.transpose(0, 2, 1)
    turn = map_from_camera.rotation
    turned, direction = turn @ turned @ turn.T, rays @ turn.T
    covariance = np.zeros((6, 6)) if pose.covariance is None else pose.covariance
    cross = skew(direction)
    turned = turned + cross @ covariance[3:, 3:] @ cross.transpose(0, 2, 1)
    count = len(rays)
    origin = np.broadcast_to(map_from_camera.translation, (count, 3))
    placed = np.broadcast_to(covariance[:3, :3].ravel(), (count, 9))
    stamp = np.full((count, 1), pose.stamp_ns * 1e-9)
    packed = [origin, direction, turned.reshape(count, 9), placed, stamp]
    return Bearings(np.concatenate(packed, axis=1))


@dataclass(frozen=True)
class PointFit:
    """Where bearings meet.

    Attributes:
        point_m: (3,) map frame.
        covariance_m2: (3, 3); what the poses of a pass have in common does not shrink with their
            number, only with that of the passes.
        inliers: (N,) the bearings that it rests on.
        parallax_rad: Largest angle between two of them.
    """

    point_m: Array
    covariance_m2: Array
    inliers: Mask
    parallax_rad: float

    @property
    def sigma_m(self) -> float:
        """Standard deviation along the worst direction."""
        return float(np.sqrt(np.linalg.eigvalsh(self.covariance_m2)[-1]))


def fit_point(bearings: Bearings, start_m: Array) -> PointFit:
    """The point nearest to all bearings: Gauss-Newton, Cauchy's weights, then those in the gate.

    Args:
        bearings: N of them, any number; what they leave open stays near the start.
        start_m: (3,) where the search begins.
    """
    point = np.asarray(start_m, dtype=np.float64).copy()
    for _ in range(STEPS):
        weights = 1.0 / (1.0 + np.minimum(bearings.distance2(point), 1e6) / CAUCHY_C2)
        point = point + _step(bearings, point, weights)[0]
    inliers = bearings.distance2(point) <= GATE
    for _ in range(2):
        step, information = _step(bearings, point, inliers.astype(np.float64))
        point = point + step
    covariance: Array = np.asarray(np.linalg.inv(information), dtype=np.float64)
    if inliers.any():
        used = bearings.select(inliers)
        covariance = covariance + used.placed_m2.mean(axis=0) / used.passes
    return PointFit(point, covariance, inliers, parallax(bearings.direction[inliers]))


def parallax(direction: Array) -> float:
    """Largest angle in radians between two of N unit vectors (N, 3); 0 of fewer than two."""
    if len(direction) < 2:
        return 0.0
    return float(np.arccos(np.clip((direction @ direction.T).min(), -1.0, 1.0)))


def meeting_points(ray: Bearings, others: Bearings) -> tuple[Array, Mask]:
    """Where one ray comes nearest to each of N others: middle points (N, 3), and which are usable.

    Usable: more than a metre ahead on both rays, which are not parallel.

    Args:
        ray: One bearing.
        others: N of them.
    """
    a, b = ray.direction[0], others.direction
    between = others.origin_m - ray.origin_m[0]
    cosine = b @ a
    bend = np.maximum(1.0 - cosine**2, 1e-12)
    along_a, along_b = between @ a, np.einsum("ij,ij->i", between, b)
    first = (along_a - cosine * along_b) / bend
    second = (cosine * along_a - along_b) / bend
    points = 0.5 * (ray.origin_m[0] + first[:, None] * a + others.origin_m + second[:, None] * b)
    usable: Mask = (first > NEAREST_M) & (second > NEAREST_M) & (bend > 1e-5)
    return points, usable


def _linear(bearings: Bearings, point_m: Array) -> tuple[Array, Array, Array, Mask]:
    """Residual (N, 2) across each ray, its derivative by the point, its covariance, ahead or not.

    ``residual`` is seen minus predicted, radians; the derivative is that of the prediction.
    """
    away = point_m - bearings.origin_m
    reach = np.maximum(np.linalg.norm(away, axis=1), NEAREST_M)
    across = _across(bearings.direction).transpose(0, 2, 1)
    predicted = away / reach[:, None]
    residual = -np.einsum("nij,nj->ni", across, predicted)
    tangent = np.eye(3) - predicted[:, :, None] * predicted[:, None, :]
    by_point = across @ tangent / reach[:, None, None]
    spread = bearings.turned + bearings.placed_m2 / (reach**2)[:, None, None]
    covariance = across @ spread @ across.transpose(0, 2, 1) + 1e-12 * np.eye(2)
    return residual, by_point, covariance, np.einsum("ij,ij->i", away, bearings.direction) > 0.0


def _step(bearings: Bearings, point_m: Array, weights: Array) -> tuple[Array, Array]:
    """Gauss-Newton step (3,) and information (3, 3)."""
    residual, by_point, covariance, _ = _linear(bearings, point_m)
    weighted = np.linalg.inv(covariance) * weights[:, None, None] @ by_point
    information = np.tensordot(weighted, by_point, axes=([0, 1], [0, 1])) + 1e-4 * np.eye(3)
    pull = np.einsum("nij,ni->j", weighted, residual)
    return np.linalg.solve(information, pull), information


def _across(direction: Array) -> Array:
    """(N, 3, 2) two unit vectors at right angles to each of N unit vectors and to each other."""
    flat = np.where(np.abs(direction[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(flat, direction)
    first /= np.linalg.norm(first, axis=1)[:, None]
    return np.stack([first, np.cross(direction, first)], axis=2)
