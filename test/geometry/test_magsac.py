"""A start from coplanar points, where OpenCV's default flags fail."""

from __future__ import annotations

import cv2
import numpy as np

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.magsac import magsac_pose
from dalearn_ros.geometry.pnp import Points, fit_pose
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.projection import project_with_jacobian
from dalearn_ros.geometry.steps import difference, moved
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform

K = np.array([[1150.0, 0, 639.5], [0, 1150.0, 359.5], [0, 0, 1]])
CAMERA = Camera(1280, 720, K)
MOUNTING = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.0, 1.5]))
TRUE = Transform.from_euler(0.0, 0.0, 0.7, [350.0, -1200.0, 20.0])
SIGMA = np.array([2.0, 2.0, 0.2, 0.01, 0.01, 0.03])
TRIALS = 20


def gantry(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of a plane that faces the camera, 15 to 40 m ahead, and their pixels."""
    pixels = np.stack([rng.uniform(200, 1080, n), rng.uniform(100, 600, n)], 1)
    points = (TRUE @ MOUNTING).apply(CAMERA.unproject(pixels) * rng.uniform(15, 40))
    return points, pixels + rng.normal(0, 0.3, pixels.shape)


def place_error(pose: Transform) -> float:
    """Metres; infinite where the pose is not finite."""
    error = float(np.linalg.norm(difference(pose, TRUE)[:3]))
    return error if np.isfinite(error) else np.inf


def by_default_flags(points: np.ndarray, pixels: np.ndarray) -> Transform:
    origin = points.mean(axis=0)
    _, turn, shift, _ = cv2.solvePnPRansac(points - origin, pixels, K, None)
    rotation = cv2.Rodrigues(turn)[0]
    there = Transform(rotation, shift.ravel() - rotation @ origin)
    return there.inverse() @ MOUNTING.inverse()


def test_four_coplanar_points_fail_with_default_flags_and_not_with_ours() -> None:
    theirs, ours = [], []
    for seed in range(TRIALS):
        rng = np.random.default_rng([1, seed])
        points, pixels = gantry(rng, 4)
        theirs.append(place_error(by_default_flags(points, pixels)))
        start = magsac_pose(points, pixels, CAMERA, MOUNTING, sigma_px=0.5)
        given = Pose(0, moved(TRUE, rng.normal(0, SIGMA)), np.diag(SIGMA**2))
        seen = Points(points, pixels, np.tile(np.eye(2) * 0.25, (4, 1, 1)))
        ours.append(
            place_error(fit_pose(seen, CAMERA, MOUNTING, given, start=start).pose.map_from_base)
        )
    assert sum(error > 3.0 for error in theirs) >= 3
    assert max(ours) < 3.0


def test_wrong_points_do_not_win() -> None:
    errors = []
    for seed in range(TRIALS):
        rng = np.random.default_rng([2, seed])
        points, pixels = gantry(rng, 12)
        pixels[:3] = rng.uniform([0, 0], [1280, 720], (3, 2))
        pose = magsac_pose(points, pixels, CAMERA, MOUNTING, sigma_px=0.5)
        assert pose is not None
        errors.append(place_error(pose))
    assert np.quantile(errors, 0.8) < 1.0


def test_far_from_the_origin_of_the_map_and_through_a_lens() -> None:
    lens = Camera(1280, 720, K, np.array([-0.3, 0.1, 0.001, 0.0, -0.01]))
    true = Transform(TRUE.rotation, TRUE.translation + np.array([4e5, 5e6, 0.0]))
    rng = np.random.default_rng(3)
    pixels = np.stack([rng.uniform(100, 1180, 10), rng.uniform(60, 660, 10)], 1)
    points = (true @ MOUNTING).apply(lens.unproject(pixels) * rng.uniform(10, 40, (10, 1)))
    exact = project_with_jacobian(points, true, lens, MOUNTING).pixels
    pose = magsac_pose(points, exact, lens, MOUNTING)
    assert pose is not None and np.linalg.norm(difference(pose, true)[:3]) < 0.01


def test_too_few_points_give_none() -> None:
    points, pixels = gantry(np.random.default_rng(4), 3)
    assert magsac_pose(points, pixels, CAMERA, MOUNTING) is None
