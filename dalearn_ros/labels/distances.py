"""True distances in one image, from map and pose for free, and from what a drive measured.

What the map and the drive give: places inside the outlines of landmarks that are seen, and the
road under the vehicle's own path, for ``base_link`` lies on the ground (REP 105). What sensors
give: LiDAR returns, and a depth image (REP 118) taken at a grid of pixels.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.rolling_shutter import project_rolling
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.types import DISTANCE_KINDS, Distances, Frame, Labels

Array = npt.NDArray[np.float64]

LEAST_M, GREATEST_M = 1.0, 120.0
ROAD_STEP_M = 1.0
ROAD_BESIDE_M = (-1.2, 0.0, 1.2)  # half the width of what a car has driven over, and its middle
DEPTH_STEP_PX = 8
MOST_RETURNS = 6000  # of one LiDAR cloud
LIDAR_CELL_PX = 8.0
LIDAR_SLACK = 0.15  # a return this much (as a share) behind the nearest one beside it may be hidden
MILLIMETRES = 1000.0  # a depth image in metres has no such median


def road_of(trajectory: Trajectory, flat: bool = False) -> Array:
    """Places of the road that the vehicle drove over.

    Args:
        trajectory: Of ``base_link``, map frame.
        flat: The frames are levelled (:func:`labels.heights.level`): the road is at height zero.

    Returns:
        (S, 3) map frame, metres.
    """
    good = np.isfinite(trajectory.positions).all(axis=1)
    good &= np.linalg.norm(trajectory.quaternions, axis=1) > 1e-6
    positions, turned = trajectory.positions[good], trajectory.quaternions[good]
    if not len(positions):
        return np.zeros((0, 3))
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    rows = np.unique(np.searchsorted(along, np.arange(0.0, along[-1] + 1e-9, ROAD_STEP_M)))
    kept = [Transform.from_quaternion(turned[row], positions[row]) for row in rows.tolist()]
    beside = np.array([[0.0, offset, 0.0] for offset in ROAD_BESIDE_M])
    road = np.concatenate([pose.apply(beside) for pose in kept])
    return road * [1.0, 1.0, 0.0] if flat else road


class DistanceFinder:
    """Collects the true distances of a drive's frames.

    Attributes:
        counts: Places kept by kind, and under ``left out: ...`` those that were not: ``hidden``,
            ``hole`` (no measurement: 0, NaN or infinite), ``range`` (nearer than 1 m or farther
            than 120 m); ``unit`` counts depth images whose values cannot be metres.
    """

    def __init__(self, labeller: Labeller, road_m: Array, sensors: bool) -> None:
        """Prepare.

        Args:
            labeller: Of the drive's map.
            road_m: (S, 3) as :func:`road_of` gives it.
            sensors: Take LiDAR and depth image, too.
        """
        self.labeller, self.road_m, self.sensors = labeller, road_m, sensors
        self.counts: Counter[str] = Counter()
        self._row = {str(name): row for row, name in enumerate(labeller.map.ids)}

    def of(self, frame: Frame, labels: Labels, cloud_m: Array | None) -> Distances:
        """The distances of one frame.

        Args:
            frame: With a pose.
            labels: Its labels.
            cloud_m: LiDAR returns (P, 3) in the optical frame, or None.
        """
        parts = [self._landmarks(frame, labels, cloud_m), self._road(frame, cloud_m)]
        if self.sensors and cloud_m is not None:
            parts.append(self._returns(frame, cloud_m))
        if self.sensors and frame.depth_m is not None:
            parts.append(self._depth_image(frame.depth_m))
        return Distances.joined(parts)

    def _landmarks(self, frame: Frame, labels: Labels, cloud_m: Array | None) -> Distances:
        names = [str(name) for name in labels.map_id[~labels.ignore]]
        samples = [self.labeller.samples_of(self._row[name]) for name in names if name in self._row]
        if not samples:
            return Distances.empty()
        return self._seen(frame, np.concatenate(samples), cloud_m, "landmark")

    def _road(self, frame: Frame, cloud_m: Array | None) -> Distances:
        eye = frame.camera_from_map.inverse().translation
        away = np.linalg.norm(self.road_m[:, :2] - eye[:2], axis=1)
        return self._seen(frame, self.road_m[away < GREATEST_M], cloud_m, "road")

    def _seen(self, frame: Frame, points_m: Array, cloud_m: Array | None, kind: str) -> Distances:
        pixels, depth_m, inside, hidden = self.labeller.look_at(frame, points_m, cloud_m)
        self.counts["left out: hidden"] += int(hidden.sum())
        seen = inside & ~hidden
        return self._kept(pixels[seen], depth_m[seen], kind)

    def _returns(self, frame: Frame, cloud_m: Array) -> Distances:
        pixels, valid, local = project_rolling(frame.camera, cloud_m, frame.rows)
        valid &= frame.camera.inside(pixels)
        pixels, depth_m = pixels[valid], local[valid, 2]
        front = nearest_of_cell(pixels, depth_m, LIDAR_CELL_PX)
        seen = depth_m <= front * (1.0 + LIDAR_SLACK)
        self.counts["left out: hidden"] += int((~seen).sum())
        step = max(1, int(seen.sum()) // MOST_RETURNS)
        return self._kept(pixels[seen][::step], depth_m[seen][::step], "lidar")

    def _depth_image(self, depth_m: npt.NDArray[np.float32]) -> Distances:
        middle = DEPTH_STEP_PX // 2
        values = depth_m[middle::DEPTH_STEP_PX, middle::DEPTH_STEP_PX].astype(np.float64)
        grid = np.indices(values.shape) * DEPTH_STEP_PX + middle  # rows, then columns
        measured = np.isfinite(values) & (values > 0.0)
        if measured.any() and float(np.median(values[measured])) > MILLIMETRES:
            self.counts["left out: unit"] += 1
            return Distances.empty()
        self.counts["left out: hole"] += int((~measured).sum())
        pixels = np.stack([grid[1][measured], grid[0][measured]], axis=1).astype(np.float64)
        return self._kept(pixels, values[measured], "depth")

    def _kept(self, pixels: Array, depth_m: Array, kind: str) -> Distances:
        good = (depth_m >= LEAST_M) & (depth_m <= GREATEST_M)
        self.counts["left out: range"] += int((~good).sum())
        self.counts[kind] += int(good.sum())
        number = np.full(int(good.sum()), DISTANCE_KINDS.index(kind), np.uint8)
        return Distances(pixels[good], depth_m[good], number)


def nearest_of_cell(pixels: Array, depth_m: Array, cell_px: float) -> Array:
    """(n,) the least depth among the places (n, 2) that share a square cell of the image."""
    cells = np.floor((pixels + 0.5) / cell_px).astype(np.int64)
    group: npt.NDArray[np.intp]
    _, group = np.unique(cells, axis=0, return_inverse=True)
    group = np.asarray(group, np.intp).reshape(-1)
    least: Array = np.full(int(group.max(initial=-1)) + 1, np.inf)
    np.minimum.at(least, group, depth_m)
    return np.asarray(least.take(group))
