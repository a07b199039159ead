"""Vehicles that move: one ahead, some in the other lane, and oncoming ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from dalearn_ros.world import vehicles
from dalearn_ros.world.scene import Mover
from dalearn_ros.world.site import Site

Array = npt.NDArray[np.float64]
Where = Callable[[float], tuple[float, float, float]]  # time -> station, offset left, turn
ONCOMING_MPS = 9.0  # all alike, so that they never meet
CARS, ALL = 12, 14  # highest number of a car or van, and of any vehicle


def build_traffic(site: Site) -> None:
    """Add all moving vehicles."""
    rng, plan, road, w = site.rng, site.plan, site.road, site.city.lane_m
    heading = float(road.heading_at(plan.stations[0]))
    if rng.random() < 0.6:
        _add(site, _leader(site, float(rng.uniform(1.7, 3.2))), heading, CARS)
    if road.lanes > 1:
        other = next(i for i in range(road.lanes) if abs((i + 0.5) * w - plan.lane_r) > 0.5)
        for gap in (float(rng.uniform(8, 16)), float(rng.uniform(28, 50))):
            _add(site, _neighbour(site, gap, -(other + 0.5) * w), heading, ALL)
    s = float(plan.stations[0]) + float(rng.uniform(30, 70))
    end = float(plan.stations[-1]) + 200.0 + ONCOMING_MPS * float(plan.times_s[-1])
    while s < end:
        rng.uniform(7.0, 12.0)  # keeps the stream of world version 1
        lane = int(rng.integers(0, road.lanes))
        _add(site, _oncoming(s, (lane + 0.5) * w), heading + np.pi, ALL)
        s += float(rng.uniform(22, 90))


def _leader(site: Site, ahead_s: float) -> Where:
    """Drives the same way some seconds earlier."""

    def where(t: float) -> tuple[float, float, float]:
        s = site.plan.station(t + ahead_s)
        return s, site.plan.offset(s), 0.0

    return where


def _neighbour(site: Site, gap_m: float, offset_m: float) -> Where:
    """Drives beside, a little faster."""
    return lambda t: (site.plan.station(t) + gap_m + 0.3 * t, offset_m, 0.0)


def _oncoming(start_m: float, offset_m: float) -> Where:
    return lambda t: (start_m - ONCOMING_MPS * t, offset_m, np.pi)


def _add(site: Site, where: Where, heading: float, largest: int) -> None:
    """A vehicle of random kind that lies on the road's slope."""
    road = site.road
    number = int(site.rng.integers(0, largest + 1))
    mesh = vehicles.own_mesh(site.scene, number, heading)

    def world_from_object(t: float) -> Array:
        s, d, turn = where(t)
        frame = road.frame(float(s), float(d), 0.0, float(turn))
        grade = float(road.grade_at(s)) * (1.0 if turn == 0 else -1.0)
        frame[:3, 0] = np.array([frame[0, 0], frame[1, 0], grade]) / np.hypot(1.0, grade)
        (a, b, c), (d, e, f) = frame[:3, 0].tolist(), frame[:3, 1].tolist()
        frame[:3, 2] = b * f - c * e, c * d - a * f, a * e - b * d
        return frame

    site.scene.movers.append(Mover(mesh, world_from_object))
