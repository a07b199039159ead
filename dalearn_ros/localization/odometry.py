"""Poses of the last seconds as they follow from the newest one and the odometry, errors included.

The odometry errs by a scale and a drift that stay the same all along (standard deviations), and by
random steps between two poses. All errors are unknowns in units of their standard deviation, so
that what is common to several poses is common in the estimate too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform, rotations_of_vectors, skew
from dalearn_ros.localization.settings import LocalizerSettings

Array = npt.NDArray[np.float64]
COMMON = 2  # scale, drift


@dataclass(frozen=True)
class OdometryNoise:
    """Standard deviations of what odometry errs by.

    Attributes:
        scale: Of the distance, a share.
        drift_radps: Of the heading, radians a second.
        step_m: Random, each axis, after one metre; grows with the root of the distance.
        turn_rad: Random heading after one second; grows with the root of the time.
        tilt_rad: Roll and pitch between two poses.
    """

    scale: float
    drift_radps: float
    step_m: float
    turn_rad: float
    tilt_rad: float

    @classmethod
    def of(cls, settings: LocalizerSettings) -> OdometryNoise:
        """As the settings say."""
        return cls(
            settings.odometry_scale,
            settings.odometry_drift_radps,
            settings.odometry_noise_m,
            settings.odometry_noise_rad,
            settings.odometry_tilt_rad,
        )


class Chain:
    """F poses in the order of time, tied together by odometry.

    The unknown errors are (2 + 6·(F - 1),): scale, drift, and for each step from one pose to the
    next x y z roll pitch yaw in the axes of the earlier one, all in standard deviations.

    Args:
        stamps_ns: (F,) ascending.
        driven: F poses odom_from_base at those times; for F = 1 it may be anything.
        noise: How the odometry errs.
    """

    def __init__(self, stamps_ns: list[int], driven: list[Transform], noise: OdometryNoise) -> None:
        self.stamps_ns = stamps_ns
        self.noise = noise
        count = len(stamps_ns)
        self.size = COMMON + 6 * (count - 1)
        self.steps = [driven[i].inverse() @ driven[i + 1] for i in range(count - 1)]
        self._turns = np.array([step.rotation for step in self.steps]).reshape(-1, 3, 3)
        self._ways_m = np.array([step.translation for step in self.steps]).reshape(-1, 3)
        self._effect = self._effects()

    def __len__(self) -> int:
        return len(self.stamps_ns)

    def poses(self, newest: Transform, errors: Array) -> tuple[Array, Array]:
        """All F poses for given errors, and how they change.

        Args:
            newest: The last pose, map_from_base.
            errors: (size,) in standard deviations.

        Returns:
            (F, 4, 4) homogeneous matrices, and (F, 6, 6 + size) the step of each pose (metres and
            radians about the map's axes) by a step of the newest and by the errors.
        """
        count = len(self)
        error = self._effect @ errors
        back = np.zeros((count - 1, 4, 4))
        back[:, :3, :3] = (rotations_of_vectors(error[:, 3:]) @ self._turns).swapaxes(1, 2)
        back[:, :3, 3:] = -back[:, :3, :3] @ (self._ways_m + error[:, :3])[:, :, None]
        back[:, 3, 3] = 1.0
        found = np.empty((count, 4, 4))
        found[-1] = newest.matrix
        for i in range(count - 2, -1, -1):
            found[i] = found[i + 1] @ back[i]
        arm = skew(found[:, :3, 3] - newest.translation)
        # An error of a step turns and shifts all poses before it, about the place of its later
        # pose: written as a step about the newest pose's place, that is the same for all of them.
        moved = -found[:-1, None, :3, :3] @ self._effect.reshape(count - 1, 2, 3, self.size)
        moved[:, 0] += arm[1:] @ moved[:, 1]
        by = np.zeros((count, 6, 6 + self.size))
        by[:, :, :6] = np.eye(6)
        by[:-1, :, 6:] = np.cumsum(moved[::-1], axis=0)[::-1].reshape(count - 1, 6, self.size)
        by[:, :3] -= arm @ by[:, 3:]  # about each pose's own place
        return found, by

    def onward(self, pose: Transform, start: int, errors: Array) -> Transform:
        """The last pose, if the one at position ``start`` is ``pose``.

        Args:
            pose: map_from_base.
            start: Its position in the chain.
            errors: (size,) in standard deviations.
        """
        error = self._effect[start:] @ errors
        turns = rotations_of_vectors(error[:, 3:]) @ self._turns[start:]
        for turn, way_m in zip(turns, self._ways_m[start:] + error[:, :3], strict=True):
            pose = pose @ Transform(turn, way_m)
        return pose

    def _effects(self) -> Array:
        """(F - 1, 6, size): what the errors change in each step, in the axes of its first pose."""
        noise, count = self.noise, len(self.steps)
        seconds = np.diff(np.array(self.stamps_ns, np.int64)) * 1e-9
        metres = np.linalg.norm(self._ways_m, axis=1)
        effect = np.zeros((count, 6, self.size))
        effect[:, :3, 0] = noise.scale * self._ways_m
        effect[:, 5, 1] = noise.drift_radps * seconds
        effect[:, :2, 1] = 0.5 * effect[:, 5, 1:2] * (self._ways_m[:, 1::-1] * [-1.0, 1.0])
        place, turn = noise.step_m * np.sqrt(metres), noise.turn_rad * np.sqrt(seconds)
        tilt = noise.tilt_rad * np.minimum(1.0, seconds)
        step = np.arange(count)
        for axis, sigma in enumerate((place, place, place, tilt, tilt, turn)):
            effect[step, axis, COMMON + 6 * step + axis] = sigma
        return effect
