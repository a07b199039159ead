"""The newest pose from all observations of a window: one least-squares problem, robust.

Unknown are the newest pose, the errors of the odometry and the errors of the map's landmarks. A
landmark that is seen in many images has one error in all of them, and so has the odometry's scale:
what is common is not counted as if it were new in each image. The prior enters once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pnp import CAUCHY_C2
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.projection import project_with_jacobian
from dalearn_ros.geometry.steps import difference, information_of, inverse_left_jacobian, moved
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.odometry import Chain

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MOST_STEPS = 10
NEGLIGIBLE = 1e-4  # a step that changes the chi-square by less ends the search
LARGEST_NORMAL = 2.33  # of chi-square, in standard deviations: 99 %


@dataclass(frozen=True, eq=False)
class View:
    """What one camera saw of the map at one time.

    Attributes:
        name: Of the camera.
        stamp_ns: Time of the image.
        camera: Intrinsics.
        base_from_camera: Mounting.
        pixels: (M, 2) of the matched observations, raw image.
        noise_px2: (M, 2, 2) of them.
        rows: (M,) landmark in the map.
        seen: (M,) row of the observation.
        observed: How many observations the image has, those left out as doubtful not counted.
        lost: Log-likelihood by which a prior that is far off explains the image better.
    """

    name: str
    stamp_ns: int
    camera: Camera
    base_from_camera: Transform
    pixels: Array
    noise_px2: Array
    rows: Ints
    seen: Ints
    observed: int
    lost: float = 0.0


@dataclass(frozen=True)
class WindowFit:
    """The newest pose of a window.

    Attributes:
        pose: Estimate with covariance (6, 6), prior and inflation included.
        prior: The prior as it stands at the newest time, carried there by odometry if need be.
        information: (6, 6) of the newest pose from the landmarks alone, inflation included.
        inliers: For each view (M,), which matches the estimate rests on.
        residual_px: For each view (M, 2), seen minus projected.
        chi2: Of the landmarks: pixels, odometry's and map's errors, in units of their covariance.
        freedom: Degrees of freedom of ``chi2``.
        inflation: By how much the landmarks' covariance was widened because they fit badly; 1 is
            not at all.
    """

    pose: Pose
    prior: Pose
    information: Array
    inliers: list[Mask]
    residual_px: list[Array]
    chi2: float
    freedom: float
    inflation: float


def fit_window(
    views: list[View],
    chain: Chain,
    map_m: Array,
    prior: Pose,
    anchor: int,
    *,
    map_sigma_m: float,
    gate: float,
) -> WindowFit:
    """Fit the newest pose of a window.

    Args:
        views: One or more; each stamp is one of the chain's.
        chain: Times of the window and the odometry between them.
        map_m: (K, 3) points of the map, metres.
        prior: With a covariance (6, 6), of the pose at position ``anchor`` of the chain.
        anchor: Which pose the prior is of.
        map_sigma_m: Standard deviation of a landmark's place, each axis.
        gate: Largest squared Mahalanobis residual of an inlier, 2 degrees of freedom.
    """
    problem = _Problem(views, chain, map_m, prior, anchor, map_sigma_m)
    pose, errors = problem.carried_prior(), np.zeros(problem.size - 6)
    known = _covariance(problem.normal(pose, errors, problem.nothing)[0])
    carried = Pose(chain.stamps_ns[-1], pose, known)
    pose, errors = problem.search(pose, errors, None)
    for _ in range(3):
        inliers = problem.distance2(pose, errors) <= gate
        pose, errors = problem.search(pose, errors, inliers.astype(np.float64))
        if np.array_equal(inliers, problem.distance2(pose, errors) <= gate):
            break
    normal, _ = problem.normal(pose, errors, inliers.astype(np.float64))
    before = information_of(known)
    own = information_of(_covariance(normal)) - before
    chi2 = problem.chi2(pose, errors, inliers)
    free = 2.0 * float(inliers.sum()) - float(np.trace(_covariance(normal) @ own))
    inflation = _inflation(chi2, free)
    covariance = np.linalg.inv(before + own / inflation)
    residual, _, _ = problem.linearised(pose, errors)
    cuts = np.cumsum([len(view.rows) for view in views])[:-1]
    return WindowFit(
        Pose(chain.stamps_ns[-1], pose, 0.5 * (covariance + covariance.T)),
        carried,
        own / inflation,
        np.split(inliers, cuts),
        np.split(residual, cuts),
        chi2,
        free,
        inflation,
    )


class _Problem:
    """Residuals and normal equations; unknown (6 step, odometry's errors, 3 a landmark)."""

    def __init__(
        self,
        views: list[View],
        chain: Chain,
        map_m: Array,
        prior: Pose,
        anchor: int,
        map_sigma_m: float,
    ) -> None:
        assert prior.covariance is not None
        self.views, self.chain, self.anchor = views, chain, anchor
        self.prior, self.sigma = prior, map_sigma_m
        self.information = information_of(prior.covariance)
        rows = np.concatenate([view.rows for view in views])
        unique, self.landmark = np.unique(rows, return_inverse=True)
        self.point_m = map_m[unique]
        self.pixels = np.concatenate([view.pixels for view in views])
        self.noise = np.concatenate([view.noise_px2 for view in views])
        self.precision = np.linalg.inv(self.noise)
        self.first = 6 + chain.size
        self.size = self.first + 3 * len(unique)
        self.nothing = np.zeros(len(rows))
        self._frame = [chain.stamps_ns.index(view.stamp_ns) for view in views]

    def carried_prior(self) -> Transform:
        """The newest pose if neither prior nor odometry erred."""
        pose = self.prior.map_from_base
        for step in self.chain.steps[self.anchor :]:
            pose = pose @ step
        return pose

    def linearised(self, pose: Transform, errors: Array) -> tuple[Array, Array, Array]:
        """Residuals (M, 2), minus their derivative (M, 2, size), by the landmark (M, 2, 3)."""
        count = len(self.pixels)
        poses, by_chain = self.chain.poses(pose, errors[: self.chain.size])
        shift = self.sigma * errors[self.chain.size :].reshape(-1, 3)
        moved_m = self.point_m + shift
        residual, jacobian = np.full((count, 2), np.nan), np.zeros((count, 2, self.size))
        by_point, start = np.zeros((count, 2, 3)), 0
        for view, frame in zip(self.views, self._frame, strict=True):
            here = slice(start, start + len(view.rows))
            start = here.stop
            points = moved_m[self.landmark[here]]
            seen = project_with_jacobian(points, poses[frame], view.camera, view.base_from_camera)
            residual[here] = self.pixels[here] - seen.pixels
            jacobian[here, :, : self.first] = seen.by_pose @ by_chain[frame]
            by_point[here] = self.sigma * seen.by_point
        for axis in range(3):
            column = self.first + 3 * self.landmark + axis
            jacobian[np.arange(count), :, column] = by_point[:, :, axis]
        return residual, jacobian, by_point

    def distance2(self, pose: Transform, errors: Array) -> Array:
        """(M,) squared residual against the map as it is, the map's noise in its covariance."""
        residual, _, by_point = self.linearised(pose, errors)
        own = errors[self.chain.size :].reshape(-1, 3)[self.landmark]
        gap = residual + np.einsum("mik,mk->mi", by_point, own)
        spread = self.noise + by_point @ by_point.transpose(0, 2, 1)
        values: Array = np.einsum("mi,mij,mj->m", gap, np.linalg.inv(spread), gap)
        return np.where(np.isfinite(values), values, np.inf)

    def normal(self, pose: Transform, errors: Array, weights: Array) -> tuple[Array, Array]:
        """Normal matrix (size, size) and right side (size,) with a weight (M,) each."""
        residual, jacobian, _ = self.linearised(pose, errors)
        valid = ~np.isnan(residual[:, 0])
        precision = self.precision * (weights * valid)[:, None, None]
        weighted = (precision @ jacobian).reshape(-1, self.size)
        matrix = jacobian.reshape(-1, self.size).T @ weighted
        right = weighted.T @ np.where(valid[:, None], residual, 0.0).ravel()
        matrix[6:, 6:] += np.eye(self.size - 6)
        right[6:] -= errors
        poses, by_chain = self.chain.poses(pose, errors[: self.chain.size])
        offset = difference(poses[self.anchor], self.prior.map_from_base)
        slope = np.eye(6)
        slope[3:, 3:] = inverse_left_jacobian(offset[3:])
        by = slope @ by_chain[self.anchor]
        matrix[: self.first, : self.first] += by.T @ self.information @ by
        right[: self.first] -= by.T @ self.information @ offset
        return matrix, right

    def search(
        self, pose: Transform, errors: Array, weights: Array | None
    ) -> tuple[Transform, Array]:
        """Gauss-Newton; ``weights`` None means Cauchy's, renewed in each step."""
        for _ in range(MOST_STEPS):
            used = weights
            if used is None:
                used = 1.0 / (1.0 + np.minimum(self.distance2(pose, errors), 1e9) / CAUCHY_C2)
            matrix, right = self.normal(pose, errors, used)
            step: Array = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
            pose, errors = moved(pose, step[:6]), errors + step[6:]
            if float(step @ right) < NEGLIGIBLE:
                break
        return pose, errors

    def chi2(self, pose: Transform, errors: Array, inliers: Mask) -> float:
        """Of the landmarks' part: pixels of the inliers, odometry's and map's errors."""
        residual, _, _ = self.linearised(pose, errors)
        values = np.einsum("mi,mij,mj->m", residual, self.precision, residual)
        return float(values[inliers].sum() + errors @ errors)


def _covariance(normal: Array) -> Array:
    """(6, 6) of the newest pose, everything else marginalised."""
    own, across, rest = normal[:6, :6], normal[:6, 6:], normal[6:, 6:]
    inverse = np.linalg.inv(own - across @ np.linalg.solve(rest, across.T))
    symmetric: Array = np.asarray(0.5 * (inverse + inverse.T), dtype=np.float64)
    return symmetric


def _inflation(chi2: float, freedom: float) -> float:
    """chi2 / freedom where that is larger than chance (1 %) allows, else 1."""
    if freedom < 2.0:
        return 1.0
    ninth = 2.0 / (9.0 * freedom)  # Wilson and Hilferty 1931
    largest = freedom * (1.0 - ninth + LARGEST_NORMAL * ninth**0.5) ** 3
    return chi2 / freedom if chi2 > largest else 1.0
