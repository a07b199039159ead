"""The errors that a drive carries: of the prior, of the odometry and of the map.

Fixed by the protocol of the figures: Ornstein-Uhlenbeck error of the prior, declared covariances
true, odometry with a scale error and a drifting heading, map noise per landmark.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform

Array = npt.NDArray[np.float64]
SIGMA_LATERAL_M, SIGMA_LONGITUDINAL_M, SIGMA_HEADING_RAD = 0.5, 0.8, math.radians(0.7)
TAU_S = 20.0
ODOMETRY_SCALE, ODOMETRY_DRIFT_RADPS = 0.01, math.radians(0.05)
MAP_SIGMA_M = 0.05
# what the prior knows of height and tilt: it has no error there, and says a small one
SIGMA_HEIGHT_M, SIGMA_TILT_RAD = 0.05, math.radians(0.2)


def ornstein_uhlenbeck(
    rng: np.random.Generator, n: int, dt_s: float, sigma: float, tau_s: float
) -> Array:
    """A stationary series (n,): x' = a·x + sigma·sqrt(1 - a²)·e with a = exp(-dt/tau)."""
    a = math.exp(-dt_s / tau_s)
    noise = rng.standard_normal(n) * sigma * math.sqrt(1.0 - a * a)
    series = np.empty(n)
    value = rng.standard_normal() * sigma
    for i in range(n):
        series[i] = value
        value = a * value + noise[i]
    return series


@dataclass(frozen=True)
class PriorErrors:
    """Errors (N,) of the prior in the vehicle's own directions: metres and radians."""

    lateral: Array
    longitudinal: Array
    heading: Array

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int, dt_s: float) -> PriorErrors:
        """Independent Ornstein-Uhlenbeck series."""
        sigmas = (SIGMA_LATERAL_M, SIGMA_LONGITUDINAL_M, SIGMA_HEADING_RAD)
        return cls(*(ornstein_uhlenbeck(rng, n, dt_s, sigma, TAU_S) for sigma in sigmas))

    def apply(self, truth: Transform, i: int) -> Transform:
        """The prior's pose for sample i: shifted in the true vehicle's directions, then turned."""
        yaw = truth.yaw_rad
        forward = np.array([math.cos(yaw), math.sin(yaw), 0.0])
        left = np.array([-forward[1], forward[0], 0.0])
        shift = forward * self.longitudinal[i] + left * self.lateral[i]
        turn = Transform.from_euler(0.0, 0.0, float(self.heading[i]), (0.0, 0.0, 0.0))
        return Transform(turn.rotation @ truth.rotation, truth.translation + shift)


def prior_covariance(yaw_rad: float) -> Array:
    """(6, 6) about the map's axes of the prior's error for a vehicle that heads along yaw."""
    c, s = math.cos(yaw_rad), math.sin(yaw_rad)
    rotation = np.array([[c, -s], [s, c]])
    own = np.diag([SIGMA_LONGITUDINAL_M**2, SIGMA_LATERAL_M**2])
    covariance = np.zeros((6, 6))
    covariance[:2, :2] = rotation @ own @ rotation.T
    tilt = SIGMA_TILT_RAD**2
    covariance[2:, 2:] = np.diag([SIGMA_HEIGHT_M**2, tilt, tilt, SIGMA_HEADING_RAD**2])
    return covariance


def odometry(
    rng: np.random.Generator, truth: list[Transform], dt_s: float
) -> tuple[list[Transform], float, float]:
    """Integrated odometry from the true poses.

    Returns:
        odom_from_base for each sample (the first is the identity), the scale error (as a share)
        and the heading's drift in radians a second: of fixed size, their signs drawn once a drive.
    """
    scale = ODOMETRY_SCALE * (1.0 if rng.random() < 0.5 else -1.0)
    drift = ODOMETRY_DRIFT_RADPS * (1.0 if rng.random() < 0.5 else -1.0)
    pose = Transform.identity()
    poses = [pose]
    for before, after in pairwise(truth):
        step = before.inverse() @ after
        turn = Transform.from_euler(0.0, 0.0, drift * dt_s, (0.0, 0.0, 0.0))
        pose = pose @ Transform(turn.rotation @ step.rotation, step.translation * (1.0 + scale))
        poses.append(pose)
    return poses, scale, drift


def map_noise(rng: np.random.Generator, n: int) -> Array:
    """Shifts (n, 3) in metres of n landmarks."""
    return rng.normal(0.0, MAP_SIGMA_M, (n, 3))
