"""How much later than their stamps a drive's images were taken, from what a detector saw in them.

First a scan: for each offset the landmarks are projected with the pose at stamp + offset, and each
observation counts with its distance to the nearest landmark of its class, at most ``GATE_PX``.
Then, at the best one, the joint estimate of :mod:`dalearn_ros.labels.offsets`, so that a camera
that sits further back or is turned is not taken for one that is late; it also says whether the
drive shows the offset at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from dalearn_ros.core.errors import InputError, PoseError
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.labels.offsets import (
    LEAST_LANDMARKS,
    LEAST_PAIRS,
    QUANTITIES,
    SIGNIFICANT,
    estimate_offsets,
    median_norm,
)
from dalearn_ros.labels.residuals import PairCollector, Pairs
from dalearn_ros.landmarks.types import Frame, Labels, Observations

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REACH_MS, STEP_MS = 200, 10
GATE_PX = 60.0
SPAN_NS = 50_000_000  # velocities come from the poses this far before and after
CLEAR_PX = 0.2  # by which the best of the scan must beat an end of it to be more than chance
TIME = next(i for i, quantity in enumerate(QUANTITIES) if quantity.name == "time_ms")
ADVICE = "Take a drive with turns, with braking and accelerating, past more landmarks."


class View(NamedTuple):
    """One frame: its labels with the pose at its stamp, and what the detector saw."""

    frame: Frame
    labels: Labels
    seen: Observations


@dataclass(frozen=True)
class TimeOffset:
    """The outcome.

    Attributes:
        offset_ns: How much later than their stamps the images were taken.
        sigma_ns: Its standard deviation, camera place and direction unknown too.
        frames: Frames that took part.
        pairs: Observations with their landmarks.
        before_px: Median distance between them without an offset.
        after_px: The same with it, place and direction of the camera as mounted.
        scan: (S, 2) offsets in seconds and the mean truncated distance in pixels at each.
    """

    offset_ns: int
    sigma_ns: int
    frames: int
    pairs: int
    before_px: float
    after_px: float
    scan: Array

    @property
    def significant(self) -> bool:
        """Over three sigma from zero, and the landmarks lie nearer with it than without."""
        certain = abs(self.offset_ns) > SIGNIFICANT * self.sigma_ns
        return certain and self.after_px < self.before_px


def estimate_time_offset(views: Sequence[View], trajectory: Trajectory) -> TimeOffset:
    """The offset of a drive's images, one camera.

    Args:
        views: Frames, each with labels made with the pose at its stamp; those marked ``ignore``
            take no part.
        trajectory: The poses.

    Raises:
        InputError: The drive does not show the offset: too few observations near landmarks, a
            vehicle that stands or drives straight at constant speed, or an offset beyond 0.2 s.
    """
    offsets_ns = np.arange(-REACH_MS, REACH_MS + 1, STEP_MS, dtype=np.int64) * 1_000_000
    kept, poses = _covered(views, trajectory, offsets_ns)
    candidates = _Candidates.of(kept)
    if len(candidates.first) < LEAST_PAIRS:
        _refuse(f"{len(candidates.first)} observations have a landmark of their class in view")
    cost = np.array([candidates.cost(column) for column in zip(*poses, strict=True)])
    start_ns = _lowest(offsets_ns, cost)
    pairs = _pairs(kept, trajectory, start_ns)
    found = None if pairs is None else estimate_offsets(pairs)
    if pairs is None or found is None:
        least = f"{LEAST_PAIRS} pairs of {LEAST_LANDMARKS} landmarks are needed"
        _refuse(f"{0 if pairs is None else len(pairs)} observations lie near a landmark; {least}")
    if not found.observable[TIME]:
        _refuse(_why(pairs, 1e3 * float(found.sigma[TIME])))
    more_s = float(found.shift[TIME])
    shift = np.zeros((2, 6))
    shift[:, TIME] = -start_ns * 1e-9, more_s
    before, after = (median_norm(pairs.residual_px(one)) for one in shift)
    return TimeOffset(
        offset_ns=start_ns + round(more_s * 1e9),
        sigma_ns=round(float(found.sigma[TIME]) * 1e9),
        frames=len(kept),
        pairs=len(pairs),
        before_px=before,
        after_px=after,
        scan=np.stack([offsets_ns * 1e-9, cost], axis=1),
    )


@dataclass(frozen=True)
class _Candidates:
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
    def of(cls, views: Sequence[View]) -> _Candidates:
        rows: list[tuple[Ints, Array, Array]] = []
        counts: list[Ints] = []
        for number, (frame, labels, seen) in enumerate(views):
            good = labels.select(~labels.ignore)
            same = seen.class_id[:, None] == good.class_id[None, :]
            which, label = np.nonzero(same)
            counts.append(same.sum(axis=1)[same.any(axis=1)])
            points = _points(frame, good)[label]
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


def _points(frame: Frame, labels: Labels) -> Array:
    """Reference points (N, 3) of labels in the map: the ray through the pixel, the range long."""
    rays = frame.camera.unproject(labels.point_px)
    rays *= (labels.range_m / np.linalg.norm(rays, axis=1))[:, None]
    return frame.camera_from_map.inverse().apply(rays)


def _covered(
    views: Sequence[View], trajectory: Trajectory, offsets_ns: Ints
) -> tuple[list[View], list[list[Pose]]]:
    """Frames with a pose at every offset, and these poses."""
    kept, poses = [], []
    for view in views:
        try:
            found = [trajectory.at(view.frame.stamp_ns + int(offset)) for offset in offsets_ns]
        except PoseError:
            continue
        kept.append(view)
        poses.append(found)
    return kept, poses


def _lowest(offsets_ns: Ints, cost: Array) -> int:
    """The offset at which a parabola through the lowest three of the scan is lowest."""
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


def _pairs(views: Sequence[View], trajectory: Trajectory, offset_ns: int) -> Pairs | None:
    """Observations with their landmarks, the poses taken at stamp + offset."""
    collector = PairCollector()
    twists = []
    for frame, labels, seen in views:
        when = frame.stamp_ns + offset_ns
        try:
            placed = dataclasses.replace(frame, pose=trajectory.at(when))
            twist = _twist(trajectory, when)
        except PoseError:
            continue
        good = labels.select(~labels.ignore)
        local = placed.camera_from_map.apply(_points(frame, good))
        pixels, valid = frame.camera.project(local)
        distance = np.linalg.norm(local, axis=1)
        moved = dataclasses.replace(good, point_px=pixels, range_m=distance)
        collector.add(placed, moved.select(valid), seen)
        twists.append(twist)
    pairs = collector.pairs()
    return None if pairs is None else dataclasses.replace(pairs, twist=np.array(twists))


def _twist(trajectory: Trajectory, stamp_ns: int) -> Array:
    """Velocity (6,) along the map's axes, m/s and rad/s."""
    before, after = (trajectory.at(stamp_ns + sign * SPAN_NS).map_from_base for sign in (-1, 1))
    turned = Rotation.from_matrix(after.rotation @ before.rotation.T).as_rotvec()
    twist: Array = np.concatenate([after.translation - before.translation, turned])
    return twist / (2e-9 * SPAN_NS)


def _why(pairs: Pairs, sigma_ms: float) -> str:
    """Why the drive does not show the offset."""
    speed = np.linalg.norm(pairs.twist[pairs.frame, :3], axis=1)
    if np.median(speed) < 0.5:
        return "the vehicle hardly moves where it sees landmarks"
    return (
        f"it is known to {sigma_ms:.0f} ms only, because at a steady speed a late camera looks "
        "like one that sits further back, or because too few landmarks are seen"
    )


def _refuse(why: str) -> NoReturn:
    raise InputError(f"the camera's time offset is not observable on this drive: {why}. {ADVICE}")
