"""Landmarks of a Lanelet2 map: signs, traffic lights, stop lines, crosswalks, painted marks.

The loader is our own: it takes ``local_x/local_y`` where a map has them, knows all of Autoware's
projectors, lists what it cannot read and carries on.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.maps.elements import (
    NONE,
    STOP_LINE_WIDTH_M,
    Element,
    across_long_side,
    painted_line,
    square_to,
    standing_face,
)
from dalearn_ros.maps.index import IndexedMap, MapReport
from dalearn_ros.maps.lanes import Lanes, orient
from dalearn_ros.maps.osm import OsmFile, Way, read_osm
from dalearn_ros.maps.reference import UP
from dalearn_ros.maps.table import table
from dalearn_ros.maps.tags import TagClasses

Array = npt.NDArray[np.float64]
STANDING = ("traffic_sign", "traffic_light")
COUNTED = (
    *STANDING,
    "stop_line",
    "light_bulbs",
    "pedestrian_marking",
    "zebra_marking",
    "road_marking",
    "symbol",
)
NOT_FOR_VEHICLES = ("crosswalk", "walkway", "stairs", "bicycle_lane", "pedestrian_lane")
PAINTED_BOUNDS = ("pedestrian_marking", "zebra_marking", "")


class Lanelet2Loader:
    """Reads one OSM file.

    Args:
        path: The ``.osm`` file.
        projector: How its latitudes become metres; None takes ``local_x/local_y``, or UTM about
            the map's middle where there are none.
        classes: Catalogues.
    """

    def __init__(self, path: Path, projector: Projector | None, classes: TagClasses) -> None:
        self.osm: OsmFile = read_osm(path)
        self.classes = classes
        self.notes: list[str] = []
        self.points_m = self._positions(projector)
        self.problems = self.osm.problems
        self.unknown: Counter[str] = Counter()
        self.assumed: list[str] = []
        self.lanes = Lanes.of(list(self._lane_bounds()))

    def load(self) -> IndexedMap:
        """All landmarks that have a class, with the report of what was met."""
        elements = [*self._from_ways(), *self._from_crosswalk_lanelets()]
        if self.assumed:
            self.notes.append(
                f"{len(self.assumed)} stop lines meet no lane of the map (way {self.assumed[0]} "
                "is the first): they are taken as drawn from left to right."
            )
        counts = Counter(way.tags.get("type", "") for way in self.osm.ways.values())
        report = MapReport(
            source=str(self.osm.path),
            by_tag=Counter({kind: counts[kind] for kind in COUNTED if counts[kind]}),
            unknown=self.unknown,
            problems=tuple(self.problems),
            notes=tuple(self.notes),
        )
        return table(elements, self.classes.label_space, report)

    def _positions(self, projector: Projector | None) -> Array:
        osm = self.osm
        points = np.full((len(osm.height), 3), np.nan)
        local = np.isfinite(osm.local).all(axis=1)
        points[local, :2] = osm.local[local]
        points[local, 2] = osm.height[local]
        rest = ~local
        if not rest.any():
            return points
        if projector is None:
            projector = self._projector_without_info(bool(local.any()))
        if projector.kind == "Local":
            count = int(rest.sum())
            osm.problems.append(f"{count} nodes have no local_x and local_y (projector Local).")
            return points
        geographic = osm.geographic[rest]
        points[rest] = projector.forward(geographic[:, 0], geographic[:, 1], osm.height[rest])
        return points

    def _projector_without_info(self, mixed: bool) -> Projector:
        path, nodes = self.osm.path, self.osm.geographic
        if mixed:
            found = "none, and only some nodes have local_x and local_y"
            expected = "a map_projector_info.yaml beside it"
            raise MapError.at(path, "", expected, found)
        if not len(nodes):
            raise MapError.at(path, "", "nodes with coordinates", "none")
        lat, lon = (float(value) for value in np.round(nodes.mean(axis=0), 3))
        self.notes.append(
            f"There is no map_projector_info.yaml: UTM metres about latitude {lat}, "
            f"longitude {lon} (the map's middle) are assumed."
        )
        return Projector("LocalCartesianUTM", lat, lon)

    def _line(self, name: str) -> Array | None:
        """Finite vertices (k, 3) of a way without repeats, None if fewer than two remain."""
        way = self.osm.ways.get(name)
        if way is None:
            return None
        points = self.points_m[[self.osm.node_ids[node] for node in way.nodes]]
        points = points[np.isfinite(points).all(axis=1)]
        if len(points) > 1:
            moved = np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-6
            points = points[np.concatenate([[True], moved])]
        return points if len(points) >= 2 else None

    def _lane_bounds(self) -> Iterator[tuple[Array, Array]]:
        for relation in self.osm.relations.values():
            if relation.tags.get("type") != "lanelet":
                continue
            if relation.tags.get("subtype", "road") in NOT_FOR_VEHICLES:
                continue
            bounds = self._bounds_of(relation.members)
            if bounds is None:
                continue
            yield bounds
            if relation.tags.get("one_way") in ("no", "false"):
                yield bounds[1][::-1], bounds[0][::-1]

    def _bounds_of(self, members: tuple[tuple[str, str, str], ...]) -> tuple[Array, Array] | None:
        lines = [
            next((self._line(ref) for _, r, ref in members if r == role), None)
            for role in ("left", "right")
        ]
        left, right = lines
        return None if left is None or right is None else (left, right)

    def _from_ways(self) -> Iterator[Element]:
        for name, way in self.osm.ways.items():
            kind = way.tags.get("type", "")
            if kind not in (*STANDING, "stop_line", "road_marking"):
                continue
            code = way.tags.get("subtype", "")
            class_id = self.classes.class_of(kind, code)
            if class_id is None:
                self.unknown[f"{kind}:{code}"] += 1
                continue
            line = self._line(name)
            if line is None:
                self._problem(name, kind, "it has fewer than two nodes")
                continue
            try:
                yield from self._element(name, way, line, class_id)
            except ValueError as error:
                self._problem(name, kind, str(error))

    def _element(self, name: str, way: Way, line: Array, class_id: int) -> Iterator[Element]:
        kind = way.tags["type"]
        tag = f"{kind}:{way.tags.get('subtype', '')}"
        size = self.classes.label_space.size_m[class_id]
        if kind in STANDING:
            outline, normal = standing_face(line, _metres(way.tags, "height", size))
            yield Element(name, class_id, outline, normal, NONE, tag)
        elif kind == "stop_line":
            hint = self.lanes.direction_for_line(line)
            if hint is None:
                self.assumed.append(name)
                hint = np.cross(UP, line[-1] - line[0])
            direction = square_to(line, hint)
            width = _metres(way.tags, "width", STOP_LINE_WIDTH_M)
            outline = painted_line(line, direction, width)
            yield Element(name, class_id, outline, NONE, direction, tag)
        else:
            polygon = line[:-1] if np.allclose(line[0], line[-1], atol=1e-6) else line
            if len(polygon) < 3:
                raise ValueError("it is not a closed area")
            yield from self._painted_area(name, polygon, class_id, tag)

    def _painted_area(
        self, name: str, polygon: Array, class_id: int, tag: str
    ) -> Iterator[Element]:
        if self.classes.label_space.names[class_id] == "crosswalk":
            yield from self._crosswalk(name, polygon, class_id, tag)
            return
        direction = self.lanes.direction_at(polygon.mean(axis=0))
        if direction is None:
            raise ValueError("it lies in no lane, so its right end is not known")
        yield Element(name, class_id, polygon, NONE, direction, tag)

    def _crosswalk(self, name: str, polygon: Array, class_id: int, tag: str) -> Iterator[Element]:
        directions = self.lanes.directions_through(polygon)
        if not directions:
            axis = across_long_side(polygon)
            directions = [axis, -axis]
        for direction in directions:
            plus = direction[0] > 1e-9 or (abs(direction[0]) <= 1e-9 and direction[1] > 0.0)
            sign = "+" if plus else "-"
            yield Element(f"{name}:{sign}", class_id, polygon, NONE, direction, tag)

    def _from_crosswalk_lanelets(self) -> Iterator[Element]:
        class_id = self.classes.class_of("road_marking", "crosswalk")
        for name, relation in self.osm.relations.items():
            tags = relation.tags
            if tags.get("type") != "lanelet" or tags.get("subtype") != "crosswalk":
                continue
            refs = [ref for _, role, ref in relation.members if role in ("left", "right")]
            ways = [self.osm.ways[ref] for ref in refs if ref in self.osm.ways]
            kinds = [way.tags.get("type", "") for way in ways]
            bounds = self._bounds_of(relation.members)
            if bounds is None or class_id is None or not set(kinds) & set(PAINTED_BOUNDS):
                self.unknown["lanelet:crosswalk without painted bounds"] += 1
                continue
            left, right = orient(*bounds)
            polygon = np.concatenate([left, right[::-1]])
            yield from self._crosswalk(name, polygon, class_id, "lanelet:crosswalk")

    def _problem(self, name: str, kind: str, text: str) -> None:
        self.problems.append(f"way {name} ({kind}): {text}.")


def _metres(tags: dict[str, str], key: str, default: float) -> float:
    text = tags.get(key, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"its {key} '{text}' is not a number") from None
    if not math.isfinite(value) or value <= 0.0:
        raise ValueError(f"its {key} is {text} m")
    return value
