"""The first-order pixel covariance against finite differences and against Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform, rotation_of_vector
from dalearn_ros.labels.uncertainty import pixel_covariance, pose_jacobian

CAMERA = Camera(
    1280, 720, np.array([[1000.0, 0, 640], [0, 1000, 360], [0, 0, 1]]), np.array([-0.2, 0.05, 0, 0])
)
MOUNTING = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.1, 1.4]))
TRUTH = Transform.from_euler(0.01, -0.02, 0.7, (100.0, 50.0, 3.0))
POINTS = TRUTH.apply([[20.0, 3.0, 2.5], [12.0, -4.0, 0.1], [45.0, 0.5, 5.0]])
SIGMA = np.array([0.3, 0.2, 0.1, 0.002, 0.003, 0.006])


SAMPLES = 10_000


def _projected(map_from_base: Transform, points: np.ndarray) -> np.ndarray:
    pixels, valid = CAMERA.project((map_from_base @ MOUNTING).inverse().apply(points))
    assert valid.all()
    return pixels


def _moved(error: np.ndarray) -> Transform:
    """The pose with an error (6,): translation, then a rotation about the map's axes."""
    return Transform(rotation_of_vector(error[3:]) @ TRUTH.rotation, TRUTH.translation + error[:3])


def test_jacobian_equals_finite_differences() -> None:
    found = pose_jacobian(POINTS, CAMERA, Pose(0, TRUTH), MOUNTING)
    for axis in range(6):
        step = np.zeros(6)
        step[axis] = 1e-6
        ahead, behind = _projected(_moved(step), POINTS), _projected(_moved(-step), POINTS)
        assert np.allclose(found[:, :, axis], (ahead - behind) / 2e-6, rtol=1e-5, atol=1e-4)


def _drawn(errors: np.ndarray) -> np.ndarray:
    """Pixels (samples, points, 2) of the points from poses with the errors (samples, 6)."""
    turn = Rotation.from_rotvec(errors[:, 3:]).as_matrix() @ TRUTH.rotation
    away = POINTS[None] - (TRUTH.translation + errors[:, :3])[:, None]
    in_base = np.einsum("sji,spj->spi", turn, away)
    pixels, valid = CAMERA.project(MOUNTING.inverse().apply(in_base.reshape(-1, 3)))
    assert valid.all()
    return pixels.reshape(len(errors), -1, 2)


@pytest.mark.parametrize("correlation", [0.0, 0.5, -0.8])
def test_covariance_equals_monte_carlo(correlation: float) -> None:
    """Sampling 10^4 poses leaves sqrt(2 / n) = 1.4 % of a variance open; 6 % are four sigma."""
    covariance = np.diag(SIGMA**2)
    covariance[0, 5] = covariance[5, 0] = correlation * SIGMA[0] * SIGMA[5]
    covariance[2, 4] = covariance[4, 2] = correlation * SIGMA[2] * SIGMA[4]
    found = pixel_covariance(POINTS, CAMERA, Pose(0, TRUTH, covariance), MOUNTING)
    errors = np.random.default_rng(0).multivariate_normal(np.zeros(6), covariance, SAMPLES)
    drawn = _drawn(errors)
    assert np.allclose(drawn[3], _projected(_moved(errors[3]), POINTS), atol=1e-9)
    for i in range(len(POINTS)):
        sampled = np.cov(drawn[:, i].T)
        assert np.allclose(np.diag(found[i]), np.diag(sampled), rtol=0.06)
        bound = 0.06 * np.sqrt(sampled[0, 0] * sampled[1, 1])
        assert abs(found[i][0, 1] - sampled[0, 1]) < bound


def test_an_unknown_covariance_stays_unknown() -> None:
    assert np.isnan(pixel_covariance(POINTS, CAMERA, Pose(0, TRUTH), MOUNTING)).all()
