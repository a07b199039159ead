"""Points from bearings: by hand, against scipy, and the covariance against repeated draws."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.localization.bearings import Bearings, bearings_of, fit_point, meeting_points

CAMERA = Camera(
    1280, 720, np.array([[1100.0, 0, 640], [0, 1100, 360], [0, 0, 1]]),
    np.array([-0.2, 0.05, 0, 0, 0]),
)  # fmt: skip
MOUNTING = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.0, 1.5]))
POINT = np.array([40.0, -5.0, 3.0])
SIGMA_PX = 2.0


def rays(rng: np.random.Generator, pose_sigma: np.ndarray, count: int = 8) -> Bearings:
    """What is seen of the point on the way to it; each pose is a little off."""
    rows = []
    for i in range(count):
        true = Transform.from_euler(0, 0, 0, [3.5 * i, 0.0, 0.0])
        seen, _ = CAMERA.project((true @ MOUNTING).inverse().apply(POINT[None]))
        seen = seen + rng.normal(0, SIGMA_PX, (1, 2))
        off = rng.normal(0, pose_sigma)
        told = Transform.from_euler(*off[3:], true.translation + off[:3])
        pose = Pose(i * 10**9, told, np.diag(pose_sigma**2))
        covariance = SIGMA_PX**2 * np.eye(2)[None]
        rows.append(bearings_of(seen, covariance, CAMERA, MOUNTING, pose).rows)
    return Bearings(np.concatenate(rows))


def test_exact_bearings_point_at_the_landmark() -> None:
    pose = Pose(0, Transform.from_euler(0.02, -0.03, 0.4, [1.0, 2.0, 0.5]))
    map_from_camera = pose.map_from_base @ MOUNTING
    points = map_from_camera.apply([[1.0, 2.0, 20.0], [-4.0, -1.0, 12.0]])
    pixels, _ = CAMERA.project([[1.0, 2.0, 20.0], [-4.0, -1.0, 12.0]])
    found = bearings_of(pixels, np.tile(np.eye(2), (2, 1, 1)), CAMERA, MOUNTING, pose)
    towards = points - map_from_camera.translation
    towards /= np.linalg.norm(towards, axis=1)[:, None]
    np.testing.assert_allclose(found.direction, towards, atol=1e-9)
    assert found.distance2(points[0])[0] < 1e-9


def test_two_rays_meet_where_they_do() -> None:
    rows = np.zeros((3, 25))
    rows[:, :3] = [[0, 0, 0], [10, 0, 0], [0, 5, 0]]
    rows[:, 3:6] = [[0.6, 0.8, 0], [-0.6, 0.8, 0], [0.6, 0.8, 0]]
    points, usable = meeting_points(Bearings(rows[:1]), Bearings(rows[1:]))
    np.testing.assert_allclose(points[0], [5.0, 20 / 3, 0.0])
    assert usable.tolist() == [True, False]  # the third is parallel


def test_the_fit_agrees_with_scipy_where_poses_are_exact() -> None:
    found = rays(np.random.default_rng(3), np.full(6, 1e-9))
    across = found.direction

    def residual(point: np.ndarray) -> np.ndarray:
        away = point - found.origin_m
        away /= np.linalg.norm(away, axis=1)[:, None]
        return np.cross(across, away).ravel()

    best = least_squares(residual, POINT).x
    np.testing.assert_allclose(fit_point(found, POINT + 2.0).point_m, best, atol=0.03)


def test_the_covariance_covers_the_errors() -> None:
    rng = np.random.default_rng(4)
    sigma = np.array([0.1, 0.1, 0.02, 0.0005, 0.0005, 0.001])
    fits = [fit_point(rays(rng, sigma), POINT) for _ in range(60)]
    errors = np.array([fit.point_m - POINT for fit in fits])
    claimed = np.sqrt(np.mean([np.diag(fit.covariance_m2) for fit in fits], axis=0))
    spread = errors.std(axis=0)
    # What the poses of a pass have in common is kept whole: never too small, at most 2.5 times.
    assert (spread < 1.2 * claimed).all() and (claimed < 3.0 * spread).all()


def test_a_wrong_bearing_is_left_out() -> None:
    found = rays(np.random.default_rng(5), np.full(6, 1e-4))
    rows = found.rows.copy()
    rows[3, 3:6] = [0.0, 1.0, 0.0]
    fit = fit_point(Bearings(rows), POINT + 1.0)
    assert not fit.inliers[3] and fit.inliers.sum() == 7
    np.testing.assert_allclose(fit.point_m, POINT, atol=0.3)
