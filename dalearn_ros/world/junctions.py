"""Furnishes junctions and the ways to them: paint, signs and traffic lights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dalearn_ros.world import furniture, ground
from dalearn_ros.world.markings import ARROWS, SYMBOLS
from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.roads import Approach
from dalearn_ros.world.scene import SignalGroup
from dalearn_ros.world.signs import SignFace
from dalearn_ros.world.site import CROSS_REACH_M, Site

WALK_DEPTH_M = 3.4


@dataclass(frozen=True)
class Way:
    """One approach to a junction.

    Attributes:
        junction_s: The junction's station on the main road.
        along: Whether it lies on the main road.
        room_m: Up to so many metres before the junction the way may be furnished.
    """

    site: Site
    approach: Approach
    junction_s: float
    along: bool
    signalled: bool
    room_m: float

    def mesh(self, a: float) -> Mesh:
        """The tile ``a`` metres before the junction; a cross road has its junction's tile."""
        s = float(self.approach.sd(a, 0.0)[0]) if self.along else self.junction_s
        return self.site.scene.tile(s)


def build_junction(site: Site, index: int) -> None:
    """All four approaches of a junction and its traffic lights."""
    main, stations = site.road, site.plan.junctions
    s, cross = float(stations[index]), site.crossings[index]
    signalled = bool(site.rng.random() < 0.75) or index == 1
    lamps = {along: Mesh(site.scene.light) for along in (True, False)}
    before = stations[index - 1] + site.crossings[index - 1].half_m if index else -20.0
    after = s + 60.0
    if index + 1 < len(stations):
        after = stations[index + 1] - site.crossings[index + 1].half_m
    ways = [
        (Approach(main, s, True, cross.half_m), True, s - float(before)),
        (Approach(main, s, False, cross.half_m), True, float(after) - s),
        (Approach(cross, CROSS_REACH_M, True, main.half_m), False, 55.0),
        (Approach(cross, CROSS_REACH_M, False, main.half_m), False, 55.0),
    ]
    for approach, along, room in ways:
        _furnish(Way(site, approach, s, along, signalled, room - 12.0), lamps[along])
    if signalled:
        _signal_groups(site, s, lamps)


def _furnish(way: Way, lamps: Mesh) -> None:
    site, approach, rng = way.site, way.approach, way.site.rng
    scene, mesh = site.scene, way.mesh
    walk = approach.crossing_half_m + 1.2 + WALK_DEPTH_M / 2
    zebra = way.signalled or rng.random() < 0.6
    stop = walk + WALK_DEPTH_M / 2 + 1.3 if zebra else approach.crossing_half_m + 2.0
    if zebra:
        ground.crosswalk(scene, mesh(walk), approach, walk, WALK_DEPTH_M)
    if way.signalled or not way.along or rng.random() < 0.5:
        ground.stop_line(scene, mesh(stop), approach, stop, float(rng.choice([0.4, 0.5, 0.6])))
    if way.signalled:
        furniture.signals(scene, lamps, mesh(stop), approach, stop)
    elif not way.along:
        _post(way, stop, stop + 1.0, [site.deck.draw("regulating_sign")])
    _arrows(way, stop)
    if way.along:
        _symbols(way, stop)
        _signs(way, stop)
    else:
        at = stop + float(rng.uniform(6, 20))
        _post(way, 30.0, at, site.deck.combination())


def _signs(way: Way, stop: float) -> None:
    """Posts every ten metres or so, and now and then a gantry."""
    rng, deck = way.site.rng, way.site.deck
    overhead = way.room_m > 50.0 and rng.random() < 0.4
    a = stop + float(rng.uniform(4.0, 8.0))
    while a < way.room_m - 4.0:
        if overhead and a - stop > 18.0:
            _gantry(way, a)
            overhead = False
        else:
            _post(way, a, a, deck.combination())
        a += float(rng.uniform(9.0, 15.0))


def _arrows(way: Way, stop: float) -> None:
    """The same arrow twice in each lane: just before the stop line and further back."""
    rng, lanes, w = way.site.rng, way.approach.road.lanes, way.site.city.lane_m
    choice = []
    for lane in range(lanes):
        inner, outer = lane == 0, lane == lanes - 1
        options = [n for n in ARROWS if (inner or "left" not in n) and (outer or "right" not in n)]
        choice.append(str(rng.choice(options)))
    for a in (stop + float(rng.uniform(3.5, 7.0)), stop + float(rng.uniform(22.0, 28.0))):
        if a + 4 > way.room_m:
            break
        for lane, name in enumerate(choice):
            if rng.random() < 0.9:
                place = (a + ARROWS[name][1] / 2, (lane + 0.5) * w)
                ground.painted(way.site.scene, way.mesh(a), way.approach, name, place)


def _symbols(way: Way, stop: float) -> None:
    """Symbols in the lanes between the arrows and the next junction."""
    rng, lanes, w = way.site.rng, way.approach.road.lanes, way.site.city.lane_m
    a = stop + float(rng.uniform(12.0, 16.0))
    while a < way.room_m - 6.0:
        for lane in range(lanes):
            if rng.random() < (0.85 if lanes == 1 else 0.55):
                name = str(rng.choice(list(SYMBOLS)))
                place = (a, (lane + 0.5) * w)
                ground.painted(way.site.scene, way.mesh(a), way.approach, name, place)
        a += float(rng.uniform(20.0, 28.0))


def _post(way: Way, mesh_a: float, a: float, signs: list[SignFace]) -> None:
    site, approach = way.site, way.approach
    widest = max(face.size_m[0] for face in signs)
    r = approach.road.half_m + 0.35 + widest / 2 + float(site.rng.uniform(0.0, 0.6))
    furniture.sign_post(site.scene, way.mesh(mesh_a), approach, a, r, signs)
    if way.along:
        s, d = approach.sd(a, r)
        site.taken.append((float(s), float(np.sign(d))))


def _gantry(way: Way, a: float) -> None:
    site, approach = way.site, way.approach
    face = site.deck.draw("indicating_sign", large=True)
    r = max(0.5 * approach.road.lanes * site.city.lane_m, face.size_m[0] / 2)
    furniture.gantry(site.scene, way.mesh(a), approach, a, [(face, r)])


def _signal_groups(site: Site, s: float, lamps: dict[bool, Mesh]) -> None:
    """The main road turns green before the drive arrives; the cross road is red then."""
    green = site.plan.time_at(s - 15.0) - float(site.rng.uniform(0.5, 9.0))

    def main(t: float) -> str:
        return "green" if t >= green else "amber" if t >= green - 1.2 else "red"

    def cross(t: float) -> str:
        return "red" if t >= green - 2.0 else "amber" if t >= green - 5.0 else "green"

    names = {state: f"signal_{state}" for state in ("red", "amber", "green")}
    site.scene.signals.append(SignalGroup(lamps[True], main, names))
    site.scene.signals.append(SignalGroup(lamps[False], cross, names))
