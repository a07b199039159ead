"""The least-squares problem of a window: what was seen, and how it changes with the unknowns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pnp import CAUCHY_C2
from dalearn_ros.geometry.projection import project_from_each
from dalearn_ros.geometry.steps import difference, information_of, inverse_left_jacobian, moved
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.known import SIZE, Known
from dalearn_ros.localization.odometry import Chain

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MOST_STEPS = 10
ROUGH, NEGLIGIBLE = 1e-2, 1e-4  # a step that changes the chi-square by less ends the search


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


class _Linear(NamedTuple):
    """At one estimate: residuals (M, 2), minus their derivative (M, 2, size) and by the landmark's
    error (M, 2, 3), the pose that the prior is of and its derivative (6, 6 + odometry's errors).
    """

    residual: Array
    jacobian: Array
    by_point: Array
    anchor: Transform
    by_anchor: Array


class WindowProblem:
    """Residuals and normal equations of a window.

    Unknown are the newest pose's step (6), the odometry's errors, the two lasting ones first, and 3
    errors of each landmark, the errors in standard deviations; ``size`` together. M is the number
    of matches in all views.

    Args:
        views: One or more; each stamp is one of the chain's.
        chain: Times of the window and the odometry between them.
        map_m: (K, 3) points of the map, metres.
        prior: Of the pose at position ``anchor`` of the chain and of the lasting errors.
        anchor: Which pose the prior is of.
        map_sigma_m: Standard deviation of a landmark's place, each axis.
    """

    def __init__(
        self,
        views: list[View],
        chain: Chain,
        map_m: Array,
        prior: Known,
        anchor: int,
        map_sigma_m: float,
    ) -> None:
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
        self._errors = np.arange(SIZE, self.size)  # those that the prior says nothing of
        frames = [chain.stamps_ns.index(view.stamp_ns) for view in views]
        lengths = [len(view.rows) for view in views]
        self._frame = np.repeat(np.array(frames, np.int64), lengths)
        self._columns = self.first + 3 * self.landmark[:, None] + np.arange(3)
        names = np.repeat(np.array([view.name for view in views]), lengths)
        cameras = {view.name: view for view in views}
        self._cameras: list[tuple[View, Ints | slice]] = [
            (view, np.flatnonzero(names == name) if len(cameras) > 1 else slice(None))
            for name, view in cameras.items()
        ]
        self._last: tuple[Transform, Array, _Linear] | None = None

    def start(self) -> tuple[Transform, Array]:
        """The newest pose and all errors (size - 6,) if the prior was right."""
        errors = np.zeros(self.size - 6)
        errors[: SIZE - 6] = self.prior.lasting
        chain, pose = self.chain, self.prior.pose.map_from_base
        return chain.onward(pose, self.anchor, errors[: chain.size]), errors

    def linearised(self, pose: Transform, errors: Array) -> _Linear:
        """Residuals and derivatives at an estimate; the last one asked for is remembered."""
        if self._last is not None and self._last[0] is pose and self._last[1] is errors:
            return self._last[2]
        count = len(self.pixels)
        poses, by_chain = self.chain.poses(pose, errors[: self.chain.size])
        poses_here, by_chain_here = poses[self._frame], by_chain[self._frame]
        moved_m = (self.point_m + self.sigma * errors[self.chain.size :].reshape(-1, 3))[
            self.landmark
        ]
        residual, jacobian = np.empty((count, 2)), np.zeros((count, 2, self.size))
        by_point = np.empty((count, 2, 3))
        for view, here in self._cameras:
            matrix = poses_here[here]
            seen = project_from_each(
                moved_m[here],
                matrix[:, :3, :3],
                matrix[:, :3, 3],
                view.camera,
                view.base_from_camera,
            )
            residual[here] = self.pixels[here] - seen.pixels
            jacobian[here, :, : self.first] = seen.by_pose @ by_chain_here[here]
            by_point[here] = self.sigma * seen.by_point
        jacobian[np.arange(count)[:, None], :, self._columns] = by_point.transpose(0, 2, 1)
        matrix = poses[self.anchor]
        anchor = Transform(matrix[:3, :3], matrix[:3, 3])
        found = _Linear(residual, jacobian, by_point, anchor, by_chain[self.anchor])
        self._last = pose, errors, found
        return found

    def distance2(self, pose: Transform, errors: Array) -> Array:
        """(M,) squared residual against the map as it is, the map's noise in its covariance."""
        at = self.linearised(pose, errors)
        residual, by_point = at.residual, at.by_point
        own = errors[self.chain.size :].reshape(-1, 3)[self.landmark]
        gap = residual + (by_point @ own[:, :, None])[:, :, 0]
        spread = self.noise + by_point @ by_point.transpose(0, 2, 1)
        values: Array = np.einsum("mi,mij,mj->m", gap, np.linalg.inv(spread), gap)
        return np.where(np.isfinite(values), values, np.inf)

    def normal(self, pose: Transform, errors: Array, weights: Array) -> tuple[Array, Array]:
        """Normal matrix (size, size) and right side (size,) with a weight (M,) each."""
        at = self.linearised(pose, errors)
        valid = ~np.isnan(at.residual[:, 0])
        jacobian = at.jacobian.reshape(-1, self.size)
        precision = self.precision * (weights * valid)[:, None, None]
        weighted = (precision @ at.jacobian).reshape(-1, self.size)
        matrix = jacobian.T @ weighted
        right = weighted.T @ np.where(valid[:, None], at.residual, 0.0).ravel()
        matrix[self._errors, self._errors] += 1.0
        right[SIZE:] -= errors[SIZE - 6 :]
        believed, pull = self._believed(at, errors)
        matrix[: self.first, : self.first] += believed
        right[: self.first] += pull
        return matrix, right

    def _believed(self, at: _Linear, errors: Array) -> tuple[Array, Array]:
        """The prior's part of the normal matrix (first, first) and of the right side (first,)."""
        offset = np.empty(SIZE)
        offset[:6] = difference(at.anchor, self.prior.pose.map_from_base)
        offset[6:] = errors[: SIZE - 6] - self.prior.lasting
        slope = np.eye(6)
        slope[3:, 3:] = inverse_left_jacobian(offset[3:6])
        by = np.zeros((SIZE, self.first))
        by[:6] = slope @ at.by_anchor
        by[6:, 6:SIZE] = np.eye(SIZE - 6)
        weighted = by.T @ self.information
        return weighted @ by, -weighted @ offset

    def without_landmarks(self, pose: Transform, errors: Array) -> Array:
        """(first, first) normal matrix of the prior and the odometry alone."""
        matrix, _ = self._believed(self.linearised(pose, errors), errors)
        odometry = np.arange(SIZE, self.first)
        matrix[odometry, odometry] += 1.0
        return matrix

    def search(
        self, pose: Transform, errors: Array, weights: Array | None
    ) -> tuple[Transform, Array]:
        """Gauss-Newton; ``weights`` None means Cauchy's, renewed in each step, only roughly to the
        end: it is where a search with the inliers starts.
        """
        enough = ROUGH if weights is None else NEGLIGIBLE
        for _ in range(MOST_STEPS):
            used = weights
            if used is None:
                used = 1.0 / (1.0 + np.minimum(self.distance2(pose, errors), 1e9) / CAUCHY_C2)
            matrix, right = self.normal(pose, errors, used)
            step: Array = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
            pose, errors = moved(pose, step[:6]), errors + step[6:]
            if float(step @ right) < enough:
                break
        return pose, errors

    def chi2(self, pose: Transform, errors: Array, inliers: Mask) -> float:
        """Of the landmarks' part: pixels of the inliers, the odometry's steps, the map's errors."""
        residual = self.linearised(pose, errors).residual
        values = np.einsum("mi,mij,mj->m", residual, self.precision, residual)
        own = errors[SIZE - 6 :]
        return float(values[inliers].sum() + own @ own)
