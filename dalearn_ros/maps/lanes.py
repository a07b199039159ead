"""Driving directions from the lanelets of a map: which way traffic meets a road marking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Array = npt.NDArray[np.float64]
STEP_M = 1.0
SEARCH_M = 6.0
NOT_FOR_VEHICLES = ("crosswalk", "walkway", "stairs", "bicycle_lane", "pedestrian_lane")


@dataclass(frozen=True)
class Lanes:
    """Centre lines of all lanes for vehicles, sampled every metre.

    Attributes:
        points_m: (S, 3) metres.
        directions: (S, 3) unit driving direction, horizontal.
        half_width_m: (S,) half of the lane's width there.
    """

    points_m: Array
    directions: Array
    half_width_m: Array
    _tree: Any = field(init=False, default=None, repr=False, compare=False)

    @classmethod
    def of(cls, bounds: list[tuple[Array, Array]]) -> Lanes:
        """From the (left, right) bounds (k, 3) of each lanelet, oriented as traffic flows."""
        parts = [sample_lane(left, right) for left, right in bounds]
        parts = [part for part in parts if len(part[0])]
        if not parts:
            return cls(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
        points, directions, widths = (np.concatenate(column) for column in zip(*parts, strict=True))
        return cls(points, directions, widths)

    def direction_for_line(self, line_m: Array) -> Array | None:
        """Direction (3,) in which traffic meets a line (k, 3) across the road, None if unknown.

        Among the lane samples beside the line, those whose direction crosses it most squarely and
        that are nearest to its middle count most.
        """
        middle, along = line_m[[0, -1]].mean(axis=0), line_m[-1] - line_m[0]
        length = float(np.linalg.norm(along[:2]))
        rows = self._rows_near(middle, max(SEARCH_M, 0.5 * length))
        if not len(rows) or length < 1e-6:
            return None
        unit, found = along / length, self.directions[rows]
        across = np.abs(found[:, 0] * unit[1] - found[:, 1] * unit[0])
        distance = np.linalg.norm(self.points_m[rows, :2] - middle[:2], axis=1)
        best = rows[int(np.argmax(across - 0.05 * distance))]
        return self.directions[best] if across.max() > 0.3 else None

    def direction_at(self, point_m: Array) -> Array | None:
        """Direction (3,) of the lane in which a point (3,) lies, None if it lies in none."""
        rows = self._rows_near(point_m, SEARCH_M)
        if not len(rows):
            return None
        distance = np.linalg.norm(self.points_m[rows, :2] - point_m[:2], axis=1)
        best = int(np.argmin(distance))
        inside = distance[best] < self.half_width_m[rows[best]] + 1.0
        return self.directions[rows[best]] if inside else None

    def directions_through(self, polygon_m: Array) -> list[Array]:
        """The one or two opposite directions (3,) in which traffic crosses a polygon (k, 3)."""
        middle = polygon_m.mean(axis=0)
        reach = float(np.linalg.norm(polygon_m[:, :2] - middle[:2], axis=1).max())
        rows = self._rows_near(middle, reach)
        inside = [row for row in rows if _contains(polygon_m[:, :2], self.points_m[row, :2])]
        if not inside:
            return []
        found = self.directions[inside]
        axis = found[0]
        groups = [found[found @ axis > 0.5], found[found @ axis < -0.5]]
        means = [group.mean(axis=0) for group in groups if len(group)]
        return [mean / np.linalg.norm(mean) for mean in means]

    def _rows_near(self, point_m: Array, radius_m: float) -> npt.NDArray[np.int64]:
        if not len(self.points_m):
            return np.zeros(0, np.int64)
        rows = self._tree.query_ball_point(point_m[:2], radius_m, return_sorted=True)
        return np.asarray(rows, dtype=np.int64)

    def __post_init__(self) -> None:
        if len(self.points_m):
            object.__setattr__(self, "_tree", cKDTree(self.points_m[:, :2]))


def orient(left: Array, right: Array) -> tuple[Array, Array]:
    """Bounds (k, 3) both running in the driving direction, with ``left`` on the left of it.

    Lanelet2 stores a bound that two lanes share once, so its order may be either way: the two are
    made parallel first, then turned so that the left one is on the left.
    """
    same = np.linalg.norm(left[0] - right[0]) + np.linalg.norm(left[-1] - right[-1])
    other = np.linalg.norm(left[0] - right[-1]) + np.linalg.norm(left[-1] - right[0])
    if other < same:
        right = right[::-1]
    ring = np.concatenate([right, left[::-1]])[:, :2]
    following = np.roll(ring, -1, axis=0)
    area = float(np.sum(ring[:, 0] * following[:, 1] - ring[:, 1] * following[:, 0]))
    return (left, right) if area >= 0.0 else (left[::-1], right[::-1])


def resample(line: Array, count: int) -> Array:
    """``count`` points (count, 3) at equal distances along a line (k, 3)."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, at[-1], count)
    return np.stack([np.interp(wanted, at, line[:, i]) for i in range(3)], axis=1)


def sample_lane(left: Array, right: Array) -> tuple[Array, Array, Array]:
    """Centre line (S, 3), unit driving direction (S, 3) and half width (S,) of a lane's bounds."""
    left, right = orient(left, right)
    length = float(np.linalg.norm(np.diff(left, axis=0), axis=1).sum())
    count = max(3, int(length / STEP_M) + 1)
    a, b = resample(left, count), resample(right, count)
    centre = (a + b) / 2.0
    direction = np.gradient(centre, axis=0)
    direction[:, 2] = 0.0
    size = np.linalg.norm(direction, axis=1)
    good = size > 1e-6
    half = np.linalg.norm(a - b, axis=1) / 2.0
    return centre[good], direction[good] / size[good, None], half[good]


def _contains(polygon: Array, point: Array) -> bool:
    x, y = polygon[:, 0], polygon[:, 1]
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    crosses = (y > point[1]) != (y2 > point[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x + (point[1] - y) * (x2 - x) / (y2 - y)
    return bool(np.count_nonzero(crosses & (point[0] < at)) % 2)
