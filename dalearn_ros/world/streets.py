"""Lays out the streets: the main road, its cross roads and their corners."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from dalearn_ros.world import ground
from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.roads import Road
from dalearn_ros.world.site import CROSS_REACH_M, Site

FIRST_M, BEYOND_M = -30.0, 200.0  # the streets begin before and end after the main road
TILE_M = 50.0
VERGE_M = 130.0
JUNCTION_CLEAR_M = 6.4  # lines end so far before the crossing carriageway


def build_streets(site: Site) -> None:
    """All ground: carriageways, kerbs, pavements, verges and lines."""
    scene, road = site.scene, site.road
    starts, ends = [FIRST_M], []
    for s, cross in zip(site.plan.junctions, site.crossings, strict=True):
        gap = cross.half_m + site.city.pavement_m
        ends.append(float(s) - gap)
        starts.append(float(s) + gap)
        _cross_street(site, float(s), cross)
    ends.append(road.length_m + BEYOND_M)
    for a, b in zip(starts, ends, strict=True):
        for low in np.arange(a, b, TILE_M):
            high = min(low + TILE_M, b)
            ground.roadside(scene, scene.tile((low + high) / 2), road, low, high, VERGE_M)
    for low in np.arange(FIRST_M, road.length_m + BEYOND_M, TILE_M):
        mesh = scene.tile(float(low) + TILE_M / 2)
        ground.carriageway(scene, mesh, road, float(low), float(low) + TILE_M)
    _main_lines(site)


def _main_lines(site: Site) -> None:
    edges = [FIRST_M]
    for s, cross in zip(site.plan.junctions, site.crossings, strict=True):
        clear = cross.half_m + JUNCTION_CLEAR_M
        edges += [float(s) - clear, float(s) + clear]
    edges.append(site.road.length_m)
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        for x, y in pairwise(np.append(np.arange(a, b, TILE_M), b)):
            mesh = site.scene.tile((x + y) / 2)
            ground.lane_lines(site.scene, mesh, site.road, float(x), float(y))


def _cross_street(site: Site, s: float, cross: Road) -> None:
    """One cross road: an arm on each side of the main road, and four corners."""
    scene, main = site.scene, site.road
    mesh = scene.tile(s)
    _corner_kerbs(site, mesh, s, cross)
    inner, end = main.half_m, 2 * CROSS_REACH_M
    far = inner + site.city.pavement_m
    low, high = CROSS_REACH_M - inner, CROSS_REACH_M + inner
    low_far, high_far = CROSS_REACH_M - far, CROSS_REACH_M + far
    arms = (
        ((0.0, low), (0.0, low - JUNCTION_CLEAR_M), (0.0, low_far), (low_far, low)),
        ((high, end), (high + JUNCTION_CLEAR_M, end), (high_far, end), (high, high_far)),
    )
    for way, lines, sides, corner in arms:
        ground.carriageway(scene, mesh, cross, *way)
        ground.lane_lines(scene, mesh, cross, *lines)
        ground.roadside(scene, mesh, cross, *sides, cross.half_m + site.city.pavement_m)
        _corner(site, mesh, cross, *corner)


def _corner(site: Site, mesh: Mesh, cross: Road, a: float, b: float) -> None:
    """The pavement between the two carriageways at a corner."""
    k = site.city.kerb_m
    half, far = cross.half_m, cross.half_m + site.city.pavement_m
    s = np.array([a, b])
    for side in (1.0, -1.0):
        first, second = ground.ordered((side * half, k), (side * far, k), side)
        ground.strip(mesh, cross, "paving", s, first, second, 2.0)
        low, high = ground.ordered((side * half, 0.0), (side * half, k), side)
        ground.strip(mesh, cross, "kerb", s, low, high, 2.0, flat=False)


def _corner_kerbs(site: Site, mesh: Mesh, s: float, cross: Road) -> None:
    """The kerbs of a junction's corners along the main road."""
    half, k = site.road.half_m, site.city.kerb_m
    gap, reach = cross.half_m, cross.half_m + site.city.pavement_m
    for side in (1.0, -1.0):
        for a, b in ((s - reach, s - gap), (s + gap, s + reach)):
            low, high = ground.ordered((side * half, 0.0), (side * half, k), side)
            ground.strip(mesh, site.road, "kerb", np.array([a, b]), low, high, 2.0, flat=False)
