"""What the evaluator keeps until the end of a drive: poses, and pictures within a budget."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.nodes.localizer_inputs import NO_COVARIANCE, CheckedPoses
from dalearn_ros.nodes.vehicle import PoseBuffer

PICTURE_BYTES = 1_000_000_000


class DrivePoses(CheckedPoses):
    """The poses of a whole drive, in whatever order they come; refused as the localizer does.

    Args:
        topic: Its name, for the sentences.
        frame_id: Frame that the poses must be in; empty: any.

    Attributes:
        messages: How many came.
        fault: What was wrong with the first that was refused, a sentence; empty if none was.
    """

    def __init__(self, topic: str, frame_id: str) -> None:
        super().__init__(topic, frame_id)
        self.buffer = PoseBuffer(None)
        self.messages, self.fault = 0, ""

    def add(self, message: Any) -> bool:
        """Take a message, or count why not; nothing starts anew, so it returns False."""
        self.messages += 1
        found = self.check(message)
        if found is not None:
            self.buffer.add(found)
        self.fault = self.fault or self.problem
        return False

    @property
    def left_out(self) -> Counter[str]:
        """Reason → number of messages that were refused."""
        return Counter({why: n for why, n in self.refused.items() if why != NO_COVARIANCE})

    def at(self, stamp_ns: int) -> tuple[Pose | None, str]:
        """The pose at a time, or None and why; if all were refused, what most were refused for."""
        pose, why = super().at(stamp_ns)
        if why and self.left_out and not len(self.buffer):
            why = self.left_out.most_common(1)[0][0]
        return pose, why


class Pictures:
    """Compressed images by stamp. Over the budget every second one is dropped, again and again.

    So those that stay are evenly spread over the drive, however long that is.

    Args:
        budget: Bytes of all that are kept.
    """

    def __init__(self, budget: int = PICTURE_BYTES) -> None:
        self._budget, self._bytes = budget, 0
        self._kept: dict[int, bytes] = {}
        self._came, self.every = 0, 1

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, stamp_ns: int, encoded: bytes) -> None:
        """Take one, if it is its turn."""
        wanted = self._came % self.every == 0
        self._came += 1
        if not wanted:
            return
        self._bytes += len(encoded) - len(self._kept.get(stamp_ns, b""))
        self._kept[stamp_ns] = encoded
        while self._bytes > self._budget and len(self._kept) > 1:
            self._kept = dict(list(self._kept.items())[::2])
            self._bytes = sum(map(len, self._kept.values()))
            self.every *= 2

    def get(self, stamp_ns: int) -> bytes | None:
        """That of a stamp, if it was kept."""
        return self._kept.get(stamp_ns)
