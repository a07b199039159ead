"""What the localizer node is given: poses, odometry and landmarks, checked and brought together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dalearn_ros.core.errors import PoseError
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes.messages import pose_of
from dalearn_ros.nodes.vehicle import PoseBuffer

PATIENCE_S = 0.5
FASTEST_MPS, JUMP_M = 100.0, 1.0
NO_COVARIANCE = "without covariance (prior_sigma taken)"  # counted, but the pose is taken


class CheckedPoses:
    """A topic of poses; what cannot be used is counted by its reason, with a sentence.

    Args:
        topic: Its name, for the sentences.
        frame_id: Frame that the poses must be in; empty: any.
        continuous: Whether they never jump, as odometry.
    """

    def __init__(self, topic: str, frame_id: str = "", continuous: bool = False) -> None:
        self.topic, self.frame_id, self.continuous = topic, frame_id, continuous
        self.buffer = PoseBuffer()
        self.refused: Counter[str] = Counter()
        self.problem = ""

    def add(self, message: Any) -> bool:
        """Take a message; one without a covariance is taken too, and counted.

        Returns:
            Whether the poses start anew with it: time went back, or a vehicle cannot be that fast.
        """
        found = self.check(message)
        if found is None:
            return False
        broken = self._broken(found)
        if broken:
            self._refuse(broken, f"{self.topic}: {broken}; what came before is dropped")
            self.buffer = PoseBuffer()
        self.buffer.add(found)
        return bool(broken)

    def check(self, message: Any, stamped: bool = True) -> Pose | None:
        """The pose of a message, or None; the refusal is counted.

        Args:
            message: PoseStamped, PoseWithCovarianceStamped or Odometry.
            stamped: Whether it needs a stamp.
        """
        stamp = message.header.stamp
        if stamped and not (stamp.sec or stamp.nanosec):
            self._refuse("zero stamp", f"{self.topic}: the stamp is zero; it must be set")
            return None
        frame = message.header.frame_id.lstrip("/")
        if self.frame_id and frame != self.frame_id:
            text = f"{self.topic}: expected a pose in the map's frame '{self.frame_id}', found "
            self._refuse("frame", f"{text}'{frame}'")
            return None
        try:
            pose = pose_of(message)
        except ValueError as error:
            self._refuse("not finite", f"{self.topic}: {error}")
            return None
        if pose.covariance is not None and not np.isfinite(pose.covariance).all():
            self._refuse("not finite", f"{self.topic}: its covariance is not finite")
            return None
        self.problem = ""
        if pose.covariance is None:
            self.refused[NO_COVARIANCE] += 1
        return pose

    def at(self, stamp_ns: int) -> tuple[Pose | None, str]:
        """The pose at a time, or None and why."""
        try:
            return self.buffer.at(stamp_ns), ""
        except PoseError as error:
            return None, error.reason

    def _broken(self, pose: Pose) -> str:
        before = self.buffer.latest  # no interpolation: this is done for every message
        if before is None:
            return ""
        seconds = (pose.stamp_ns - before.stamp_ns) * 1e-9
        if seconds < 0.0:
            return "time went back"
        step = pose.map_from_base.translation - before.map_from_base.translation
        far = float(np.linalg.norm(step)) > FASTEST_MPS * seconds + JUMP_M
        return "the poses jump" if far and self.continuous else ""

    def _refuse(self, reason: str, sentence: str) -> None:
        self.refused[reason] += 1
        self.problem = sentence


def finite_rows(seen: Observations) -> Observations:
    """Observations without the rows whose point or covariance is not finite."""
    good = np.isfinite(seen.point_px).all(axis=1)
    good &= np.isfinite(seen.covariance_px2).all(axis=(1, 2))
    return seen if good.all() else seen.select(good)


@dataclass
class Group:
    """Images of one stamp, by camera."""

    stamp_ns: int
    since: float
    seen: dict[str, Observations] = field(default_factory=dict)


Handle = Callable[[Mapping[str, Observations], Pose | None, str, Transform | None], None]


class Gathering:
    """Brings the cameras' landmarks of one stamp together with the prior and the odometry there.

    A group goes on when all cameras have come, or some have and patience has ended; and when prior
    and odometry reach its stamp, or patience has ended. Groups go in the order of their stamps.

    Args:
        cameras: How many.
        prior: ``~/input/pose``.
        odometry: ``~/input/odometry``.
        handle: Called with the group, the prior (or None and why) and odom_from_base.
        patience_s: How long to wait, seconds of the computer's clock.
    """

    def __init__(
        self,
        cameras: int,
        prior: CheckedPoses,
        odometry: CheckedPoses,
        handle: Handle,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.cameras, self.prior, self.odometry = cameras, prior, odometry
        self.needs_prior = True
        self._handle, self._patience_s = handle, patience_s
        self._groups: dict[int, Group] = {}
        self.done_ns: int | None = None

    def add(self, camera: str, seen: Observations) -> None:
        """Hand in what one camera saw, with the stamp at which it saw it."""
        group = self._groups.setdefault(seen.stamp_ns, Group(seen.stamp_ns, time.monotonic()))
        group.seen[camera] = seen
        self.advance()

    def clear(self) -> None:
        """Forget what waits."""
        self._groups.clear()
        self.done_ns = None

    def advance(self) -> None:
        """Hand on what is ready."""
        for stamp in sorted(self._groups):
            group = self._groups[stamp]
            patient = time.monotonic() - group.since < self._patience_s
            if patient and not self._complete(group):
                return
            del self._groups[stamp]
            self.done_ns = stamp
            prior, reason = self.prior.at(stamp) if self.needs_prior else (None, "")
            driven, _ = self.odometry.at(stamp)
            place = None if driven is None else driven.map_from_base
            self._handle(group.seen, prior, reason, place)

    def _complete(self, group: Group) -> bool:
        late = self.needs_prior and self.prior.buffer.latest_ns < group.stamp_ns
        used = len(self.odometry.buffer) > 0
        late |= used and self.odometry.buffer.latest_ns < group.stamp_ns
        return len(group.seen) == self.cameras and not late
