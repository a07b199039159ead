"""Landmarks of a Lanelet2 map: signs, traffic lights, stop lines, crosswalks, painted marks.

The loader is our own: it takes ``local_x/local_y`` where a map has them, knows all of Autoware's
projectors, lists what it cannot read and carries on.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.maps.elements import (
    MARK_WIDTH_M,
    NONE,
    STOP_LINE_WIDTH_M,
    Element,
    across_long_side,
    painted_line,
    painted_mark,
    polygon_face,
    square_to,
    standing_face,
)
from dalearn_ros.maps.index import IndexedMap, MapReport
from dalearn_ros.maps.landmark_osm import STATED, element_of_way
from dalearn_ros.maps.lanes import NOT_FOR_VEHICLES, Lanes, orient
from dalearn_ros.maps.osm import OsmFile, Relation, Way, metres
from dalearn_ros.maps.positions import place_nodes
from dalearn_ros.maps.reference import UP
from dalearn_ros.maps.regulatory import lane_links
from dalearn_ros.maps.table import table
from dalearn_ros.maps.tags import TagClasses
from dalearn_ros.maps.tiles import read_map_files

Array = npt.NDArray[np.float64]
STANDING = ("traffic_sign", "traffic_light")
FACES = (*STANDING, "pose_marker")
MARKS = {"arrow": "arrow_", "symbol": "symbol_"}  # Lanelet2's types → our codes of road_marking
PAINTED_BOUNDS = ("pedestrian_marking", "zebra_marking", "")


class Lanelet2Loader:
    """Reads one map.

    Args:
        path: The ``.osm`` file, or a folder of tiles.
        projector: How its latitudes become metres; None takes ``local_x/local_y``, or UTM about
            the map's middle where there are none.
        classes: Catalogues.
    """

    def __init__(self, path: Path, projector: Projector | None, classes: TagClasses) -> None:
        self.osm: OsmFile = read_map_files(path)
        self.classes = classes
        self.placed = place_nodes(self.osm, projector)
        self.points_m = self.placed.points_m
        self.problems = [*self.placed.problems, *self.osm.problems]
        self.unknown: Counter[str] = Counter()
        self.assumed: list[str] = []
        self.lanes = Lanes.of(list(self._lane_bounds()))

    def load(self) -> IndexedMap:
        """All landmarks that have a class, with the report of what was met."""
        elements = [*self._from_ways(), *self._from_crosswalk_lanelets()]
        names = {element.name for element in elements}
        links = lane_links(self.osm, names, self.bounds_of, self._line, self.problems)
        notes = self.placed.notes
        if self.assumed:
            notes.append(
                f"{len(self.assumed)} stop lines meet no lane of the map (way {self.assumed[0]} "
                "is the first): they are taken as drawn from left to right."
            )
        kinds = (way.tags.get("type", "") for way in self.osm.ways.values())
        report = MapReport(
            source=str(self.osm.path),
            by_tag=Counter(kind for kind in kinds if kind),
            unknown=self.unknown,
            problems=tuple(self.problems),
            notes=tuple(notes),
            flat=self.placed.flat,
            projector=self.placed.projector,
        )
        loaded = table(elements, self.classes.label_space, report)
        return dataclasses.replace(loaded, links=links)

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
        for name, relation in self.osm.relations.items():
            if relation.tags.get("type") != "lanelet":
                continue
            if relation.tags.get("subtype", "road") in NOT_FOR_VEHICLES:
                continue
            bounds = self.bounds_of(relation)
            if bounds is None:
                self.problems.append(
                    f"lanelet {name}: lacks a left or a right bound with two nodes in the file; "
                    "marks in it have no driving direction."
                )
                continue
            yield bounds
            if relation.tags.get("one_way") in ("no", "false"):
                yield bounds[1][::-1], bounds[0][::-1]

    def bounds_of(self, relation: Relation) -> tuple[Array, Array] | None:
        """Left and right bound (k, 3) of a lanelet, None if it lacks one."""
        left, right = (
            next((self._line(ref) for _, found, ref in relation.members if found == role), None)
            for role in ("left", "right")
        )
        return None if left is None or right is None else (left, right)

    def _class_of(self, kind: str, code: str) -> int | None:
        if kind in MARKS:
            return self.classes.class_of("road_marking", MARKS[kind] + code)
        return self.classes.class_of(kind, code)

    def _from_ways(self) -> Iterator[Element]:
        for name, way in self.osm.ways.items():
            kind = way.tags.get("type", "")
            if STATED in way.tags:
                yield from self._stated(name, way)
                continue
            if kind not in (*FACES, *MARKS, "stop_line", "road_marking"):
                continue
            code = way.tags.get("subtype", "")
            class_id = self._class_of(kind, code)
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

    def _stated(self, name: str, way: Way) -> Iterator[Element]:
        """A landmark that says itself what it is, as ``dalearn map convert`` writes it."""
        line = self._line(name)
        try:
            yield element_of_way(way, line, self.classes.label_space)
        except ValueError as error:
            self._problem(name, way.tags.get("type", ""), str(error))

    def _element(self, name: str, way: Way, line: Array, class_id: int) -> Iterator[Element]:
        kind = way.tags["type"]
        tag = f"{kind}:{way.tags.get('subtype', '')}"
        size = self.classes.label_space.size_m[class_id]
        ring = line[:-1] if np.allclose(line[0], line[-1], atol=1e-6) else line
        if kind in FACES:
            drawn = len(ring) > 2 and (way.tags.get("area") == "yes" or len(ring) < len(line))
            if kind == "pose_marker" or (drawn and np.ptp(ring[:, 2]) > 0.05):
                outline, normal = polygon_face(ring)
            else:
                outline, normal = standing_face(line, metres(way.tags, "height", size))
            yield Element(name, class_id, outline, normal, NONE, tag)
        elif kind == "stop_line":
            hint = self.lanes.direction_for_line(line)
            if hint is None:
                self.assumed.append(name)
                hint = np.cross(UP, line[-1] - line[0])
            direction = square_to(line, hint)
            width = metres(way.tags, "width", STOP_LINE_WIDTH_M)
            outline = painted_line(line, direction, width)
            yield Element(name, class_id, outline, NONE, direction, tag)
        elif kind in MARKS:
            mark = painted_mark(ring, metres(way.tags, "width", MARK_WIDTH_M))
            yield from self._painted_area(name, mark, class_id, tag)
        elif len(ring) < 3:
            raise ValueError("it is not a closed area")
        else:
            yield from self._painted_area(name, ring, class_id, tag)

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
            polygon = self._crosswalk_polygon(relation)
            if polygon is None or class_id is None:
                self.unknown["lanelet:crosswalk without painted bounds"] += 1
                continue
            yield from self._crosswalk(name, polygon, class_id, "lanelet:crosswalk")

    def _crosswalk_polygon(self, relation: Relation) -> Array | None:
        """Outline (k, 3) of a crosswalk lanelet: the polygon of its regulatory element (Autoware),
        else the area between its painted bounds, else None.
        """
        for _, role, ref in relation.members:
            if role != "regulatory_element" or ref not in self.osm.relations:
                continue
            for _, part, way in self.osm.relations[ref].members:
                ring = self._line(way) if part == "crosswalk_polygon" else None
                if ring is not None and len(ring) >= 3:
                    return ring[:-1] if np.allclose(ring[0], ring[-1], atol=1e-6) else ring
        refs = [ref for _, role, ref in relation.members if role in ("left", "right")]
        ways = [self.osm.ways[ref] for ref in refs if ref in self.osm.ways]
        bounds = self.bounds_of(relation)
        if bounds is None or not {way.tags.get("type", "") for way in ways} & set(PAINTED_BOUNDS):
            return None
        left, right = orient(*bounds)
        return np.concatenate([left, right[::-1]])

    def _problem(self, name: str, kind: str, text: str) -> None:
        self.problems.append(f"way {name} ({kind}): {text}; it is left out.")
