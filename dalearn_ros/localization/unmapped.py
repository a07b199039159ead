"""What is seen and stands in no map: rays that several poses agree on become points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.localization.bearings import (
    GATE,
    MOST_VIEWS,
    Bearings,
    PointFit,
    fit_point,
    meeting_points,
    parallax,
)
from dalearn_ros.localization.pairing import nearest_first

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_RAYS = 400  # that wait for a point, all classes together
MOST_POINTS = 500
LEAST_VIEWS = 4
LEAST_PARALLAX_RAD = float(np.radians(4.0))
MOST_SIGMA_M = 1.0
REACH_M = 120.0
BASELINE_M = 1.0


@dataclass
class UnmappedPoint:
    """A point that rays of several poses meet in.

    Attributes:
        number: Its name: how many were found before it.
        class_id: Its class.
        point_m: (3,) map frame.
        covariance_m2: (3, 3).
        bearings: The latest rays that it rests on.
        parallax_rad: Largest angle between two of them.
        views: How often it was seen, from places 2 m apart or more.
        way_m: Distance between the first and the last of them.
        passes: How often the vehicle came by.
        last_ns: When it was last seen.
    """

    number: int
    class_id: int
    point_m: Array
    covariance_m2: Array
    bearings: Bearings
    parallax_rad: float
    views: int
    way_m: float
    passes: int
    last_ns: int


class Unmapped:
    """Gathers rays that no landmark explains and finds the points where they meet.

    A ray is joined to a point it fits; else it is crossed with each waiting ray of its class (a
    RANSAC over pairs), and the crossing that most others pass through becomes a point, if at least
    four poses see it under at least 4 degrees. Both lists are bounded, the oldest go first.

    Args:
        gap_s: A point that was not seen for this long is in a new pass.
    """

    def __init__(self, gap_s: float) -> None:
        self.points: list[UnmappedPoint] = []
        self._found = 0
        self._gap_ns = gap_s * 1e9
        self._rays = Bearings.none()
        self._class = np.zeros(0, np.int64)
        self._stamp = np.zeros(0, np.int64)

    def __len__(self) -> int:
        """Rays that wait."""
        return len(self._rays)

    def add(self, class_id: Ints, rays: Bearings, stamp_ns: int) -> None:
        """Add what one image shows and no landmark explains.

        Args:
            class_id: (N,).
            rays: N.
            stamp_ns: Of the image.
        """
        free = np.ones(len(rays), dtype=bool)
        for ray, point in self._joined(class_id, rays):
            self._join(self.points[point], rays.select([ray]), stamp_ns)
            free[ray] = False
        for ray in np.flatnonzero(free):
            self._seed(int(class_id[ray]), rays.select([ray]), stamp_ns)

    def _joined(self, class_id: Ints, rays: Bearings) -> Ints:
        """Pairs (K, 2) of a ray and a point it fits, each taken once, the likeliest first."""
        cost = np.full((len(rays), len(self.points)), np.inf)
        if not len(rays):
            return nearest_first(cost)
        eye = rays.origin_m[0]
        for column, point in enumerate(self.points):
            same = np.flatnonzero(class_id == point.class_id)
            if not len(same) or np.linalg.norm(point.point_m - eye) > REACH_M:
                continue
            widened = rays.rows[same].copy()
            widened[:, 15:24] += point.covariance_m2.ravel()
            distance2 = Bearings(widened).distance2(point.point_m)
            cost[same, column] = np.where(distance2 <= GATE, distance2, np.inf)
        return nearest_first(cost)

    def _join(self, point: UnmappedPoint, ray: Bearings, stamp_ns: int) -> None:
        new_pass = stamp_ns - point.last_ns > self._gap_ns
        point.last_ns = stamp_ns
        moved = float(np.linalg.norm(point.bearings.origin_m[-1] - ray.origin_m[0]))
        more = point.bearings.with_view(ray)
        if more is point.bearings:
            return
        point.bearings = more
        fit = fit_point(point.bearings, point.point_m)
        if fit.inliers.sum() >= LEAST_VIEWS:
            point.point_m, point.covariance_m2 = fit.point_m, fit.covariance_m2
            point.parallax_rad = max(point.parallax_rad, fit.parallax_rad)
        point.views += 1
        point.way_m += 0.0 if new_pass else moved
        point.passes += int(new_pass)

    def _seed(self, class_id: int, ray: Bearings, stamp_ns: int) -> None:
        """Look for a point through this ray; else the ray waits."""
        same = np.flatnonzero((self._class == class_id) & (self._stamp != stamp_ns))
        far = np.linalg.norm(self._rays.origin_m[same] - ray.origin_m[0], axis=1)
        same = same[(far > BASELINE_M) & (far < REACH_M)]
        found = self._crossing(ray, self._rays.select(same), self._stamp[same])
        if found is None:
            self._wait(class_id, ray, stamp_ns)
            return
        point, support = found
        rays = Bearings(np.concatenate([self._rays.rows[same[support]], ray.rows]))
        fit = fit_point(rays, point)
        stamps = np.append(self._stamp[same[support]], stamp_ns)[fit.inliers]
        views = len(np.unique(stamps))
        sharp = fit.parallax_rad >= LEAST_PARALLAX_RAD and fit.sigma_m <= MOST_SIGMA_M
        if views < LEAST_VIEWS or not sharp:
            self._wait(class_id, ray, stamp_ns)
            return
        self._keep(class_id, fit, rays.select(fit.inliers), stamps)
        self._drop(same[support][fit.inliers[:-1]])

    def _keep(self, class_id: int, fit: PointFit, rays: Bearings, stamps: Ints) -> None:
        """A new point; its rays in the order of their stamps (the last is the newest)."""
        gaps = np.diff(stamps) > self._gap_ns
        steps = np.linalg.norm(np.diff(rays.origin_m, axis=0), axis=1)
        point = UnmappedPoint(
            number=self._found,
            class_id=class_id,
            point_m=fit.point_m,
            covariance_m2=fit.covariance_m2,
            bearings=Bearings(rays.rows[-MOST_VIEWS:]),
            parallax_rad=fit.parallax_rad,
            views=len(np.unique(stamps)),
            way_m=float(steps[~gaps].sum()),
            passes=1 + int(gaps.sum()),
            last_ns=int(stamps[-1]),
        )
        self._found += 1
        self.points = sorted([*self.points, point], key=lambda one: one.last_ns)[-MOST_POINTS:]

    def _crossing(
        self, ray: Bearings, others: Bearings, stamps: Ints
    ) -> tuple[Array, npt.NDArray[np.bool_]] | None:
        """The crossing with one of the others that most of them pass through, and which do."""
        if len(others) < LEAST_VIEWS - 1:
            return None
        points, usable = meeting_points(ray, others)
        usable &= np.linalg.norm(points - ray.origin_m[0], axis=1) < REACH_M
        best: tuple[Array, npt.NDArray[np.bool_]] | None = None
        most = LEAST_VIEWS - 2
        for candidate in points[usable & (ray_distance2(ray, points) <= GATE)]:
            support = others.distance2(candidate) <= GATE
            views = len(np.unique(stamps[support]))
            seen = np.concatenate([others.direction[support], ray.direction])
            if views > most and parallax(seen) >= LEAST_PARALLAX_RAD:
                best, most = (candidate, support), views
        return best

    def _wait(self, class_id: int, ray: Bearings, stamp_ns: int) -> None:
        self._rays = Bearings(np.concatenate([self._rays.rows, ray.rows])[-MOST_RAYS:])
        self._class = np.append(self._class, class_id)[-MOST_RAYS:]
        self._stamp = np.append(self._stamp, stamp_ns)[-MOST_RAYS:]

    def _drop(self, used: Ints) -> None:
        kept = np.setdiff1d(np.arange(len(self._rays)), used)
        self._rays = Bearings(self._rays.rows[kept])
        self._class, self._stamp = self._class[kept], self._stamp[kept]


def ray_distance2(ray: Bearings, points_m: Array) -> Array:
    """Squared Mahalanobis distance of one ray from each of N points (N, 3)."""
    return Bearings(np.repeat(ray.rows, len(points_m), axis=0)).distance2(points_m)
