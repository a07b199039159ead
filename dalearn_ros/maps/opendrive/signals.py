"""From ``<signal>`` elements to landmarks (OpenDRIVE, chapter 14)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element as Xml

import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps.elements import NONE, STOP_LINE_WIDTH_M, Element, painted_line
from dalearn_ros.maps.opendrive.attributes import number, size
from dalearn_ros.maps.opendrive.road import Road
from dalearn_ros.maps.opendrive.shapes import face, painted, rectangle, travel, turned

Array = npt.NDArray[np.float64]
LAMPS = 3.0  # a light of unknown width is this many times as high as wide


@dataclass(frozen=True)
class Place:
    """Where a signal is.

    Attributes:
        road: Its road.
        s: Road coordinate to which it applies, metres.
        t: Metres.
        origin_m: (3,) middle of the lower edge.
        axes: (3, 3) map from local axes; u is the direction in which a driver looks at it.
        direction: (3,) driving direction of those to whom it applies.
    """

    road: Road
    s: float
    t: float
    origin_m: Array
    axes: Array
    direction: Array


def orientation_of(element: Xml, reversed_: bool) -> str:
    """``+``, ``-`` or empty; ``reversed_`` where the file's writer means the opposite."""
    found = element.get("orientation", "").strip()
    if found not in ("+", "-"):
        return ""
    return found if not reversed_ else {"+": "-", "-": "+"}[found]


def lanes_of(element: Xml) -> list[int]:
    """Ids of the lanes for which an element is valid, without the middle lane 0."""
    lanes: set[int] = set()
    for validity in element.findall("validity"):
        ends = [int(number(validity, key)) for key in ("fromLane", "toLane")]
        lanes |= set(range(max(min(ends), -99), min(max(ends), 99) + 1))
    return sorted(lanes - {0})


def place_signal(signal: Xml, road: Road, roads: Mapping[str, Road], roadrunner: bool) -> Place:
    """Where a signal stands, be it at its s and t, on another road or at map coordinates.

    ``hOffset`` counts from the direction for which the signal is valid: along s for ``+`` and
    without orientation, against it for ``-``. In RoadRunner's files it always counts from s.

    Raises:
        ValueError: A number is missing or absurd, s lies outside of the road, or there is no road
            as named.
    """
    s, t = number(signal, "s"), number(signal, "t", 0.0)
    orientation = orientation_of(signal, roadrunner)
    direction = travel(road, s, t, orientation, lanes_of(signal))
    back = math.pi if orientation == "-" and not roadrunner else 0.0
    at, on = signal, road
    inertial, elsewhere = signal.find("positionInertial"), signal.find("positionRoad")
    if inertial is not None:
        at = inertial
        origin = np.array([number(at, key) for key in ("x", "y", "z")])
        heading = number(at, "hdg", 0.0)
    else:
        if elsewhere is not None:
            at = elsewhere
            name = at.get("roadId", "")
            if name not in roads:
                raise ValueError(f"its positionRoad names road '{name}', which is not there")
            on = roads[name]
        where = number(at, "s")
        origin = on.point(where, number(at, "t", 0.0), number(at, "zOffset", 0.0))
        heading = on.heading(where) + back + number(at, "hOffset", 0.0)
    axes = turned(heading, number(at, "pitch", 0.0), number(at, "roll", 0.0))
    return Place(road, s, t, origin, axes, direction)


def face_size(element: Xml, nominal: float, light: bool) -> tuple[float, float, bool]:
    """Width and height of a face in metres, and whether the file leaves one of them out.

    A sign without one of them is taken as square, a light as three times as high as wide; with
    neither, its longer side is the class's nominal size.
    """
    width, height = size(element, "width"), size(element, "height")
    ratio = LAMPS if light else 1.0
    assumed = width == 0.0 or height == 0.0
    if height == 0.0:
        height = width * ratio if width else nominal
    return width or height / ratio, height, assumed


def signal_landmarks(
    signal: Xml, place: Place, name: str, class_id: int, space: LabelSpace, tag: str
) -> Iterator[Element]:
    """The landmarks of one signal.

    A standing signal is its face: ``width`` × ``height`` above the place, since ``zOffset`` is the
    height of the lower edge (ASAM OpenDRIVE 1.6 to 1.8, <signal>: "z offset from the road to the
    bottom edge of the signal"). A painted one lies on the road.

    Raises:
        ValueError: It has no size where it needs one, or lanes are missing for a stop line.
    """
    kind = space.names[class_id]
    if space.rule_of(class_id) == "center":
        width, height, _ = face_size(signal, space.size_m[class_id], kind == "signal")
        outline, normal = face(place.origin_m, place.axes, width, height)
        yield Element(name, class_id, outline, normal, NONE, tag)
        return
    length, width = size(signal, "length"), size(signal, "width")
    if kind == "stop_line":
        outline = _stop_line(signal, place, length or STOP_LINE_WIDTH_M, width)
    else:
        outline = rectangle(place.origin_m, place.axes, length, width)
    base = Element(name, class_id, outline, NONE, place.direction, tag)
    yield from painted(name, kind, base)


def board_place(place: Place, sign: Xml) -> Place:
    """Where a ``<sign>`` of a ``<staticBoard>`` hangs: v and z in the board's own axes."""
    local = np.array([0.0, number(sign, "v"), number(sign, "z")])
    origin = place.origin_m + place.axes @ local
    return Place(place.road, place.s, place.t, origin, place.axes, place.direction)


def _stop_line(signal: Xml, place: Place, depth: float, width: float) -> Array:
    road, s = place.road, place.s
    if width > 0.0:
        ends = (place.t - 0.5 * width, place.t + 0.5 * width)
    else:
        heading = road.heading(s)
        along = float(place.direction @ [math.cos(heading), math.sin(heading), 0.0]) > 0.0
        lanes = lanes_of(signal) or road.vehicle_lanes(s, along)
        span = road.lane_span(s, min(lanes), max(lanes)) if lanes else None
        if span is None or span[1] - span[0] < 0.1:
            raise ValueError("it has no width, and the road has no such lanes there")
        ends = span
    line = np.stack([road.point(s, t, number(signal, "zOffset", 0.0)) for t in ends])
    return painted_line(line, place.direction, depth)
