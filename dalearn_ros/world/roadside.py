"""Lines the streets with houses, trees, lamps, advertising and parked vehicles."""

from __future__ import annotations

import numpy as np

from dalearn_ros.world import buildings, vehicles
from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.roads import Road
from dalearn_ros.world.site import CROSS_REACH_M, Site

FIRST_M, BEYOND_M = -28.0, 190.0


def build_roadside(site: Site) -> None:
    """Both sides of the main road, then the cross roads."""
    road, stations = site.road, site.plan.junctions
    gaps = [c.half_m + site.city.pavement_m + 1.0 for c in site.crossings]
    starts = [FIRST_M, *(float(s) + g for s, g in zip(stations, gaps, strict=True))]
    ends = [*(float(s) - g for s, g in zip(stations, gaps, strict=True)), road.length_m + BEYOND_M]
    for side in (1.0, -1.0):
        for a, b in zip(starts, ends, strict=True):
            buildings.row_of_houses(site.scene, road, side, a, b, site.scene.tile)
            _planting(site, side, a, b)
            _parked(site, side, a, b)
    for s, cross in zip(stations, site.crossings, strict=True):
        _side_street(site, float(s), cross)


def _side_street(site: Site, s: float, cross: Road) -> None:
    """Houses along a cross road, drawn only from near: the corner houses hide them else."""
    mesh = Mesh(site.scene.light)
    site.scene.side_streets.append((s, mesh))
    inner = site.road.half_m + site.city.pavement_m + site.city.setback_m[1] + 16.0
    for side in (1.0, -1.0):
        for a, b in (
            (0.0, CROSS_REACH_M - inner),
            (CROSS_REACH_M + inner, 2 * CROSS_REACH_M),
        ):
            buildings.row_of_houses(site.scene, cross, side, a, b, lambda _: mesh)
    for end in (-3.0, 2 * CROSS_REACH_M + 3.0):  # a house closes the view
        frame = cross.frame(end, 0.0, 0.0, np.pi / 2 if end < 0 else -np.pi / 2)
        floors = int(site.rng.integers(site.city.floors[0], site.city.floors[1] + 1))
        buildings.house(site.scene, mesh, frame, buildings.Plot(0.0, 44.0, 0.0, floors))


def _planting(site: Site, side: float, a: float, b: float) -> None:
    """Trees, lamp posts and advertising along the kerb, away from sign posts."""
    rng, scene, city, road = site.rng, site.scene, site.city, site.road
    edge = road.half_m + 0.9
    s = a + float(rng.uniform(4, 9))
    while s < b - 5.0:
        near = any(abs(s - x) < 3.5 and side == y for x, y in site.taken)
        mesh = scene.tile(s)
        pick = rng.random()
        if near:
            pass
        elif pick < city.tree_density:
            d = side * (edge + float(rng.uniform(0.0, 0.8)))
            buildings.tree(scene, mesh, road, s, d, float(rng.uniform(0.75, 1.1)))
        elif pick < city.tree_density + 0.16:
            turn = -np.pi if side > 0 else 0.0
            buildings.lamp_post(scene, mesh, road.frame(s, side * edge, city.kerb_m, turn))
        elif pick < city.tree_density + 0.26:
            d = side * (road.half_m + city.pavement_m - 0.4)
            frame = road.frame(s, d, city.kerb_m, 0.0 if side < 0 else np.pi)
            buildings.billboard(scene, mesh, frame, int(rng.integers(0, 6)))
        s += float(rng.uniform(6.0, 11.0))


def _parked(site: Site, side: float, a: float, b: float) -> None:
    rng, city, road = site.rng, site.city, site.road
    if city.parking_m <= 0:
        return
    s = a + 9.0
    while s < b - 9.0:
        if rng.random() < 0.45:
            d = side * (road.half_m - city.parking_m / 2 - 0.15)
            turn = (np.pi if side > 0 else 0.0) + float(rng.normal(0, 0.02))
            number = int(rng.integers(0, 11 if side < 0 else 13))
            vehicles.build(site.scene.tile(s), number, road.frame(s, d, 0.0, turn))
        s += float(rng.uniform(5.8, 8.0))
