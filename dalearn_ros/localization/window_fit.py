"""The newest pose from all observations of a window: one least-squares problem, robust.

Unknown are the newest pose, the errors of the odometry and the errors of the map's landmarks. A
landmark that is seen in many images has one error in all of them, and so has the odometry's scale:
what is common is not counted as if it were new in each image. The prior enters once. Landmarks may
have moved: the pose is that of all suppositions about which did (``moved_landmarks``).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.steps import information_of, moved
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.known import SIZE, Known
from dalearn_ros.localization.moved_landmarks import Mixture, mixture
from dalearn_ros.localization.odometry import Chain
from dalearn_ros.localization.window_problem import View, WindowProblem

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MOST_MOVED = 0.5  # of the landmarks, before the window is looked at
SMALLEST_SIGMA_M, SMALLEST_RATIO = 0.001, 1.1
LARGEST_NORMAL = 2.33  # of chi-square, in standard deviations: 99 %


@dataclass(frozen=True)
class WindowFit:
    """The newest pose of a window.

    Attributes:
        known: Estimate with covariance, prior and inflation included, of the pose and of the
            odometry's lasting errors.
        prior: The prior as it stands at the newest time, carried there by odometry if need be.
        information: (6, 6) of the newest pose from the landmarks alone, inflation included.
        inliers: For each view (M,), which matches the estimate rests on: none of a landmark that
            has probably moved.
        residual_px: For each view (M, 2), seen minus projected from ``pose``, the errors of map and
            odometry as they are estimated.
        chi2: Of the inliers: pixels, odometry's and map's errors, in units of their covariance.
        freedom: Degrees of freedom of ``chi2``.
        inflation: By how much the landmarks' covariance was widened because they fit badly; 1 is
            not at all.
    """

    known: Known
    prior: Pose
    information: Array
    inliers: list[Mask]
    residual_px: list[Array]
    chi2: float
    freedom: float
    inflation: float

    @property
    def pose(self) -> Pose:
        """The newest pose with covariance (6, 6), prior and inflation included."""
        return self.known.pose


def fit_window(
    views: list[View],
    chain: Chain,
    map_m: Array,
    prior: Known,
    anchor: int,
    *,
    map_sigma_m: float,
    gate: float,
    moved_sigma_m: float,
    moved_share: float,
) -> WindowFit:
    """Fit the newest pose of a window.

    Args:
        views: One or more; each stamp is one of the chain's.
        chain: Times of the window and the odometry between them.
        map_m: (K, 3) points of the map, metres.
        prior: Of the pose at position ``anchor`` of the chain and of the lasting errors.
        anchor: Which pose the prior is of.
        map_sigma_m: Standard deviation of a landmark's place, each axis.
        gate: Largest squared Mahalanobis residual of an inlier, 2 degrees of freedom.
        moved_sigma_m: How far a landmark that has moved is away, standard deviation, each axis.
        moved_share: Of the landmarks that have moved, at least; where less of what is observed is
            explained, the rest of it counts.
    """
    sigma = max(map_sigma_m, SMALLEST_SIGMA_M)
    problem = WindowProblem(views, chain, map_m, prior, anchor, sigma)
    pose, errors = problem.start()
    known = _covariance(problem.without_landmarks(pose, errors))
    carried = Pose(chain.stamps_ns[-1], pose, known[:6, :6])
    pose, errors = problem.search(pose, errors, None)
    for _ in range(3):
        inliers = problem.distance2(pose, errors) <= gate
        pose, errors = problem.search(pose, errors, inliers.astype(np.float64))
        if np.array_equal(inliers, problem.distance2(pose, errors) <= gate):
            break
    unexplained = 1.0 - float(inliers.sum()) / max(1, sum(view.observed for view in views))
    share = float(np.clip(unexplained, moved_share, MOST_MOVED))
    ratio = max(moved_sigma_m / sigma, SMALLEST_RATIO)
    found = _suppositions(problem, pose, errors, inliers, ratio, share)
    stands = found.moved <= 0.5
    likely = moved(pose, found.solution[:6])
    lasting = errors[: SIZE - 6] + found.step[6:]
    errors = errors + found.solution[6:]
    errors[chain.size :] *= np.repeat(stands, 3)
    inliers = stands[problem.landmark] & (problem.distance2(likely, errors) <= gate)
    chi2 = problem.chi2(likely, errors, inliers)
    alone = _covariance(problem.normal(likely, errors, inliers.astype(np.float64))[0])
    before = information_of(known)
    free = 2.0 * float(inliers.sum()) - float(np.trace(alone @ (information_of(alone) - before)))
    inflation = _inflation(chi2, free)
    own = np.linalg.inv(found.covariance) - before
    covariance = np.linalg.inv(before + own / inflation)
    covariance = 0.5 * (covariance + covariance.T)
    newest = Pose(chain.stamps_ns[-1], moved(pose, found.step[:6]), covariance[:6, :6])
    residual = problem.linearised(newest.map_from_base, errors).residual
    cuts = np.cumsum([len(view.rows) for view in views])[:-1]
    return WindowFit(
        Known(newest, None, lasting, covariance),
        carried,
        information_of(covariance[:6, :6]) - information_of(known[:6, :6]),
        np.split(inliers, cuts),
        np.split(residual, cuts),
        chi2,
        free,
        inflation,
    )


def _suppositions(
    problem: WindowProblem,
    pose: Transform,
    errors: Array,
    inliers: Mask,
    ratio: float,
    share: float,
) -> Mixture:
    """Steps from ``pose``; landmarks without an inlier begin as moved."""
    fits = np.zeros(len(problem.point_m), dtype=bool)
    fits[problem.landmark[inliers]] = True
    used = inliers | ~fits[problem.landmark]
    normal, right = problem.normal(pose, errors, used.astype(np.float64))
    free = (problem.first + 3 * np.flatnonzero(~fits)[:, None] + np.arange(3)).ravel()
    normal[free, free] -= 1.0 - 1.0 / ratio**2
    right[free] += (1.0 - 1.0 / ratio**2) * errors[free - 6]
    step = np.linalg.solve(normal, right)
    points = (errors + step[6:])[problem.chain.size :].reshape(-1, 3)
    found = mixture(normal, points, ~fits, ratio, share, SIZE)
    return dataclasses.replace(found, step=found.step + step[:SIZE], solution=found.solution + step)


def _covariance(normal: Array) -> Array:
    """(8, 8) of the newest pose and the lasting errors, everything else marginalised."""
    own, across, rest = normal[:SIZE, :SIZE], normal[:SIZE, SIZE:], normal[SIZE:, SIZE:]
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
