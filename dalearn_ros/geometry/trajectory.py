"""Poses over time, interpolated and never extrapolated (D5)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import PoseError
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform, interpolate

MAX_GAP_NS = 200_000_000
MAX_SPEED_MPS = 100.0
JUMP_MARGIN_M = 1.0


@dataclass(frozen=True)
class Trajectory:
    """A sampled path of ``base_link`` in the map.

    Attributes:
        stamps_ns: (N,) integer nanoseconds; sorted and made unique (first kept) on creation.
        positions: (N, 3) metres, map frame.
        quaternions: (N, 4) x, y, z, w.
        covariances: (N, 6, 6) as in :class:`Pose`, or None.
        max_gap_ns: Two samples further apart than this are not interpolated between.
        source: Topic or file, for error sentences.
    """

    stamps_ns: npt.NDArray[np.int64]
    positions: npt.NDArray[np.float64]
    quaternions: npt.NDArray[np.float64]
    covariances: npt.NDArray[np.float64] | None = None
    max_gap_ns: int = MAX_GAP_NS
    source: str = "pose"
    _usable: npt.NDArray[np.bool_] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        stamps, order = np.unique(np.asarray(self.stamps_ns, dtype=np.int64), return_index=True)
        positions = np.asarray(self.positions, dtype=np.float64).reshape(-1, 3)[order]
        quaternions = np.asarray(self.quaternions, dtype=np.float64).reshape(-1, 4)[order]
        lengths = np.linalg.norm(quaternions, axis=1)
        usable = np.isfinite(positions).all(axis=1) & np.isfinite(lengths) & (lengths > 1e-6)
        object.__setattr__(self, "stamps_ns", stamps)
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "quaternions", quaternions)
        object.__setattr__(self, "_usable", usable)
        if self.covariances is not None:
            object.__setattr__(self, "covariances", np.asarray(self.covariances)[order])

    def __len__(self) -> int:
        return len(self.stamps_ns)

    def at(self, stamp_ns: int) -> Pose:
        """The pose at a time: position linear, rotation slerp, covariance linear.

        Args:
            stamp_ns: Integer nanoseconds.

        Raises:
            PoseError: With reason ``before_start``, ``after_end``, ``gap`` (the samples around it
                are too far apart), ``nan`` (one of them is not finite) or ``jump`` (they imply a
                speed above 100 m/s).
        """
        after = int(np.searchsorted(self.stamps_ns, stamp_ns))
        if after < len(self) and self.stamps_ns[after] == stamp_ns:
            self._check_usable(after, stamp_ns)
            if after > 0 and self._usable[after - 1]:
                self._check_jump(after - 1, after, stamp_ns)
            return self._pose(after)
        if after == 0 or after == len(self):
            reason = "before_start" if after == 0 else "after_end"
            raise self._error(stamp_ns, reason, "the time lies outside the recorded poses")
        before = after - 1
        gap = int(self.stamps_ns[after] - self.stamps_ns[before])
        if gap > self.max_gap_ns:
            raise self._error(stamp_ns, "gap", f"the poses around it are {gap / 1e9:.3f} s apart")
        self._check_usable(before, stamp_ns)
        self._check_usable(after, stamp_ns)
        self._check_jump(before, after, stamp_ns)
        t = float(stamp_ns - self.stamps_ns[before]) / gap
        covariance = None
        if self.covariances is not None:
            covariance = (1 - t) * self.covariances[before] + t * self.covariances[after]
        transform = interpolate(self._transform(before), self._transform(after), t)
        return Pose(int(stamp_ns), transform, covariance)

    def _transform(self, index: int) -> Transform:
        return Transform.from_quaternion(self.quaternions[index], self.positions[index])

    def _pose(self, index: int) -> Pose:
        covariance = None if self.covariances is None else self.covariances[index]
        return Pose(int(self.stamps_ns[index]), self._transform(index), covariance)

    def _check_usable(self, index: int, stamp_ns: int) -> None:
        if not self._usable[index]:
            raise self._error(stamp_ns, "nan", "a pose beside it is not finite")

    def _check_jump(self, before: int, after: int, stamp_ns: int) -> None:
        gap = int(self.stamps_ns[after] - self.stamps_ns[before])
        distance = float(np.linalg.norm(self.positions[after] - self.positions[before]))
        if distance > MAX_SPEED_MPS * gap * 1e-9 + JUMP_MARGIN_M:
            text = f"the pose jumps {distance:.1f} m within {gap / 1e9:.3f} s"
            raise self._error(stamp_ns, "jump", text)

    def _error(self, stamp_ns: int, reason: str, text: str) -> PoseError:
        return PoseError(f"{self.source} at {stamp_ns} ns: {text}.", reason)
