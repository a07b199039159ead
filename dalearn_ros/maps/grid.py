"""Points sorted by the square cell they lie in: what is near is found without looking at the rest.

A sorted grid instead of a tree: one argsort to build, a few bytes a point to keep, and a query that
costs what it finds. A query names an interval of x for each strip of cells; the cells of a strip
stand next to each other in the order, so each strip is one slice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CELL_M = 16.0
PAD_M = 1e-3  # intervals are widened by this, so that rounding leaves nothing out


@dataclass(frozen=True)
class SortedGrid:
    """N points in the plane, sorted by cell.

    Attributes:
        order: (N,) rows of the points, those of one cell next to each other; points that are not
            finite are left out.
        cells: (C,) numbers of the cells that hold a point, ascending, strip after strip.
        starts: (C + 1,) where each of these cells begins in ``order``, and N at the end.
        corner_m: (2,) south-west corner of the grid.
        columns: Cells in a strip.
        strips: Strips, from south to north.
    """

    order: npt.NDArray[np.integer]
    cells: Ints
    starts: npt.NDArray[np.integer]
    corner_m: Array
    columns: int
    strips: int

    @classmethod
    def of(cls, points_m: npt.ArrayLike) -> SortedGrid:
        """Sort points (N, 2 or 3) in metres; the height plays no part."""
        points = np.asarray(points_m)
        finite = np.isfinite(points[:, 0]) & np.isfinite(points[:, 1])
        rows = None if finite.all() else np.flatnonzero(finite)
        x, y = (points[:, i] if rows is None else points[rows, i] for i in (0, 1))
        if not len(x):
            nothing = np.zeros(0, np.int64)
            return cls(nothing, nothing, np.zeros(1, np.int64), np.zeros(2), 1, 0)
        corner = np.array([x.min(), y.min()], dtype=np.float64)
        columns = int((x.max() - corner[0]) / CELL_M) + 1
        strips = int((y.max() - corner[1]) / CELL_M) + 1
        keys = _cell(y, corner[1]) * columns + _cell(x, corner[0])
        small = np.dtype(np.int32 if len(points) < 2**31 else np.int64)
        order: npt.NDArray[np.integer] = np.argsort(keys).astype(small)
        keys = keys[order]
        first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        starts = np.append(first, len(keys)).astype(small)
        order = order if rows is None else rows[order]
        return cls(order, keys[first], starts, corner, columns, strips)

    @property
    def nbytes(self) -> int:
        """Memory of the index in bytes."""
        return int(self.order.nbytes + self.cells.nbytes + self.starts.nbytes)

    def near(self, centre_m: npt.ArrayLike, radius_m: float) -> Ints:
        """Rows (K,) in the cells that a circle touches: those inside it and some beside it."""
        centre = np.asarray(centre_m, dtype=np.float64).ravel()[:2]
        strips, low, high = self._strips(centre[1] - radius_m, centre[1] + radius_m)
        return self._rows(strips, *_circle(centre, radius_m, low, high))

    def in_hull(self, corners_m: Array, centre_m: npt.ArrayLike, radius_m: float) -> Ints:
        """Rows (K,) in the cells that touch both a circle and the convex hull of (k, 2) corners."""
        centre = np.asarray(centre_m, dtype=np.float64).ravel()[:2]
        south = max(float(corners_m[:, 1].min()), float(centre[1]) - radius_m)
        north = min(float(corners_m[:, 1].max()), float(centre[1]) + radius_m)
        strips, low, high = self._strips(south, north)
        west, east = _circle(centre, radius_m, low, high)
        hull_west, hull_east = _hull(corners_m, low, high)
        return self._rows(strips, np.maximum(west, hull_west), np.minimum(east, hull_east))

    def _strips(self, south_m: float, north_m: float) -> tuple[Ints, Array, Array]:
        """Strips that an interval of y touches, and the southern and northern edge of each."""
        limits = np.array([south_m - PAD_M, north_m + PAD_M]) - self.corner_m[1]
        first, last = np.clip(np.floor(limits / CELL_M), -1, self.strips).astype(np.int64)
        strips = np.arange(max(first, 0), min(last, self.strips - 1) + 1)
        low = strips * CELL_M + self.corner_m[1]
        return strips, low - PAD_M, low + CELL_M + PAD_M

    def _rows(self, strips: Ints, west_m: Array, east_m: Array) -> Ints:
        """Rows of the cells between two x in each strip; none where west lies beyond east."""
        with np.errstate(invalid="ignore"):
            limits = (np.stack([west_m - PAD_M, east_m + PAD_M]) - self.corner_m[0]) / CELL_M
            keep = (west_m <= east_m) & (limits[1] >= 0.0) & (limits[0] < self.columns)
        first, last = np.clip(np.floor(limits[:, keep]), 0, self.columns - 1).astype(np.int64)
        base = strips[keep] * self.columns
        begin = self.starts[np.searchsorted(self.cells, base + first, side="left")]
        end = self.starts[np.searchsorted(self.cells, base + last, side="right")]
        counts = (end - begin).astype(np.int64)
        skipped = begin - np.cumsum(counts) + counts
        at = np.arange(int(counts.sum())) + np.repeat(skipped, counts)
        found: Ints = self.order[at].astype(np.int64)
        return found


def _cell(values: npt.NDArray[np.floating], corner: float) -> Ints:
    """Number (N,) of the cell along one axis."""
    numbers: Ints = np.floor((values - corner) / CELL_M).astype(np.int64)
    return numbers


def _circle(centre: Array, radius_m: float, low: Array, high: Array) -> tuple[Array, Array]:
    """Least and greatest x of a circle in each strip of y; inf and -inf where it does not reach."""
    away = np.maximum(np.maximum(low - centre[1], centre[1] - high), 0.0)
    inside = away <= radius_m
    half = np.sqrt(np.maximum(radius_m**2 - away**2, 0.0))
    return np.where(inside, centre[0] - half, np.inf), np.where(inside, centre[0] + half, -np.inf)


def _hull(corners_m: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Least and greatest x of the convex hull of (k, 2) corners in each strip of y.

    The hull's edges are among the segments between all pairs of corners, and no segment leaves the
    hull: the extremes over all segments are those of the hull.
    """
    i, j = np.triu_indices(len(corners_m), 1)
    a, b = corners_m[i], corners_m[j]
    a, b = (np.where((a[:, 1:] <= b[:, 1:]) == first, a, b) for first in (True, False))
    rise, run = b[:, 1:] - a[:, 1:], b[:, :1] - a[:, :1]
    bottom, top = np.maximum(a[:, 1:], low), np.minimum(b[:, 1:], high)  # (segments, strips)
    slope = np.divide(run, rise, out=np.zeros_like(run), where=rise > 0.0)
    ends = np.stack([a[:, :1] + (bottom - a[:, 1:]) * slope, a[:, :1] + (top - a[:, 1:]) * slope])
    ends[1] = np.where(rise > 0.0, ends[1], b[:, :1])
    crossing = bottom <= top
    west = np.where(crossing, ends.min(axis=0), np.inf).min(axis=0)
    east = np.where(crossing, ends.max(axis=0), -np.inf).max(axis=0)
    return west, east
