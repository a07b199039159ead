"""Poses tied together by odometry: where they are, and how they change."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.steps import difference, moved
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.odometry import Chain, OdometryNoise

NOISE = OdometryNoise(scale=0.02, drift_radps=0.01, step_m=0.02, turn_rad=0.005, tilt_rad=0.001)
STAMPS = [0, 500_000_000, 1_200_000_000, 2_000_000_000]
DRIVEN = [
    Transform.from_euler(0.0, 0.01 * i, 0.2 * i, [6.0 * i, 0.4 * i * i, 0.0]) for i in range(4)
]
NEWEST = Transform.from_euler(0.01, -0.02, 1.0, [100.0, -50.0, 3.0])


def poses_of(chain: Chain, newest: Transform, errors: npt.NDArray[np.float64]) -> list[Transform]:
    """The chain's poses as transforms."""
    return [Transform(one[:3, :3], one[:3, 3]) for one in chain.poses(newest, errors)[0]]


def test_without_errors_the_poses_are_those_of_the_odometry() -> None:
    poses = poses_of(Chain(STAMPS, DRIVEN, NOISE), NEWEST, np.zeros(20))
    for pose, driven in zip(poses, DRIVEN, strict=True):
        expected = NEWEST @ DRIVEN[-1].inverse() @ driven
        np.testing.assert_allclose(difference(pose, expected), 0.0, atol=1e-9)


def test_onward_is_the_way_back_of_the_poses() -> None:
    chain = Chain(STAMPS, DRIVEN, NOISE)
    errors = np.random.default_rng(2).normal(0.0, 0.5, chain.size)
    poses = poses_of(chain, NEWEST, errors)
    for start, pose in enumerate(poses):
        last = chain.onward(pose, start, errors)
        np.testing.assert_allclose(difference(last, NEWEST), 0.0, atol=1e-9)


def test_derivatives_equal_finite_differences() -> None:
    chain = Chain(STAMPS, DRIVEN, NOISE)
    errors = np.random.default_rng(1).normal(0.0, 0.5, chain.size)
    _, by = chain.poses(NEWEST, errors)
    for column in range(6 + chain.size):
        change = np.zeros(6 + chain.size)
        change[column] = 1e-4
        ahead = poses_of(chain, moved(NEWEST, change[:6]), errors + change[6:])
        behind = poses_of(chain, moved(NEWEST, -change[:6]), errors - change[6:])
        for i in range(len(chain)):
            numeric = difference(ahead[i], behind[i]) / 2e-4
            np.testing.assert_allclose(by[i, :, column], numeric, rtol=1e-3, atol=2e-4)
