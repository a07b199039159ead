"""Which lights and signs are meant for which lanes.

In a Lanelet2 map the regulatory elements say it; of OpenDRIVE see ``maps/opendrive/links.py``. A
table beside the landmarks, one row for each pair of a landmark and a lane that must obey it. It
tells a vehicle's lights from those of pedestrians, and which of ten lights at a junction is the one
to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.maps.lanes import NOT_FOR_VEHICLES, resample, sample_lane
from dalearn_ros.maps.osm import OsmFile, Relation

Array = npt.NDArray[np.float64]
Texts = npt.NDArray[np.str_]
Row = tuple[str, str, str, Array, Array, float, bool]
Bounds = Callable[[Relation], "tuple[Array, Array] | None"]

TURNED = 0.7  # cosine of the angle between heading and lane up to which one drives along it


@dataclass(frozen=True)
class LaneLinks:
    """L pairs of a landmark and a lane.

    Attributes:
        landmark_id: (L,) text, as in ``LandmarkMap.ids``.
        lanelet_id: (L,) text; of OpenDRIVE, ``ROAD/LANE``.
        stop_line_id: (L,) text, the stop line's way; empty if none is known.
        stop_m: (L, 3) where the lane's centre line meets the stop line, else its end, or the
            place of the signal (OpenDRIVE), metres, map frame.
        direction: (L, 3) unit driving direction there, horizontal.
        half_width_m: (L,) half of the lane's width there.
        for_vehicles: (L,) false for crosswalks, walkways and the like.
    """

    landmark_id: Texts
    lanelet_id: Texts
    stop_line_id: Texts
    stop_m: Array
    direction: Array
    half_width_m: Array
    for_vehicles: npt.NDArray[np.bool_]

    @classmethod
    def empty(cls) -> LaneLinks:
        """A map without such pairs."""
        none, nowhere = np.zeros(0, np.str_), np.zeros((0, 3))
        return cls(none, none, none, nowhere, nowhere, np.zeros(0), np.zeros(0, np.bool_))

    @classmethod
    def of(cls, rows: Sequence[Row]) -> LaneLinks:
        """From rows with one value of each attribute, in their order."""
        if not rows:
            return cls.empty()
        landmark, lane, line, at, direction, half, roads = zip(*rows, strict=True)
        return cls(
            landmark_id=np.array(landmark, dtype=np.str_),
            lanelet_id=np.array(lane, dtype=np.str_),
            stop_line_id=np.array(line, dtype=np.str_),
            stop_m=np.array(at),
            direction=np.array(direction),
            half_width_m=np.array(half),
            for_vehicles=np.array(roads, dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.landmark_id)

    def lanelets_of(self, landmark_id: str) -> list[str]:
        """Ids of the lanelets that must obey a landmark."""
        return [str(name) for name in self.lanelet_id[self.landmark_id == landmark_id]]

    def relevant(self, position_m: npt.ArrayLike, yaw_rad: float, reach_m: float) -> list[str]:
        """Landmarks that a vehicle has to obey ahead, by the straight course to the stop line.

        A row counts if the vehicle drives along the lane's direction at its stop line (to 45°), is
        before the line by no more than ``reach_m``, and beside the lane's centre by no more than
        half of its width and half a metre. On a bend before the line it may miss.

        Args:
            position_m: (2,) or (3,) of the vehicle, map frame.
            yaw_rad: Its heading, 0 along x, counter-clockwise.
            reach_m: How far ahead.

        Returns:
            Ids of landmarks, each once, in the order of the table.
        """
        heading = np.array([np.cos(yaw_rad), np.sin(yaw_rad)])
        ahead = self.stop_m[:, :2] - np.asarray(position_m, dtype=np.float64).ravel()[:2]
        along = np.einsum("ij,ij->i", ahead, self.direction[:, :2])
        beside = np.abs(ahead[:, 0] * self.direction[:, 1] - ahead[:, 1] * self.direction[:, 0])
        counts = self.for_vehicles & (along >= 0.0) & (along <= reach_m)
        counts &= (beside <= self.half_width_m + 0.5) & (self.direction[:, :2] @ heading > TURNED)
        return list(dict.fromkeys(str(name) for name in self.landmark_id[counts]))


def lane_links(
    osm: OsmFile,
    names: Collection[str],
    bounds_of: Bounds,
    line_of: Callable[[str], Array | None],
    problems: list[str],
) -> LaneLinks:
    """The links of a Lanelet2 map.

    Args:
        osm: The file.
        names: Ids of the ways that are landmarks.
        bounds_of: Left and right bound of a lanelet, None if it lacks one.
        line_of: Vertices (k, 3) of a way, None if it is missing.
        problems: Takes a sentence for every reference to an element that is not in the file.
    """
    rows: list[Row] = []
    for lanelet, relation in osm.relations.items():
        if relation.tags.get("type") != "lanelet":
            continue
        for element in _members(relation, "regulatory_element"):
            rule = osm.relations.get(element)
            if rule is None:
                problems.append(
                    f"lanelet {lanelet}: its regulatory element {element} is not in the file."
                )
                continue
            landmarks = [name for name in _members(rule, "refers") if name in names]
            stop_line = next(iter(_members(rule, "ref_line")), "")
            stop = _stop(bounds_of(relation), line_of(stop_line)) if landmarks else None
            if stop is not None:
                road = relation.tags.get("subtype", "road") not in NOT_FOR_VEHICLES
                rows += [(name, lanelet, stop_line, *stop, road) for name in landmarks]
    _tell_missing(osm, problems)
    return LaneLinks.of(rows)


def _stop(
    bounds: tuple[Array, Array] | None, line: Array | None
) -> tuple[Array, Array, float] | None:
    """Point (3,), direction (3,) and half width where a lane stops: at the line, else its end."""
    if bounds is None:
        return None
    centre, direction, half = sample_lane(*bounds)
    if not len(centre):
        return None
    if line is None:
        return centre[-1], direction[-1], float(half[-1])
    points = resample(line, 21)
    distance = np.linalg.norm(centre[:, None, :2] - points[None, :, :2], axis=2)
    i, j = np.unravel_index(int(np.argmin(distance)), distance.shape)
    ahead = float((points[j] - centre[i]) @ direction[i])
    return centre[i] + ahead * direction[i], direction[i], float(half[i])


def _tell_missing(osm: OsmFile, problems: list[str]) -> None:
    there: dict[str, Mapping[str, object]] = {
        "way": osm.ways,
        "relation": osm.relations,
        "node": osm.node_ids,
    }
    for name, relation in osm.relations.items():
        if relation.tags.get("type") != "regulatory_element":
            continue
        for kind, role, ref in relation.members:
            if kind in there and ref not in there[kind]:
                problems.append(
                    f"regulatory element {name}: its {role or 'member'}, {kind} {ref}, is not in "
                    "the file."
                )


def _members(relation: Relation, role: str) -> list[str]:
    return [ref for _, found, ref in relation.members if found == role]
