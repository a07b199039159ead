"""What an edited map changed: landmarks that are gone, new, moved, or of another class or score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.pairing import nearest_first

GONE, NEW, MOVED, CLASS, SCORE = "gone", "new", "moved", "class", "score"
SAME_PX, SAME_SCORE = 0.5, 0.02  # less is no change
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        kind: ``gone``, ``new``, ``moved``, ``class`` (another one at the place) or ``score``.
        before: Row of the observations before, -1 of a new one.
        after: Row of the observations after, -1 of one that is gone.
        distance_px: Between the points; 0 of what is gone or new.
    """

    kind: str
    before: int
    after: int
    distance_px: float = 0.0


def changes(before: Observations, after: Observations, reach_px: float) -> list[Change]:
    """Compare two answers for one image.

    Nearest pairs of the same class within the reach are the same landmark; of those left over,
    nearest pairs of different classes are a landmark that changed its class.

    Args:
        before: The one answer.
        after: The other.
        reach_px: How far a landmark may move, pixels.

    Returns:
        Gone, new, of another class, moved, of another score, in this order.
    """
    offsets = before.point_px[:, None] - after.point_px[None]
    distance = np.hypot(offsets[..., 0], offsets[..., 1])
    near = np.where(distance <= reach_px, distance, np.inf)
    equal = before.class_id[:, None] == after.class_id[None]
    same = nearest_first(np.where(equal, near, np.inf))
    left_before = np.setdiff1d(np.arange(len(before)), same[:, 0])
    left_after = np.setdiff1d(np.arange(len(after)), same[:, 1])
    others = nearest_first(near[np.ix_(left_before, left_after)])
    turned = np.column_stack([left_before[others[:, 0]], left_after[others[:, 1]]])
    found = [Change(GONE, int(row), -1) for row in np.setdiff1d(left_before, turned[:, 0])]
    found += [Change(NEW, -1, int(row)) for row in np.setdiff1d(left_after, turned[:, 1])]
    found += [Change(CLASS, int(b), int(a), float(distance[b, a])) for b, a in turned]
    moved = [Change(MOVED, int(b), int(a), float(distance[b, a])) for b, a in same]
    found += [change for change in moved if change.distance_px >= SAME_PX]
    stayed = [change for change in moved if change.distance_px < SAME_PX]
    differs = np.abs(before.score[same[:, 0]] - after.score[same[:, 1]]) >= SAME_SCORE
    changed = {(int(b), int(a)) for b, a in same[differs]}
    for change in stayed:
        if (change.before, change.after) in changed:
            found.append(Change(SCORE, change.before, change.after, change.distance_px))
    return found
