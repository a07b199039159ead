"""Builds a city around a planned drive."""

from __future__ import annotations

import numpy as np

from dalearn_ros.core.randomness import generator
from dalearn_ros.world import buildings, furniture, ground, vehicles
from dalearn_ros.world.markings import ARROWS, SYMBOLS
from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.plan import Plan
from dalearn_ros.world.roads import Approach, Road, cross_road
from dalearn_ros.world.scene import Mover, Scene, SignalGroup
from dalearn_ros.world.signs import SignFace, faces
from dalearn_ros.world.style import City
from dalearn_ros.world.surfaces import register, sky_mesh
from dalearn_ros.world.weather import weather_of

CROSS_REACH_M = 75.0
WALK_DEPTH_M = 3.4
COMBINATIONS = [
    ("warning_sign",),
    ("warning_sign", "auxiliary_sign"),
    ("regulating_sign",),
    ("regulating_sign", "auxiliary_sign"),
    ("indicating_sign",),
    ("indicating_sign", "auxiliary_sign"),
    ("regulating_sign", "indicating_sign"),
    ("warning_sign", "regulating_sign"),
]


class CityBuilder:
    """Fills a scene: streets first, then what stands on them."""

    def __init__(self, city: City, condition: str, seed: int, plan: Plan) -> None:
        rng = generator(seed, "city", city.name)
        self.plan, self.city = plan, city
        self.scene = Scene(city, condition, weather_of(city, condition, seed, plan), rng)
        self.rng = rng
        self.faces = faces(city.country)
        self._by_kind: dict[str, list[SignFace]] = {}
        self._decks: dict[str, list[SignFace]] = {}
        for face in self.faces:
            self._by_kind.setdefault(face.kind, []).append(face)
        self._combinations: list[tuple[str, ...]] = []
        self._taken: list[tuple[float, float]] = []  # (station, side) where a post stands
        self._pictures: list[str] = []

    def build(self, pictures: bool = True) -> Scene:
        """Build everything; without ``pictures`` (textures) only the layout."""
        texture_seed = int(self.rng.integers(0, 2**32))
        if pictures:
            register(self.scene, self.faces, texture_seed)
            vehicles.textures(self.scene)
        road = self.plan.road
        crossings = []
        for s in self.plan.junctions:
            lanes = int(self.rng.choice([1, 1, 2]))
            crossings.append(cross_road(road, float(s), self.city, lanes, CROSS_REACH_M))
        self._streets(road, crossings)
        for i, s in enumerate(self.plan.junctions):
            self._junction(i, float(s), crossings[i], crossings)
        self._roadside(road, crossings)
        self._traffic(road)
        return self.scene

    # -- streets -----------------------------------------------------------------------------
    def _streets(self, road: Road, crossings: list[Road]) -> None:
        scene = self.scene
        starts = [-30.0]
        ends = []
        for s, cross in zip(self.plan.junctions, crossings, strict=True):
            gap = cross.half_m + self.city.pavement_m
            ends.append(float(s) - gap)
            starts.append(float(s) + gap)
            self._cross_street(float(s), cross, road)
        ends.append(road.length_m + 200.0)
        for a, b in zip(starts, ends, strict=True):
            for low in np.arange(a, b, 50.0):
                high = min(low + 50.0, b)
                mesh = scene.tile((low + high) / 2)
                ground.roadside(scene, mesh, road, low, high, 130.0)
        low = -30.0
        while low < road.length_m + 200.0:
            ground.carriageway(scene, scene.tile(low + 25.0), road, low, low + 50.0)
            low += 50.0
        edges = [-30.0]
        for s, cross in zip(self.plan.junctions, crossings, strict=True):
            clear = cross.half_m + 6.4
            edges += [float(s) - clear, float(s) + clear]
        edges.append(road.length_m)
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            cuts = np.append(np.arange(a, b, 50.0), b)
            for x, y in zip(cuts[:-1], cuts[1:], strict=True):
                ground.lane_lines(scene, scene.tile((x + y) / 2), road, float(x), float(y))

    def _cross_street(self, s: float, cross: Road, main: Road) -> None:
        scene, mesh = self.scene, self.scene.tile(s)
        inner = main.half_m
        self._corner_kerb(mesh, main, s, cross)
        for a, b in ((0.0, CROSS_REACH_M - inner), (CROSS_REACH_M + inner, 2 * CROSS_REACH_M)):
            ground.carriageway(scene, mesh, cross, a, b)
            ground.lane_lines(
                scene, mesh, cross, a if a == 0 else a + 6.4, b - 6.4 if a == 0 else b
            )
            far = inner + self.city.pavement_m
            low, high = (
                (0.0, CROSS_REACH_M - far) if a == 0 else (CROSS_REACH_M + far, 2 * CROSS_REACH_M)
            )
            ground.roadside(scene, mesh, cross, low, high, cross.half_m + self.city.pavement_m)
            self._corner(
                mesh,
                cross,
                *(
                    (CROSS_REACH_M - far, CROSS_REACH_M - inner)
                    if a == 0
                    else (CROSS_REACH_M + inner, CROSS_REACH_M + far)
                ),
            )

    def _corner(self, mesh: Mesh, cross: Road, a: float, b: float) -> None:
        """The pavement between the two carriageways at a corner."""
        k = self.city.kerb_m
        half, far = cross.half_m, cross.half_m + self.city.pavement_m
        s = np.array([a, b])
        for side in (1.0, -1.0):
            first, second = ground._ordered((side * half, k), (side * far, k), side)
            ground.strip(mesh, cross, "paving", s, first, second, 2.0)
            low, high = ground._ordered((side * half, 0.0), (side * half, k), side)
            ground.strip(mesh, cross, "kerb", s, low, high, 2.0, flat=False)

    def _corner_kerb(self, mesh: Mesh, main: Road, s: float, cross: Road) -> None:
        """The kerbs of a junction's corners along the main road."""
        half, k = main.half_m, self.city.kerb_m
        gap, reach = cross.half_m, cross.half_m + self.city.pavement_m
        for side in (1.0, -1.0):
            for a, b in ((s - reach, s - gap), (s + gap, s + reach)):
                low, high = ground._ordered((side * half, 0.0), (side * half, k), side)
                ground.strip(mesh, main, "kerb", np.array([a, b]), low, high, 2.0, flat=False)

    # -- junctions ---------------------------------------------------------------------------
    def _junction(self, index: int, s: float, cross: Road, crossings: list[Road]) -> None:
        main, scene = self.plan.road, self.scene
        signalled = bool(self.rng.random() < 0.75) or index == 1
        lamps = {axis: Mesh(scene.light) for axis in ("main", "cross")}
        previous = self.plan.junctions[index - 1] + crossings[index - 1].half_m if index else -20.0
        following = (
            self.plan.junctions[index + 1] - crossings[index + 1].half_m
            if index + 1 < len(crossings)
            else s + 60.0
        )
        approaches = [
            (Approach(main, s, True, cross.half_m), "main", s - float(previous)),
            (Approach(main, s, False, cross.half_m), "main", float(following) - s),
            (Approach(cross, CROSS_REACH_M, True, main.half_m), "cross", 55.0),
            (Approach(cross, CROSS_REACH_M, False, main.half_m), "cross", 55.0),
        ]
        for approach, axis, room in approaches:
            self._approach(approach, lamps[axis], signalled, axis, room - 12.0, index)
        if signalled:
            self._signal_groups(s, lamps)

    def _approach(
        self, approach: Approach, lamps: Mesh, signalled: bool, axis: str, room: float, index: int
    ) -> None:
        scene, rng, city = self.scene, self.rng, self.city
        ahead = axis == "main"

        def mesh(a: float) -> Mesh:
            return (
                scene.tile(float(approach.sd(a, 0.0)[0]))
                if ahead
                else scene.tile(self.plan.junctions[index])
            )

        walk = approach.crossing_half_m + 1.2 + WALK_DEPTH_M / 2
        zebra = signalled or rng.random() < 0.6
        stop = walk + WALK_DEPTH_M / 2 + 1.3 if zebra else approach.crossing_half_m + 2.0
        if zebra:
            ground.crosswalk(scene, mesh(walk), approach, walk, WALK_DEPTH_M)
        if signalled or not ahead or rng.random() < 0.5:
            ground.stop_line(scene, mesh(stop), approach, stop, float(rng.choice([0.4, 0.5, 0.6])))
        if signalled:
            furniture.signals(scene, lamps, mesh(stop), approach, stop)
        elif not ahead:
            self._post(approach, mesh(stop), stop + 1.0, [self._draw("regulating_sign")])
        self._arrows(approach, mesh, stop, room)
        if not ahead:
            self._post(approach, mesh(30.0), stop + float(rng.uniform(6, 20)), self._combination())
            return
        self._symbols(approach, mesh, stop, room)
        overhead = room > 50.0 and rng.random() < 0.4
        a = stop + float(rng.uniform(4.0, 8.0))
        while a < room - 4.0:
            if overhead and 18.0 < a - stop:
                self._gantry(approach, mesh(a), a)
                overhead = False
            else:
                self._post(approach, mesh(a), a, self._combination())
            a += float(rng.uniform(9.0, 15.0))

    def _arrows(self, approach: Approach, mesh, stop: float, room: float) -> None:  # type: ignore[no-untyped-def]
        rng, lanes, w = self.rng, approach.road.lanes, self.city.lane_m
        names = list(ARROWS)
        choice = []
        for lane in range(lanes):
            inner, outer = lane == 0, lane == lanes - 1
            options = [
                n for n in names if (inner or "left" not in n) and (outer or "right" not in n)
            ]
            choice.append(str(rng.choice(options)))
        for a in (stop + float(rng.uniform(3.5, 7.0)), stop + float(rng.uniform(22.0, 28.0))):
            if a + 4 > room:
                break
            for lane, name in enumerate(choice):
                if rng.random() < 0.9:
                    size = ARROWS[name]
                    ground.painted(
                        self.scene, mesh(a), approach, name, size, a + size[1] / 2, (lane + 0.5) * w
                    )

    def _symbols(self, approach: Approach, mesh, stop: float, room: float) -> None:  # type: ignore[no-untyped-def]
        rng, w = self.rng, self.city.lane_m
        a = stop + float(rng.uniform(12.0, 16.0))
        while a < room - 6.0:
            for lane in range(approach.road.lanes):
                if rng.random() < (0.85 if approach.road.lanes == 1 else 0.55):
                    name = str(rng.choice(list(SYMBOLS)))
                    size = SYMBOLS[name]
                    ground.painted(self.scene, mesh(a), approach, name, size, a, (lane + 0.5) * w)
            a += float(rng.uniform(20.0, 28.0))

    def _signal_groups(self, s: float, lamps: dict[str, Mesh]) -> None:
        """The main road turns green before the drive arrives; the cross road is red then."""
        green = self.plan.time_at(s - 15.0) - float(self.rng.uniform(0.5, 9.0))

        def main(t: float) -> str:
            return "green" if t >= green else "amber" if t >= green - 1.2 else "red"

        def cross(t: float) -> str:
            return "red" if t >= green - 2.0 else "amber" if t >= green - 5.0 else "green"

        names = {state: f"signal_{state}" for state in ("red", "amber", "green")}
        self.scene.signals.append(SignalGroup(lamps["main"], main, names))
        self.scene.signals.append(SignalGroup(lamps["cross"], cross, names))

    # -- signs -------------------------------------------------------------------------------
    def _draw(self, kind: str, large: bool | None = False) -> SignFace:
        """The next sign of a kind; all kinds' signs come round before one comes again."""
        key = f"{kind}{large}"
        deck = self._decks.setdefault(key, [])
        if not deck:
            pool = [f for f in self._by_kind[kind] if (f.size_m[0] > 2.3) == large]
            deck += [pool[int(i)] for i in self.rng.permutation(len(pool))]
        return deck.pop()

    def _combination(self) -> list[SignFace]:
        if not self._combinations:
            order = self.rng.permutation(len(COMBINATIONS))
            self._combinations = [COMBINATIONS[int(i)] for i in order]
        return [self._draw(kind) for kind in self._combinations.pop()]

    def _post(self, approach: Approach, mesh: Mesh, a: float, signs: list[SignFace]) -> None:
        widest = max(face.size_m[0] for face in signs)
        r = approach.road.half_m + 0.35 + widest / 2 + float(self.rng.uniform(0.0, 0.6))
        furniture.sign_post(self.scene, mesh, approach, a, r, signs)
        if approach.road is self.plan.road:
            s, d = approach.sd(a, r)
            self._taken.append((float(s), float(np.sign(d))))

    def _gantry(self, approach: Approach, mesh: Mesh, a: float) -> None:
        lanes = approach.road.lanes
        face = self._draw("indicating_sign", large=True)
        signs = [(face, max(0.5 * lanes * self.city.lane_m, face.size_m[0] / 2))]
        furniture.gantry(self.scene, mesh, approach, a, signs)

    # -- beside the road ---------------------------------------------------------------------
    def _roadside(self, road: Road, crossings: list[Road]) -> None:
        gaps = [c.half_m + self.city.pavement_m + 1.0 for c in crossings]
        starts = [-28.0, *(float(s) + g for s, g in zip(self.plan.junctions, gaps, strict=True))]
        ends = [
            *(float(s) - g for s, g in zip(self.plan.junctions, gaps, strict=True)),
            road.length_m + 190.0,
        ]
        for side in (1.0, -1.0):
            for a, b in zip(starts, ends, strict=True):
                buildings.row_of_houses(self.scene, road, side, a, b, self.scene.tile)
                self._planting(road, side, a, b)
        for s, cross in zip(self.plan.junctions, crossings, strict=True):
            self._side_street(float(s), cross, road)

    def _side_street(self, s: float, cross: Road, main: Road) -> None:
        """Houses along a cross road, drawn only from near: the corner houses hide them else."""
        mesh = Mesh(self.scene.light)
        self.scene.side_streets.append((s, mesh))
        inner = main.half_m + self.city.pavement_m + self.city.setback_m[1] + 16.0
        for side in (1.0, -1.0):
            for a, b in (
                (0.0, CROSS_REACH_M - inner),
                (CROSS_REACH_M + inner, 2 * CROSS_REACH_M),
            ):
                buildings.row_of_houses(self.scene, cross, side, a, b, lambda _: mesh)
        for end in (-3.0, 2 * CROSS_REACH_M + 3.0):  # a house closes the view
            frame = cross.frame(end, 0.0, 0.0, np.pi / 2 if end < 0 else -np.pi / 2)
            floors = int(self.rng.integers(self.city.floors[0], self.city.floors[1] + 1))
            buildings.house(self.scene, mesh, frame, buildings.Plot(0.0, 44.0, 0.0, floors))

    def _planting(self, road: Road, side: float, a: float, b: float) -> None:
        rng, scene, city = self.rng, self.scene, self.city
        s = a + float(rng.uniform(4, 9))
        while s < b - 5.0:
            near = any(abs(s - x) < 3.5 and side == y for x, y in self._taken)
            mesh = scene.tile(s)
            edge = road.half_m + 0.9
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
                turn = 0.0 if side < 0 else np.pi
                frame = road.frame(
                    s, side * (road.half_m + city.pavement_m - 0.4), city.kerb_m, turn
                )
                buildings.billboard(scene, mesh, frame, int(rng.integers(0, 6)))
            s += float(rng.uniform(6.0, 11.0))
        self._parked(road, side, a, b)

    def _parked(self, road: Road, side: float, a: float, b: float) -> None:
        rng, city = self.rng, self.city
        if city.parking_m <= 0:
            return
        s = a + 9.0
        while s < b - 9.0:
            if rng.random() < 0.45:
                d = side * (road.half_m - city.parking_m / 2 - 0.15)
                turn = (np.pi if side > 0 else 0.0) + float(rng.normal(0, 0.02))
                number = int(rng.integers(0, 11 if side < 0 else 13))
                vehicles.build(self.scene.tile(s), number, road.frame(s, d, 0.0, turn))
            s += float(rng.uniform(5.8, 8.0))

    # -- traffic -----------------------------------------------------------------------------
    def _traffic(self, road: Road) -> None:
        rng, plan, w = self.rng, self.plan, self.city.lane_m
        heading = float(road.heading_at(plan.stations[0]))
        if rng.random() < 0.6:
            ahead = float(rng.uniform(1.7, 3.2))
            self._mover(
                lambda t: (plan.station(t + ahead), plan.offset(plan.station(t + ahead)), 0.0),
                heading,
                largest=12,
            )
        if road.lanes > 1:
            other = next(i for i in range(road.lanes) if abs((i + 0.5) * w - plan.lane_r) > 0.5)
            for gap in (float(rng.uniform(8, 16)), float(rng.uniform(28, 50))):
                self._mover(
                    lambda t, g=gap: (plan.station(t) + g + 0.3 * t, -(other + 0.5) * w, 0.0),
                    heading,
                )
        s = float(plan.stations[0]) + float(rng.uniform(30, 70))
        end = float(plan.stations[-1]) + 200.0 + 9.0 * float(plan.times_s[-1])
        while s < end:
            speed = float(rng.uniform(7.0, 12.0))
            lane = int(rng.integers(0, road.lanes))
            self._mover(
                lambda t, s0=s, v=speed, i=lane: (s0 - 9.0 * t, (i + 0.5) * w, np.pi),
                heading + np.pi,
            )
            s += float(rng.uniform(22, 90))

    def _mover(self, where, heading: float, largest: int = 14) -> None:  # type: ignore[no-untyped-def]
        road = self.plan.road
        number = int(self.rng.integers(0, largest + 1))
        mesh = vehicles.own_mesh(self.scene, number, heading)

        def world_from_object(t: float):  # type: ignore[no-untyped-def]
            s, d, turn = where(t)
            frame = road.frame(float(s), float(d), 0.0, float(turn))
            grade = float(road.grade_at(s)) * (1.0 if turn == 0 else -1.0)
            frame[:3, 0] = np.array([frame[0, 0], frame[1, 0], grade]) / np.hypot(1.0, grade)
            frame[:3, 2] = np.cross(frame[:3, 0], frame[:3, 1])
            return frame

        self.scene.movers.append(Mover(mesh, world_from_object))


def build_city(city: City, condition: str, seed: int, plan: Plan) -> tuple[Scene, Mesh]:
    """A city around a drive, and its sky."""
    scene = CityBuilder(city, condition, seed, plan).build()
    return scene, sky_mesh(scene)
