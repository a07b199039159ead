"""The scan for a camera's time offset: how well the landmarks fit at each of a row of offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError, PoseError
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.landmarks.types import Frame, Labels, Observations

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEP_MS = 10
GATE_PX = 60.0
CLEAR_PX = 0.2  # by which the best of the scan must beat an end of it to be more than chance


class View(NamedTuple):
    """One frame: its labels with the pose at its stamp, and what the detector saw."""

    frame: Frame
    labels: Labels
    seen: Observations


@dataclass(frozen=True)
class Candidates:
    """Every observation with every landmark of its class in its frame.

    Attributes:
        view: (P,) frame of the pair.
        landmark: (P, 3) map frame.
        seen_px: (P, 2).
        first: (K,) first pair of each observation.
        views: The frames.
    """

    view: Ints
    landmark: Array
    seen_px: Array
    first: Ints
    views: Sequence[View]

    @classmethod
    def of(cls, views: Sequence[View]) -> Candidates:
        """All of these frames; labels marked ``ignore`` take no part."""
        rows: list[tuple[Ints, Array, Array]] = []
        counts: list[Ints] = []
        for number, (frame, labels, seen) in enumerate(views):
            good = labels.select(~labels.ignore)
            same = seen.class_id[:, None] == good.class_id[None, :]
            which, label = np.nonzero(same)
            counts.append(same.sum(axis=1)[same.any(axis=1)])
            points = points_of(frame, good)[label]
            rows.append((np.full(len(label), number), points, seen.point_px[which]))
        if not rows:
            none = np.zeros(0, np.int64)
            return cls(none, np.zeros((0, 3)), np.zeros((0, 2)), none, views)
        view, landmark, pixels = (np.concatenate(column) for column in zip(*rows, strict=True))
        sizes = np.concatenate(counts)
        first = (np.cumsum(sizes) - sizes).astype(np.int64)
        return cls(view, landmark, pixels, first, views)

    def cost(self, poses: Sequence[Pose]) -> float:
        """Mean truncated distance in pixels with one pose a frame."""
        camera = self.views[0].frame.camera
        cameras = [
            (pose.map_from_base @ view.frame.base_from_camera).inverse()
            for pose, view in zip(poses, self.views, strict=True)
        ]
        rotation = np.array([one.rotation for one in cameras])[self.view]
        translation = np.array([one.translation for one in cameras])[self.view]
        local = np.einsum("pij,pj->pi", rotation, self.landmark) + translation
        pixels, _ = camera.project(local)
        apart = np.nan_to_num(np.linalg.norm(pixels - self.seen_px, axis=1), nan=GATE_PX)
        return float(np.minimum.reduceat(np.minimum(apart, GATE_PX), self.first).mean())


def points_of(frame: Frame, labels: Labels) -> Array:
    """Reference points (N, 3) of labels in the map: the ray through the pixel, the range long."""
    rays = frame.camera.unproject(labels.point_px)
    rays *= (labels.range_m / np.linalg.norm(rays, axis=1))[:, None]
    return frame.camera_from_map.inverse().apply(rays)


def covered(
    views: Sequence[View], trajectory: Trajectory, offsets_ns: Ints
) -> tuple[list[View], list[list[Pose]]]:
    """Frames with a pose at every offset (S,), and these S poses of each."""
    kept, poses = [], []
    for view in views:
        try:
            found = [trajectory.at(view.frame.stamp_ns + int(offset)) for offset in offsets_ns]
        except PoseError:
            continue
        kept.append(view)
        poses.append(found)
    return kept, poses


def lowest(offsets_ns: Ints, cost: Array) -> int:
    """The offset (ns) at which a parabola through the lowest three of the scan (S,) is lowest.

    Returns:
        0 where the scan is flat.

    Raises:
        InputError: The lowest is at an end of the scan.
    """
    best = int(np.argmin(cost))
    if max(cost[0], cost[-1]) - cost[best] < CLEAR_PX:
        return 0  # flat: what follows will say that nothing is to be seen
    if best in (0, len(cost) - 1):
        text = f"the landmarks fit best at {offsets_ns[best] / 1e6:+.0f} ms, the end of the search"
        raise InputError(
            f"the camera's time offset was not found: {text}. Are the stamps those of the "
            "exposure, and do the poses belong to this map?"
        )
    left, middle, right = cost[best - 1 : best + 2]
    bend = left - 2.0 * middle + right
    share = 0.5 * (left - right) / bend if bend > 0.0 else 0.0
    return int(offsets_ns[best]) + round(share * STEP_MS * 1e6)
