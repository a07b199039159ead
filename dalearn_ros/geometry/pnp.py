"""The vehicle's pose from points of the map and where they were seen (D18).

A robust Levenberg-Marquardt fit that starts from a prior and keeps it as a Gaussian term, so it
cannot turn over on coplanar points and what the points do not show stays at the prior. Pixels are
those of the raw image: the lens is part of the model, nothing is rectified.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform, rotation_of_vector, skew

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

CHI2_2DOF_999 = 13.82  # a residual of 2 values lies below it in 99.9 % of cases
CAUCHY_C2 = 5.7  # squared width of the kernel: 95 % efficient on clean residuals
MAX_ITERATIONS = 25
NEGLIGIBLE = 1e-6  # a step that would improve the chi-square by less than this ends the search
PLANAR = np.array([0, 1, 5])  # x, y, yaw
UNKNOWN_VARIANCE = 1e6  # of what neither points nor prior determine, m² or rad²
SMALLEST_VARIANCE = 1e-10  # a prior that claims less is read as this


@dataclass(frozen=True)
class Points:
    """N correspondences of one image.

    Attributes:
        map_m: (N, 3) in the map frame, metres.
        pixels: (N, 2) in the raw image.
        covariance_px2: (N, 2, 2) of the pixels, px².
        map_sigma_m: Standard deviation of the map's points, each axis, metres.
    """

    map_m: Array
    pixels: Array
    covariance_px2: Array
    map_sigma_m: float = 0.0


@dataclass(frozen=True)
class PoseFit:
    """The fitted pose and how the points agree with it.

    Attributes:
        pose: With the posterior covariance (6, 6): x y z roll pitch yaw, axes of the map.
        inliers: (N,) points that the fit rests on.
        residual_px: (N, 2) seen minus projected, NaN for a point that cannot be projected.
        mahalanobis2: (N,) squared residual in units of its covariance, inf likewise.
        iterations: Steps taken.
        converged: Whether the last step was negligible.
    """

    pose: Pose
    inliers: Mask
    residual_px: Array
    mahalanobis2: Array
    iterations: int
    converged: bool


@dataclass(frozen=True)
class Projection:
    """Map points in the image and how that changes with the pose.

    Attributes:
        pixels: (N, 2), NaN where not valid.
        by_pose: (N, 2, 6) derivative by x y z [m] and rotation about the map's axes [rad].
        by_point: (N, 2, 3) derivative by the map point, px per metre.
        valid: (N,) in front of the camera and inside the lens's field.
    """

    pixels: Array
    by_pose: Array
    by_point: Array
    valid: Mask


def project_with_jacobian(
    map_m: Array, map_from_base: Transform, camera: Camera, base_from_camera: Transform
) -> Projection:
    """Project map points (N, 3) and differentiate by pose and point.

    A change (dt, dr) of the pose means ``translation + dt`` and ``exp(dr) @ rotation``: metres and
    radians about axes of the map, the order and the frame of geometry_msgs/PoseWithCovariance.
    """
    camera_from_map = (map_from_base @ base_from_camera).inverse()
    in_camera = camera_from_map.apply(map_m)
    pixels, valid = camera.project(in_camera)
    safe = np.where(valid[:, None], in_camera, np.array([0.0, 0.0, 1.0]))
    by_point = camera.project_jacobian(safe) @ camera_from_map.rotation
    by_point[~valid] = 0.0
    x, y, z = by_point[..., 0], by_point[..., 1], by_point[..., 2]
    arm_x, arm_y, arm_z = (map_m - map_from_base.translation).T[:, :, None]
    turned = (y * arm_z - z * arm_y, z * arm_x - x * arm_z, x * arm_y - y * arm_x)
    by_rotation = np.stack(turned, axis=-1)  # by_point × arm
    by_pose = np.concatenate([-by_point, by_rotation], axis=2)
    return Projection(pixels, by_pose, by_point, valid)


def fit_pose(
    points: Points,
    camera: Camera,
    base_from_camera: Transform,
    prior: Pose,
    *,
    planar: bool = False,
    robust: bool = True,
    gate: float = CHI2_2DOF_999,
) -> PoseFit:
    """Fit the vehicle's pose to correspondences, starting from a prior (D18).

    Minimises the sum of rho(squared Mahalanobis residual) over the points plus the prior's squared
    Mahalanobis distance; rho is Cauchy's at first, then the points within ``gate`` are fitted once
    more with plain squares, and their information makes the covariance.

    Args:
        points: Any number, none included; any arrangement, coplanar included.
        camera: Intrinsics of the image in which the pixels lie.
        base_from_camera: Mounting of the camera.
        prior: Start of the search, and the Gaussian term if it has a covariance. Without one the
            points alone decide; what they leave open keeps its start value and a huge variance.
        planar: Estimate x, y and yaw only. Height, roll and pitch stay at the prior's, and what is
            uncertain of them widens the covariance of the others.
        robust: False takes every point as an inlier from the start.
        gate: Largest squared Mahalanobis residual of an inlier, 2 degrees of freedom.
    """
    problem = _Problem(points, camera, base_from_camera, prior, planar)
    start = prior.map_from_base
    weights = problem.whitening(start)
    pose, first, done = start, 0, True
    if robust:
        pose, first, done = _minimise(problem, start, weights, None, 1e-3)
        weights = problem.whitening(pose)
    distance2 = problem.mahalanobis2(pose, weights)
    inliers = distance2 <= gate if robust else np.isfinite(distance2)
    pose, second, done = _minimise(problem, pose, weights, inliers, 1e-6)
    weights = problem.whitening(pose)
    covariance = problem.covariance(pose, weights, inliers)
    seen = project_with_jacobian(points.map_m, pose, camera, base_from_camera)
    return PoseFit(
        pose=Pose(prior.stamp_ns, pose, covariance),
        inliers=inliers,
        residual_px=points.pixels - seen.pixels,
        mahalanobis2=problem.mahalanobis2(pose, weights),
        iterations=first + second,
        converged=done,
    )


def difference(a: Transform, b: Transform) -> Array:
    """(6,) step from b to a: metres, then radians about the map's axes (a.R = exp(r) @ b.R)."""
    return np.concatenate(
        [a.translation - b.translation, vector_of_rotation(a.rotation @ b.rotation.T)]
    )


