"""The vehicle's pose from points of the map and where they were seen (D18).

A robust Levenberg-Marquardt fit that starts from a prior and keeps it as a Gaussian term, so it
cannot turn over on coplanar points and what the points do not show stays at the prior. Pixels are
those of the raw image: the lens is part of the model, nothing is rectified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.projection import Projection, project_with_jacobian
from dalearn_ros.geometry.steps import difference, information_of, inverse_left_jacobian, moved
from dalearn_ros.geometry.transforms import Transform

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

CHI2_2DOF_999 = 13.82  # a residual of 2 values lies below it in 99.9 % of cases
CAUCHY_C2 = 5.7  # squared width of the kernel: 95 % efficient on clean residuals
MAX_ITERATIONS = 25
NEGLIGIBLE = 1e-6  # a step that would improve the chi-square by less than this ends the search
PLANAR = np.array([0, 1, 5])  # x, y, yaw
UNKNOWN_VARIANCE = 1e6  # of what neither points nor prior determine, m² or rad²


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


def fit_pose(
    points: Points,
    camera: Camera,
    base_from_camera: Transform,
    prior: Pose,
    *,
    planar: bool = False,
    robust: bool = True,
    gate: float = CHI2_2DOF_999,
    start: Transform | None = None,
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
        start: Where the search begins; None: at the prior.
    """
    problem = _Problem(points, camera, base_from_camera, prior, planar)
    start = start or prior.map_from_base
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
    return PoseFit(
        pose=Pose(prior.stamp_ns, pose, covariance),
        inliers=inliers,
        residual_px=points.pixels - problem.project(pose).pixels,
        mahalanobis2=problem.mahalanobis2(pose, weights),
        iterations=first + second,
        converged=done,
    )


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
        self._last: tuple[Transform, Projection] | None = None

    def project(self, pose: Transform) -> Projection:
        """From a pose; the last one asked for is remembered."""
        if self._last is None or self._last[0] is not pose:
            seen = project_with_jacobian(self.points.map_m, pose, self.camera, self.mounting)
            self._last = pose, seen
        return self._last[1]

    def whitening(self, pose: Transform) -> Array:
        """(N, 2, 2) inverse covariance of each residual, the map's noise included."""
        by_point = self.project(pose).by_point
        spread = self.points.map_sigma_m**2 * by_point @ by_point.transpose(0, 2, 1)
        inverse: Array = np.linalg.inv(self.points.covariance_px2 + spread)
        return inverse

    def mahalanobis2(self, pose: Transform, weights: Array) -> Array:
        return _mahalanobis2(self.points.pixels - self.project(pose).pixels, weights)

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
        slope[3:, 3:] = inverse_left_jacobian(offset[3:])
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
    block = np.ix_(free, free)
    now = problem.evaluate(pose, weights, inliers)
    for iteration in range(1, MAX_ITERATIONS + 1):
        system = now.hessian[block]
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
