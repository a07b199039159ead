"""How much later than their stamps a drive's images were taken, from what a detector saw in them.

First a scan (:mod:`dalearn_ros.labels.time_scan`): for each offset the landmarks are projected with
the pose at stamp + offset, and each observation counts with its distance to the nearest landmark of
its class, at most 60 px.
Then, at the best one, the joint estimate of :mod:`dalearn_ros.labels.offsets`, so that a camera
that sits further back or is turned is not taken for one that is late; it also says whether the
drive shows the offset at all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from dalearn_ros.core.errors import InputError, PoseError
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
from dalearn_ros.labels.time_scan import STEP_MS, Candidates, View, covered, lowest, points_of

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

REACH_MS = 200
SPAN_NS = 50_000_000  # velocities come from the poses this far before and after
TIME = next(i for i, quantity in enumerate(QUANTITIES) if quantity.name == "time_ms")
ADVICE = "Take a drive with turns, with braking and accelerating, past more landmarks."


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
    kept, poses = covered(views, trajectory, offsets_ns)
    candidates = Candidates.of(kept)
    if len(candidates.first) < LEAST_PAIRS:
        _refuse(f"{len(candidates.first)} observations have a landmark of their class in view")
    cost = np.array([candidates.cost(column) for column in zip(*poses, strict=True)])
    start_ns = lowest(offsets_ns, cost)
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
        local = placed.camera_from_map.apply(points_of(frame, good))
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