def moved(pose: Transform, step: Array) -> Transform:
    """``pose`` changed by a step (6,): the inverse of :func:`difference`."""
    return Transform(rotation_of_vector(step[3:]) @ pose.rotation, pose.translation + step[:3])


def vector_of_rotation(rotation: Array) -> Array:
    """(3,) axis times angle in [0, pi] of a rotation matrix: the inverse of Rodrigues' formula."""
    r = rotation
    sines = 0.5 * np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    sine = math.sqrt(float(sines @ sines))
    angle = math.atan2(sine, 0.5 * (float(np.trace(r)) - 1.0))
    if angle < 3.0:
        return sines * (1.0 if sine < 1e-9 else angle / sine)
    quaternion = Transform(rotation, np.zeros(3)).quaternion  # exact near half a turn
    return quaternion[:3] * angle / float(np.linalg.norm(quaternion[:3]))


def information_of(covariance: Array) -> Array:
    """Inverse of a pose covariance (k, k); variances below 1e-10 are read as that.

    Raises:
        ValueError: It is not finite, or has a negative eigenvalue.
    """
    symmetric = 0.5 * (covariance + covariance.T)
    if not np.isfinite(symmetric).all():
        raise ValueError("a pose covariance must be finite")
    values, vectors = np.linalg.eigh(symmetric)
    if values[0] < -1e-6 * max(float(values[-1]), 1e-6):
        raise ValueError(f"a pose covariance has the negative eigenvalue {values[0]:.3g}")
    inverse: Array = (vectors / np.maximum(values, SMALLEST_VARIANCE)) @ vectors.T
    return inverse


class _Evaluation(NamedTuple):
    """The cost (a chi-square) at a pose, half its second derivative, half its downhill slope."""

    cost: float
    hessian: Array
    gradient: Array


