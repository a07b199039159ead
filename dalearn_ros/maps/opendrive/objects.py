"""From ``<object>`` elements to landmarks (OpenDRIVE, chapter 13)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element as Xml

import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps.elements import NONE, Element
from dalearn_ros.maps.opendrive.attributes import number, size
from dalearn_ros.maps.opendrive.road import Road
from dalearn_ros.maps.opendrive.shapes import face, hull, painted, rectangle, travel, turned
from dalearn_ros.maps.opendrive.signals import face_size, lanes_of, orientation_of
from dalearn_ros.maps.reference import UP

Array = npt.NDArray[np.float64]
MOUNT_M = 2.0  # lower edge over the foot of a sign that is an object without a height
MOST_REPEATS = 10_000


@dataclass(frozen=True)
class Spot:
    """Origin of an object: road coordinates in metres, and the part of its name for repeats."""

    s: float
    t: float
    z: float
    suffix: str = ""


def spots(element: Xml) -> list[Spot]:
    """Where an object is: its own place, or those of its ``<repeat>`` elements instead.

    Raises:
        ValueError: A number is missing or absurd, or the repeats are endless.
    """
    z = number(element, "zOffset", 0.0)
    own = Spot(number(element, "s"), number(element, "t", 0.0), z)
    found: list[Spot] = []
    for repeat in element.findall("repeat"):
        gap, length = number(repeat, "distance"), size(repeat, "length")
        if gap <= 0.0:
            raise ValueError("it is repeated without a gap, which no landmark is")
        count = int(length / gap + 1e-9) + 1
        if len(found) + count > MOST_REPEATS:
            raise ValueError(f"it is repeated {len(found) + count} times")
        for row in range(count):
            share = min(row * gap / length, 1.0) if length else 0.0
            t, dz = (
                _between(repeat, key, default, share)
                for key, default in (("t", own.t), ("zOffset", z))
            )
            found.append(Spot(number(repeat, "s") + row * gap, t, dz, f"/{len(found) + 1}"))
    return found or [own]


def object_landmarks(
    element: Xml,
    road: Road,
    spot: Spot,
    name: str,
    class_id: int,
    space: LabelSpace,
    tag: str,
    reversed_: bool,
) -> Iterator[Element]:
    """The landmarks of one object at one spot.

    ``hdg`` counts from the road's direction; the orientation says whom it is for and does not
    turn it. Its outline is the polygon of its corners, else length (along u) × width (along v).

    Args:
        element: ``<object>``.
        road: Its road.
        spot: Its origin.
        name: Unique id.
        class_id: Its class.
        space: Gives the class's name, rule and nominal size.
        tag: ``object:code``.
        reversed_: The file's writer means ``+`` for against s.

    Raises:
        ValueError: A number is missing or absurd, s lies outside of the road, or there is no size.
    """
    kind, name = space.names[class_id], name + spot.suffix
    origin = road.point(spot.s, spot.t, spot.z)
    heading = road.heading(spot.s) + number(element, "hdg", 0.0)
    axes = turned(heading, number(element, "pitch", 0.0), number(element, "roll", 0.0))
    if space.rule_of(class_id) == "center":
        width, height, _ = face_size(element, space.size_m[class_id], kind == "signal")
        foot = origin if size(element, "height") else origin + MOUNT_M * UP
        outline, normal = face(foot, axes, width, height)
        yield Element(name, class_id, outline, normal, NONE, tag)
        return
    points, closed = _outline(element, road, origin, axes)
    if points is None:
        points = rectangle(origin, axes, size(element, "length"), size(element, "width"))
    orientation = orientation_of(element, reversed_)
    direction = travel(road, spot.s, spot.t, orientation, lanes_of(element))
    base = Element(name, class_id, points, NONE, direction, tag)
    yield from painted(name, kind, base, closed)


def _outline(element: Xml, road: Road, origin: Array, axes: Array) -> tuple[Array | None, bool]:
    """Corners (k, 3) and whether they enclose an area; None if there is no outline."""
    outlines = [*element.findall("outline"), *element.findall("outlines/outline")]
    outer = [o for o in outlines if o.get("outer", "true") != "false"]
    rings = [ring for ring in (_corners(o, road, origin, axes) for o in outer) if len(ring) > 1]
    if not rings:
        return None, True
    if len(rings) > 1:
        return hull(np.concatenate(rings)), True
    return rings[0], outer[0].get("closed", "true") != "false"


def _corners(outline: Xml, road: Road, origin: Array, axes: Array) -> Array:
    points = [
        origin + axes @ [number(corner, "u"), number(corner, "v"), number(corner, "z", 0.0)]
        for corner in outline.findall("cornerLocal")
    ] or [
        road.point(number(corner, "s"), number(corner, "t"), number(corner, "dz", 0.0))
        for corner in outline.findall("cornerRoad")
    ]
    if len(points) > 2 and np.allclose(points[0], points[-1], atol=1e-6):
        points.pop()
    return np.array(points, dtype=np.float64).reshape(-1, 3)


def _between(repeat: Xml, key: str, default: float, share: float) -> float:
    start = number(repeat, f"{key}Start", default)
    return start + (number(repeat, f"{key}End", start) - start) * share
