"""A pose that is believed, what is known of the odometry's lasting errors, and both carried on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.odometry import COMMON, Chain, OdometryNoise

Array = npt.NDArray[np.float64]
SIZE = 6 + COMMON


@dataclass(frozen=True)
class Known:
    """A believed pose at a time, and the odometry at that time.

    Attributes:
        pose: With covariance (6, 6).
        driven: odom_from_base at its stamp; None without odometry.
        lasting: (2,) the odometry's scale and drift as estimated, in standard deviations.
        covariance: (8, 8) of a step of the pose (6), about the map's axes, and of ``lasting``.
    """

    pose: Pose
    driven: Transform | None
    lasting: Array
    covariance: Array

    @classmethod
    def of(cls, pose: Pose, driven: Transform | None) -> Known:
        """A pose with a covariance, where of the odometry nothing is known but its noise."""
        covariance = np.eye(SIZE)
        covariance[:6, :6] = pose.covariance
        return cls(pose, driven, np.zeros(COMMON), covariance)

    def aged(self, seconds: float, lasting_s: float) -> Known:
        """What is still known of the odometry later: each error forgets its value with the time
        constant ``lasting_s`` and keeps its standard deviation (Ornstein-Uhlenbeck process).
        """
        kept = float(np.exp(-seconds / lasting_s))
        by = np.ones(SIZE)
        by[6:] = kept
        covariance = by[:, None] * self.covariance * by
        covariance[6:, 6:] += (1.0 - kept**2) * np.eye(COMMON)
        return dataclasses.replace(self, lasting=kept * self.lasting, covariance=covariance)

    def carried(
        self, stamp_ns: int, driven: Transform, noise: OdometryNoise, lasting_s: float
    ) -> Known:
        """What is known at another time, forwards or backwards.

        Args:
            stamp_ns: The other time.
            driven: odom_from_base at that time.
            noise: How the odometry errs.
            lasting_s: See :meth:`aged`.
        """
        assert self.driven is not None
        away_ns = abs(stamp_ns - self.pose.stamp_ns)
        old = self.aged(away_ns * 1e-9, lasting_s)
        chain = Chain([0, away_ns], [self.driven, driven], noise)
        errors = np.zeros(chain.size)
        errors[:COMMON] = old.lasting
        after = chain.onward(self.pose.map_from_base, 0, errors)
        _, by = chain.poses(after, errors)
        back = np.linalg.inv(by[0, :, :6])  # step of the second by a step of the first
        move = np.eye(SIZE)
        move[:6] = back @ np.hstack([np.eye(6), -by[0, :, 6:SIZE]])
        steps = back @ by[0, :, SIZE:]
        covariance = move @ old.covariance @ move.T
        covariance[:6, :6] += steps @ steps.T
        pose = Pose(stamp_ns, after, covariance[:6, :6])
        return Known(pose, driven, old.lasting, covariance)