class _Problem:
    """The cost of one fit: residuals, gradient, covariance."""

    def __init__(
        self,
        points: Points,
        camera: Camera,
        base_from_camera: Transform,
        prior: Pose,
        planar: bool,
    ) -> None:
        self.points, self.camera, self.mounting = points, camera, base_from_camera
        self.prior = prior.map_from_base
        self.prior_covariance = prior.covariance
        self.free = PLANAR if planar else np.arange(6)
        self.information = np.zeros((6, 6))
        if prior.covariance is not None:
            block = np.ix_(self.free, self.free)
            self.information[block] = information_of(prior.covariance[block])

    def project(self, pose: Transform) -> Projection:
        return project_with_jacobian(self.points.map_m, pose, self.camera, self.mounting)

    def whitening(self, pose: Transform) -> Array:
        """(N, 2, 2) inverse covariance of each residual, the map's noise included."""
        by_point = self.project(pose).by_point
        spread = self.points.map_sigma_m**2 * by_point @ by_point.transpose(0, 2, 1)
        inverse: Array = np.linalg.inv(self.points.covariance_px2 + spread)
        return inverse

    def mahalanobis2(self, pose: Transform, weights: Array) -> Array:
        in_camera = (pose @ self.mounting).inverse().apply(self.points.map_m)
        pixels, _ = self.camera.project(in_camera)
        return _mahalanobis2(self.points.pixels - pixels, weights)

    def evaluate(self, pose: Transform, weights: Array, inliers: Mask | None) -> _Evaluation:
        """Cost, Hessian and downhill gradient; ``inliers`` None means the robust kernel."""
        seen = self.project(pose)
        residual = self.points.pixels - seen.pixels
        distance2 = _mahalanobis2(residual, weights)
        residual = np.where(seen.valid[:, None], residual, 0.0)
        if inliers is None:
            ratio = np.minimum(distance2, 1e9) / CAUCHY_C2
            cost, share = CAUCHY_C2 * float(np.log1p(ratio).sum()), 1.0 / (1.0 + ratio)
        else:
            cost, share = float(distance2[inliers].sum()), inliers.astype(np.float64)
        columns = seen.by_pose.reshape(-1, 6)
        weighted = ((weights * share[:, None, None]) @ seen.by_pose).reshape(-1, 6)
        offset = difference(pose, self.prior)
        slope = np.eye(6)
        slope[3:, 3:] = _inverse_left_jacobian(offset[3:])
        pull = slope.T @ self.information
        return _Evaluation(
            cost=cost + float(offset @ self.information @ offset),
            hessian=columns.T @ weighted + pull @ slope,
            gradient=weighted.T @ residual.ravel() - pull @ offset,
        )

    def covariance(self, pose: Transform, weights: Array, inliers: Mask) -> Array:
        """Posterior (6, 6); with fixed parts their uncertainty is carried into the others."""
        hessian = self.evaluate(pose, weights, inliers).hessian
        free = self.free
        own = _inverse(hessian[np.ix_(free, free)])
        known = self.prior_covariance
        result: Array = np.zeros((6, 6), dtype=np.float64) if known is None else known.copy()
        fixed = np.setdiff1d(np.arange(6), free)
        spill = own @ hessian[np.ix_(free, fixed)]
        cross = -spill @ result[np.ix_(fixed, fixed)]
        result[np.ix_(free, free)] = own - cross @ spill.T
        result[np.ix_(free, fixed)] = cross
        result[np.ix_(fixed, free)] = cross.T
        return result


def _minimise(
    problem: _Problem,
    start: Transform,
    weights: Array,
    inliers: Mask | None,
    negligible: float,
) -> tuple[Transform, int, bool]:
    """Levenberg-Marquardt from ``start``: pose, steps taken, whether it settled.

    It has settled when the next step would improve the chi-square by less than ``negligible``.
    """
    pose, damping, free = start, 1e-4, problem.free
    now = problem.evaluate(pose, weights, inliers)
    for iteration in range(1, MAX_ITERATIONS + 1):
        system = now.hessian[np.ix_(free, free)]
        scale = np.diag(np.maximum(np.diag(system), 1e-9))
        step = np.zeros(6)
        step[free] = np.linalg.solve(system + damping * scale, now.gradient[free])
        trial = moved(pose, step)
        gain = float(step @ now.gradient)
        if gain < negligible:
            return trial, iteration, True
        ahead = problem.evaluate(trial, weights, inliers)
        if ahead.cost <= now.cost:
            pose, now, damping = trial, ahead, max(damping * 0.1, 1e-12)
        else:
            damping *= 10.0
    return pose, MAX_ITERATIONS, False


def _mahalanobis2(residual: Array, weights: Array) -> Array:
    distance2: Array = np.einsum("ni,nij,nj->n", residual, weights, residual)
    distance2[~np.isfinite(distance2)] = np.inf
    return distance2


def _inverse(matrix: Array) -> Array:
    """Inverse of a symmetric matrix; directions without information get a huge variance."""
    values, vectors = np.linalg.eigh(matrix)
    inverse: Array = (vectors / np.maximum(values, 1.0 / UNKNOWN_VARIANCE)) @ vectors.T
    return inverse


def _inverse_left_jacobian(vector: Array) -> Array:
    """(3, 3) d log(exp(e) exp(v)) / de at e = 0 (Barfoot 2017, eq. 7.82)."""
    angle = float(np.linalg.norm(vector))
    cross = skew(vector)
    if angle < 1e-6:
        return np.eye(3) - 0.5 * cross
    half = 0.5 * angle
    factor = (1.0 - half / math.tan(half)) / (angle * angle)
    result: Array = np.eye(3) - 0.5 * cross + factor * cross @ cross
    return result
