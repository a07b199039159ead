"""Where landmarks were seen against where their labels stand: pairs over a whole drive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Frame, Labels, Observations

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

GATE_PX = 40.0  # a label and an observation further apart are not compared
AMBIGUITY = 1.5  # ... and none where a second one is nearer than this many times the distance
TWIST_SPAN_S = 0.25  # velocities are taken from the poses this far before and after
TWIST_MOST_S = 1.0


@dataclass(frozen=True)
class Pairs:
    """M observations with their landmarks, and how the camera moved. One camera.

    Attributes:
        camera: Intrinsics.
        base_from_camera: Mounting that the labels were made with.
        frame: (M,) frame of each pair.
        map_id: (M,) landmark of each pair.
        class_id: (M,) its class.
        point_m: (M, 3) its reference point, map frame.
        seen_px: (M, 2) where the detector saw it.
        rotation: (F, 3, 3) map from base, one a frame.
        position_m: (F, 3) of ``base_link``, map frame.
        twist: (F, 6) velocity m/s and angular velocity rad/s along the map's axes; NaN where the
            neighbouring poses do not say.
    """

    camera: Camera
    base_from_camera: Transform
    frame: Ints
    map_id: npt.NDArray[np.str_]
    class_id: Ints
    point_m: Array
    seen_px: Array
    rotation: Array
    position_m: Array
    twist: Array

    def __len__(self) -> int:
        return len(self.frame)

    def select(self, rows: npt.ArrayLike) -> Pairs:
        """The pairs of a mask (M,) or of indices; the frames stay."""
        chosen = np.asarray(rows)
        names = ("frame", "map_id", "class_id", "point_m", "seen_px")
        columns = {name: getattr(self, name)[chosen] for name in names}
        shared = ("camera", "base_from_camera", "rotation", "position_m", "twist")
        return Pairs(**columns, **{name: getattr(self, name) for name in shared})

    def residual_px(self, shift: npt.ArrayLike = (0.0,) * 6) -> Array:
        """Seen minus projected (M, 2), pixels, after a correction; NaN behind the camera.

        Args:
            shift: (6,) seconds by which the images are later than their stamps; metres by which
                the camera sits further forward, left and up than its mounting says; radians by
                which it is turned further about the vehicle's y (pitch, nose down) and z (yaw,
                left) axes.
        """
        time_s, forward, left, up, pitch, yaw = np.asarray(shift, dtype=np.float64)
        twist = np.nan_to_num(self.twist) * time_s
        turn = np.einsum(
            "fij,fjk->fik", Rotation.from_rotvec(twist[:, 3:]).as_matrix(), self.rotation
        )
        away = self.point_m - (self.position_m + twist[:, :3])[self.frame]
        in_base = np.einsum("mji,mj->mi", turn[self.frame], away)
        mounted = (
            Rotation.from_rotvec([0.0, pitch, yaw]).as_matrix() @ self.base_from_camera.rotation
        )
        lever = in_base - (self.base_from_camera.translation + np.array([forward, left, up]))
        projected, _ = self.camera.project(lever @ mounted)
        residual: Array = self.seen_px - projected
        return residual


@dataclass
class PairCollector:
    """Gathers, frame by frame, which observation belongs to which label. One camera.

    Attributes:
        gate_px: Largest distance of a pair, pixels.
        labels: Labels that could have been seen.
        observations: Observations of all frames.
    """

    gate_px: float = GATE_PX
    labels: int = 0
    observations: int = 0
    _frames: list[tuple[int, Transform]] = field(default_factory=list)
    _rows: list[tuple[Ints, npt.NDArray[np.str_], Ints, Array, Array]] = field(default_factory=list)
    _view: tuple[Camera, Transform] | None = None

    def add(self, frame: Frame, labels: Labels, seen: Observations) -> None:
        """Add one frame with a pose; its labels marked `ignore` take no part.

        The landmark's place follows from its label: the ray through its pixel, its range long.
        (Under a rolling shutter that is where a camera that reads all rows at the stamp would have
        to find it for the same pixel, so that residuals are those of the labels.)
        """
        assert frame.pose is not None
        if self._view is None:
            self._view = frame.camera, frame.base_from_camera
        number = len(self._frames)
        self._frames.append((frame.stamp_ns, frame.pose.map_from_base))
        good = labels.select(~labels.ignore)
        self.labels += len(good)
        self.observations += len(seen)
        label, found = match_nearest(good, seen, self.gate_px)
        if not len(label):
            return
        rays = frame.camera.unproject(good.point_px[label])
        rays *= (good.range_m[label] / np.linalg.norm(rays, axis=1))[:, None]
        points = frame.camera_from_map.inverse().apply(rays)
        which = np.full(len(label), number, dtype=np.int64)
        row = which, good.map_id[label], good.class_id[label], points, seen.point_px[found]
        self._rows.append(row)

    def pairs(self) -> Pairs | None:
        """All pairs of the drive; None if there is none."""
        if self._view is None or not self._rows:
            return None
        frame, names, classes, points, seen = (
            np.concatenate(column) for column in zip(*self._rows, strict=True)
        )
        stamps = np.array([stamp for stamp, _ in self._frames], dtype=np.int64)
        rotation = np.array([pose.rotation for _, pose in self._frames])
        position = np.array([pose.translation for _, pose in self._frames])
        twist = twists(stamps, rotation, position)
        return Pairs(*self._view, frame, names, classes, points, seen, rotation, position, twist)


def match_nearest(labels: Labels, seen: Observations, gate_px: float) -> tuple[Ints, Ints]:
    """Rows of labels and of observations that are each other's nearest of their class.

    Where a second one of the class is nearly as near, the pair is left out: a wrong pair is worse
    than none.

    Args:
        labels: N labels.
        seen: K observations, in the same pixels.
        gate_px: Largest distance, pixels.
    """
    if not len(labels) or not len(seen):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    apart = np.linalg.norm(labels.point_px[:, None] - seen.point_px[None], axis=2)
    apart[labels.class_id[:, None] != seen.class_id[None]] = np.inf
    nearest = np.argmin(apart, axis=1)
    rows = np.arange(len(labels))
    best = apart[rows, nearest]
    mutual = (np.argmin(apart, axis=0)[nearest] == rows) & (best <= gate_px)
    apart[rows, nearest] = np.inf
    second = np.minimum(apart.min(axis=1), apart[:, nearest].min(axis=0))
    kept = np.flatnonzero(mutual & (second > AMBIGUITY * best))
    return kept.astype(np.int64), nearest[kept].astype(np.int64)


def twists(stamps_ns: Ints, rotation: Array, position_m: Array) -> Array:
    """Velocities (F, 6) along the map's axes from poses a quarter of a second before and after.

    Where those are over a second apart, from the one before or else the one after.

    Args:
        stamps_ns: (F,) in any order.
        rotation: (F, 3, 3) map from base.
        position_m: (F, 3) metres.

    Returns:
        m/s and rad/s; NaN where there is no other pose within a second.
    """
    order = np.argsort(stamps_ns, kind="stable")
    times = (stamps_ns[order] - stamps_ns[order[0]]) * 1e-9
    last = len(times) - 1
    before = np.searchsorted(times, times - TWIST_SPAN_S - 1e-6)
    after = np.searchsorted(times, times + TWIST_SPAN_S + 1e-6, side="right") - 1
    before = np.minimum(before, np.maximum(np.arange(last + 1) - 1, 0))
    after = np.maximum(after, np.minimum(np.arange(last + 1) + 1, last))
    before, after = _one_sided(times, before, after)
    span = times[after] - times[before]
    known = (span > 1e-3) & (span <= TWIST_MOST_S)
    span = np.where(known, span, np.nan)[:, None]
    first, second = order[before], order[after]
    velocity = (position_m[second] - position_m[first]) / span
    turned = rotation[second] @ np.swapaxes(rotation[first], 1, 2)
    result = np.full((len(times), 6), np.nan)
    result[order] = np.concatenate(
        [velocity, Rotation.from_matrix(turned).as_rotvec() / span], axis=1
    )
    return result


def _one_sided(times: Array, before: Ints, after: Ints) -> tuple[Ints, Ints]:
    """The two rows of each frame, narrowed to the frame itself and a neighbour if too far apart."""
    here = np.arange(len(times))
    wide = times[after] - times[before] > TWIST_MOST_S
    back = wide & (times - times[np.maximum(here - 1, 0)] <= TWIST_MOST_S) & (here > 0)
    forward = wide & ~back
    last = np.minimum(here + 1, len(times) - 1)
    return (
        np.where(back, here - 1, np.where(forward, here, before)),
        np.where(back, here, np.where(forward, last, after)),
    )


def landmark_rows(
    pairs: Pairs, before_px: Array, after_px: Array
) -> Iterator[dict[str, str | int | float]]:
    """One row a landmark, the worst first: how far it is seen from its label, in the median.

    Args:
        pairs: Of a drive.
        before_px: (M, 2) residuals.
        after_px: (M, 2) residuals after the suggested corrections.
    """
    names, which = np.unique(pairs.map_id, return_inverse=True)
    order = np.argsort(which, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(which, minlength=len(names)))[:-1])
    middle = np.array([np.median(after_px[g], axis=0) for g in groups])
    for i in np.argsort(-np.linalg.norm(middle, axis=1), kind="stable"):
        rows = groups[i]
        u, v = np.median(before_px[rows], axis=0)
        yield {
            "map_id": str(names[i]),
            "class_id": int(pairs.class_id[rows[0]]),
            "seen": len(rows),
            "right_px": float(u),
            "down_px": float(v),
            "right_after_px": float(middle[i, 0]),
            "down_after_px": float(middle[i, 1]),
        }
