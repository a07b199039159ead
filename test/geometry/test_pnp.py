"""Pose from points: Jacobians, independent solvers, coplanar points, outliers, covariance."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.optimize import least_squares

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pnp import Points, fit_pose
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.projection import project_with_jacobian
from dalearn_ros.geometry.steps import difference, information_of, moved, vector_of_rotation
from dalearn_ros.geometry.transforms import (
    LINK_FROM_OPTICAL,
    Transform,
    rotation_of_vector,
)

K = np.array([[1150.0, 0, 655.5], [0, 1140.0, 352.25], [0, 0, 1]])
CAMERA = Camera(1280, 720, K, np.array([-0.32, 0.11, 0.0012, -0.0007, -0.018]))
MOUNTING = Transform.from_euler(0.01, 0.03, -0.02, [1.4, 0.1, 1.6]) @ LINK_FROM_OPTICAL
TRUE = Transform.from_euler(0.01, -0.02, 2.1, [120.0, -340.0, 12.0])
SIGMA = np.array([0.5, 0.8, 0.1, np.radians(0.3), np.radians(0.3), np.radians(0.7)])
PRIOR_COVARIANCE = np.diag(SIGMA**2)


def scene(n: int, rng: np.random.Generator, flat: bool = False) -> np.ndarray:
    """Points (N, 3) of the map that the true camera sees, 8 to 50 m ahead."""
    depth = rng.uniform(8, 50, n)
    pixels = np.stack([rng.uniform(60, 1220, n), rng.uniform(60, 660, n)], 1)
    points = CAMERA.unproject(pixels) * depth[:, None]
    if flat:  # one plane facing the camera, like signs on a gantry
        points *= (25.0 / points[:, 2])[:, None]
    return (TRUE @ MOUNTING).apply(points)


def seen(points: np.ndarray, rng: np.random.Generator, sigma_px: float) -> np.ndarray:
    pixels = project_with_jacobian(points, TRUE, CAMERA, MOUNTING).pixels
    return pixels + rng.normal(0, sigma_px, pixels.shape)


def prior(rng: np.random.Generator, scale: float = 1.0) -> Pose:
    return Pose(7, moved(TRUE, rng.normal(0, SIGMA * scale)), PRIOR_COVARIANCE)


def covariances(n: int, sigma_px: float) -> np.ndarray:
    return np.tile(np.eye(2) * sigma_px**2, (n, 1, 1))


def test_jacobians_equal_finite_differences() -> None:
    points = scene(30, np.random.default_rng(1))
    found = project_with_jacobian(points, TRUE, CAMERA, MOUNTING)
    for axis in range(6):
        step = np.eye(6)[axis] * 1e-5
        ahead = project_with_jacobian(points, moved(TRUE, step), CAMERA, MOUNTING).pixels
        behind = project_with_jacobian(points, moved(TRUE, -step), CAMERA, MOUNTING).pixels
        numeric = (ahead - behind) / 2e-5
        np.testing.assert_allclose(found.by_pose[:, :, axis], numeric, rtol=1e-5, atol=1e-4)
    for axis in range(3):
        shift = np.eye(3)[axis] * 1e-5
        ahead = project_with_jacobian(points + shift, TRUE, CAMERA, MOUNTING).pixels
        numeric = (ahead - found.pixels) / 1e-5
        np.testing.assert_allclose(found.by_point[:, :, axis], numeric, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("vector", [[0, 0, 0], [1e-9, 0, 0], [0.3, -2.0, 1.0], [0, 3.1, 0]])
def test_rotation_vector_round_trip(vector: list[float]) -> None:
    np.testing.assert_allclose(vector_of_rotation(rotation_of_vector(vector)), vector, atol=1e-9)


def test_without_prior_it_agrees_with_opencv() -> None:
    rng = np.random.default_rng(2)
    points = scene(12, rng)
    pixels = seen(points, rng, 0.5)
    start = Pose(0, prior(rng).map_from_base)
    ours = fit_pose(
        Points(points, pixels, covariances(12, 1.0)),
        CAMERA,
        MOUNTING,
        start,
        robust=False,
    )
    origin = points.mean(axis=0)
    guess = (start.map_from_base @ MOUNTING).inverse()
    rvec = cv2.Rodrigues(guess.rotation)[0]
    tvec = guess.apply(origin[None])[0].reshape(3, 1)
    _, rvec, tvec = cv2.solvePnP(
        points - origin,
        pixels,
        K,
        CAMERA.distortion,
        rvec,
        tvec,
        True,
        cv2.SOLVEPNP_ITERATIVE,
    )
    rvec, tvec = cv2.solvePnPRefineLM(points - origin, pixels, K, CAMERA.distortion, rvec, tvec)
    rotation = cv2.Rodrigues(rvec)[0]
    theirs = Transform(rotation, tvec.ravel() - rotation @ origin).inverse() @ MOUNTING.inverse()
    gap = difference(ours.pose.map_from_base, theirs)
    assert np.abs(gap[:3]).max() < 1e-3 and np.abs(gap[3:]).max() < 1e-5


def test_with_prior_and_map_noise_it_agrees_with_a_general_least_squares_solver() -> None:
    rng = np.random.default_rng(3)
    points = scene(4, rng)
    given = prior(rng)
    pixels = seen(points, rng, 1.0)
    ours = fit_pose(Points(points, pixels, covariances(4, 1.0)), CAMERA, MOUNTING, given)
    root = np.linalg.cholesky(information_of(PRIOR_COVARIANCE)).T

    def residuals(step: np.ndarray) -> np.ndarray:
        pose = moved(given.map_from_base, step)
        gap = project_with_jacobian(points, pose, CAMERA, MOUNTING).pixels - pixels
        return np.concatenate([gap.ravel(), root @ step])

    theirs = least_squares(residuals, np.zeros(6), xtol=1e-12, ftol=1e-12)
    step = difference(ours.pose.map_from_base, given.map_from_base)
    np.testing.assert_allclose(step, theirs.x, atol=1e-5)
    expected = np.linalg.inv(theirs.jac.T @ theirs.jac)
    np.testing.assert_allclose(ours.pose.covariance, expected, rtol=0.02, atol=1e-7)


@pytest.mark.parametrize("n", [3, 4, 8])
@pytest.mark.parametrize("seed", range(5))
def test_coplanar_points_do_not_turn_the_pose_over(n: int, seed: int) -> None:
    rng = np.random.default_rng([4, n, seed])
    points = scene(n, rng, flat=True)
    found = fit_pose(
        Points(points, seen(points, rng, 1.0), covariances(n, 1.0)),
        CAMERA,
        MOUNTING,
        prior(rng),
    )
    error = difference(found.pose.map_from_base, TRUE)
    assert found.inliers.all()
    assert np.linalg.norm(error[:3]) < 1.5 and np.abs(error[3:]).max() < np.radians(1.5)


def test_outliers_are_named_and_do_not_count() -> None:
    rng = np.random.default_rng(5)
    points = scene(10, rng)
    pixels = seen(points, rng, 1.0)
    pixels[2] += [60, -25]
    pixels[7] += [-45, 10]
    found = fit_pose(Points(points, pixels, covariances(10, 1.0)), CAMERA, MOUNTING, prior(rng))
    assert np.flatnonzero(~found.inliers).tolist() == [2, 7]
    clean = fit_pose(
        Points(*(a[found.inliers] for a in (points, pixels, covariances(10, 1.0)))),
        CAMERA,
        MOUNTING,
        prior(np.random.default_rng(6)),
    )
    assert np.linalg.norm(difference(found.pose.map_from_base, TRUE)[:3]) < 0.5
    assert clean.inliers.all()


def test_without_points_the_prior_comes_back() -> None:
    given = prior(np.random.default_rng(7))
    nothing = Points(np.zeros((0, 3)), np.zeros((0, 2)), np.zeros((0, 2, 2)))
    found = fit_pose(nothing, CAMERA, MOUNTING, given)
    assert found.converged and len(found.inliers) == 0
    np.testing.assert_allclose(difference(found.pose.map_from_base, given.map_from_base), 0)
    np.testing.assert_allclose(found.pose.covariance, PRIOR_COVARIANCE, rtol=1e-6, atol=1e-12)


def test_what_one_point_leaves_open_stays_at_the_prior() -> None:
    rng = np.random.default_rng(8)
    point = scene(1, rng)
    found = fit_pose(
        Points(point, seen(point, rng, 1.0), covariances(1, 1.0)),
        CAMERA,
        MOUNTING,
        prior(rng),
    )
    ray = (point[0] - TRUE.apply(MOUNTING.translation[None])[0])[:2]
    ray /= np.linalg.norm(ray)
    variance = ray @ found.pose.covariance[:2, :2] @ ray
    before = ray @ PRIOR_COVARIANCE[:2, :2] @ ray
    assert variance > 0.9 * before  # along the ray to the point nothing was learned
    assert found.pose.covariance[5, 5] < PRIOR_COVARIANCE[5, 5]


def test_a_point_behind_the_camera_is_no_inlier_and_no_error() -> None:
    rng = np.random.default_rng(9)
    points = scene(5, rng)
    pixels = seen(points, rng, 0.5)
    points[0] = (TRUE @ MOUNTING).apply([[0.0, 0.0, -20.0]])[0]
    found = fit_pose(Points(points, pixels, covariances(5, 1.0)), CAMERA, MOUNTING, prior(rng))
    assert found.inliers.tolist() == [False, True, True, True, True]
    assert np.isinf(found.mahalanobis2[0]) and np.isnan(found.residual_px[0]).all()


def test_planar_mode_keeps_height_roll_and_pitch_and_carries_their_doubt() -> None:
    rng = np.random.default_rng(10)
    points = scene(8, rng)
    given = Pose(0, moved(TRUE, SIGMA * [1, -1, 0, 0, 0, 1]), PRIOR_COVARIANCE)
    args = Points(points, seen(points, rng, 0.5), covariances(8, 0.5)), CAMERA, MOUNTING
    flat = fit_pose(*args, given, planar=True)
    step = difference(flat.pose.map_from_base, given.map_from_base)
    assert step[2] == 0.0
    np.testing.assert_allclose(step[3:5], 0, atol=1e-12)
    assert np.linalg.norm(difference(flat.pose.map_from_base, TRUE)[:2]) < 0.1
    np.testing.assert_allclose(flat.pose.covariance[2, 2], SIGMA[2] ** 2)
    exact = PRIOR_COVARIANCE.copy()
    exact[2:5, 2:5] = 0
    sure = fit_pose(*args, Pose(0, given.map_from_base, exact), planar=True)
    assert sure.pose.covariance[0, 0] < flat.pose.covariance[0, 0]
    assert np.linalg.eigvalsh(flat.pose.covariance).min() > -1e-12


def test_the_covariance_is_honest() -> None:
    """Mean NEES over many draws of prior, pixels and map: 6 degrees of freedom, 300 samples."""
    scores = []
    for seed in range(300):
        rng = np.random.default_rng([11, seed])
        points = scene(6, rng)
        pixels = seen(points, rng, 1.5)
        mapped = points + rng.normal(0, 0.05, points.shape)
        given = Points(mapped, pixels, covariances(6, 1.5), map_sigma_m=0.05)
        found = fit_pose(given, CAMERA, MOUNTING, prior(rng)).pose
        error = difference(found.map_from_base, TRUE)
        scores.append(error @ np.linalg.solve(found.covariance, error))
    assert 0.85 < np.mean(scores) / 6 < 1.2  # 3 sigma of the mean of chi2(6)/6 are 0.1


def test_a_broken_covariance_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        information_of(-np.eye(6))
    with pytest.raises(ValueError, match="finite"):
        information_of(np.full((6, 6), np.nan))
