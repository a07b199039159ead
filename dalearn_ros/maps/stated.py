"""Landmarks as lists state them: a class, a place, a heading, a size; and back from the table.

A surveyed point has no outline: a face or mark of the nominal size of its class stands in. Headings
are degrees clockwise from the map's y axis (grid north): where a face looks, where the traffic over
a marking drives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.maps.elements import (
    MARK_WIDTH_M,
    NONE,
    STOP_LINE_WIDTH_M,
    Element,
    painted_line,
    painted_mark,
    polygon_face,
    square_to,
    standing_face,
)
from dalearn_ros.maps.index import IndexedMap
from dalearn_ros.maps.opendrive.codes import class_of_signal
from dalearn_ros.maps.reference import UP
from dalearn_ros.maps.tags import TagClasses

Array = npt.NDArray[np.float64]
CROSSWALK_LENGTH_M = 3.0  # along the driving direction, where a list gives only a point
SIGNAL_SHAPE = 3.0  # a light is three times as high as wide
SOUTH = np.array([0.0, -1.0, 0.0])  # where a face of unknown heading is drawn to look
SAME_M = 1e-4  # an outline this close to a plain rectangle is stated as one
PLAIN_KINDS = ("traffic_sign", "road_marking", "traffic_light")


@dataclass(frozen=True)
class Stated:
    """One landmark of a list.

    Attributes:
        name: Unique id.
        class_id: Id in the label space.
        code: ``kind:code`` as in the map, or what the list says.
        points_m: (k, 3) metres, map frame: one point, a line, or an outline without its first
            point again. A height is NaN where the map has none.
        closed: The points are an outline.
        heading_deg: Clockwise from the map's y axis; NaN if unknown.
        width_m: Of a face, across; of a stop line or mark, its paint; NaN takes the nominal.
        tall_m: Of a face; NaN takes the nominal.
    """

    name: str
    class_id: int
    code: str
    points_m: Array
    closed: bool = False
    heading_deg: float = math.nan
    width_m: float = math.nan
    tall_m: float = math.nan

    @property
    def nominal(self) -> bool:
        """Whether a nominal size stands in for the outline."""
        return len(self.points_m) == 1 and math.isnan(self.width_m)


def class_of_words(classes: TagClasses, class_word: str, code: str) -> int | None:
    """Class id by a class's name, else by a code; None if nothing knows it.

    Args:
        classes: Catalogues.
        class_word: Name in the label space; another word is taken as a code.
        code: ``kind:code`` as a map has it (``traffic_sign:de205``, ``signal:DE:274``), or a bare
            sign or marking code (``de205``).
    """
    if class_word in classes.label_space.names[1:]:
        return classes.label_space.id_of(class_word)
    for text in (code, class_word):
        kind, colon, rest = text.partition(":")
        found = None
        if colon:
            found = classes.class_of(kind, rest)
            if found is None and kind == "signal":
                country, _, number = rest.partition(":")
                found = class_of_signal(classes, country, number)
        elif text:
            for plain in PLAIN_KINDS[:2]:
                found = found or classes.class_of(plain, text)
        if found is not None:
            return found
    return None


def element_of(stated: Stated, space: LabelSpace) -> Element:
    """The landmark with its outline.

    Raises:
        ValueError: It has too few points or no area, or it is a marking without a heading.
    """
    if not np.isfinite(stated.points_m).all() or not len(stated.points_m):
        raise ValueError("a coordinate is missing or no number")
    for what, size in (("width", stated.width_m), ("height", stated.tall_m)):
        if not math.isnan(size) and not 0.0 < size < 1000.0:
            raise ValueError(f"its {what} is {size} m")
    ahead = NONE if math.isnan(stated.heading_deg) else along(stated.heading_deg)
    if space.rule_of(stated.class_id) == "center":
        outline, normal = _standing(stated, space, ahead)
        return Element(stated.name, stated.class_id, outline, normal, NONE, stated.code)
    points = stated.points_m
    is_line = space.names[stated.class_id] == "stop_line" and not stated.closed
    if np.isnan(ahead).any() and is_line and len(points) > 1:
        ahead = square_to(points, np.cross(UP, points[-1] - points[0]))  # left to right
    if np.isnan(ahead).any():
        raise ValueError(
            "a road marking needs a heading_deg, the direction of the traffic over it, to have a "
            "right end"
        )
    outline = _painted(stated, space, ahead, is_line)
    return Element(stated.name, stated.class_id, outline, NONE, ahead, stated.code)


def stated_of(landmarks: LandmarkMap, row: int, space: LabelSpace) -> Stated:
    """The inverse of :func:`element_of`: a face that is a plain rectangle is its centre and size,
    everything else its outline. In a flat map, only an upright outline keeps its heights.
    """
    flat = isinstance(landmarks, IndexedMap) and landmarks.report.flat
    outline, class_id = landmarks.outlines_m[row], int(landmarks.class_id[row])
    standing = space.rule_of(class_id) == "center"
    ahead = np.asarray(landmarks.normal[row] if standing else landmarks.direction[row], float)
    heading = heading_of(ahead)
    name, code = str(landmarks.ids[row]), str(landmarks.tags[row])
    if standing and len(outline) == 4 and not math.isnan(heading):
        width = float(np.linalg.norm(outline[1] - outline[0]))
        tall = float(outline[2, 2] - outline[1, 2])
        centre = np.asarray(landmarks.point_m[row], float)
        if tall > 0.0 and np.allclose(
            rectangle(centre, along(heading), width, tall), outline, rtol=0.0, atol=SAME_M
        ):
            points = _without_heights(centre[None]) if flat else centre[None]
            return Stated(name, class_id, code, points, False, heading, width, tall)
    points = np.array(outline, dtype=np.float64)
    points = _without_heights(points) if flat and not standing else points
    return Stated(name, class_id, code, points, True, heading)


def geographic(projector: Projector, points_m: npt.ArrayLike) -> tuple[Array, Array, Array]:
    """Latitude, longitude (degrees) and height of (k, 3) metres; a height that is NaN stays so."""
    points = np.asarray(points_m, dtype=np.float64).reshape(-1, 3)
    lat, lon, height = projector.inverse(np.nan_to_num(points))
    return lat, lon, np.where(np.isnan(points[:, 2]), np.nan, height)


def rectangle(centre_m: Array, normal: Array, width_m: float, tall_m: float) -> Array:
    """Upright face (4, 3) about a centre: bottom-left, bottom-right, top-right, top-left."""
    side = 0.5 * width_m * np.cross(UP, normal)
    low, high = centre_m - 0.5 * tall_m * UP, centre_m + 0.5 * tall_m * UP
    return np.stack([low - side, low + side, high + side, high - side])


def along(heading_deg: float) -> Array:
    """Horizontal unit vector (3,) of a heading in degrees clockwise from the y axis."""
    angle = math.radians(heading_deg)
    return np.array([math.sin(angle), math.cos(angle), 0.0])


def heading_of(vector: Array) -> float:
    """Degrees 0 to 360 clockwise from the y axis; NaN for NaN and for a vertical vector."""
    if not np.isfinite(vector).all() or math.hypot(vector[0], vector[1]) < 1e-9:
        return math.nan
    return math.degrees(math.atan2(vector[0], vector[1])) % 360.0


def _without_heights(points: Array) -> Array:
    return np.column_stack([points[:, :2], np.full(len(points), np.nan)])


def _standing(stated: Stated, space: LabelSpace, ahead: Array) -> tuple[Array, Array]:
    points, size = stated.points_m, space.size_m[stated.class_id]
    tall = size if math.isnan(stated.tall_m) else stated.tall_m
    if stated.closed:
        outline, normal = polygon_face(points)
        return outline, -normal if float(normal @ ahead) < 0.0 else normal
    if len(points) > 1:
        return standing_face(points, tall)
    light = space.names[stated.class_id] == "signal"
    width = stated.width_m
    if math.isnan(width):
        width = tall / SIGNAL_SHAPE if light else tall
    facing = SOUTH if np.isnan(ahead).any() else ahead
    return rectangle(points[0], facing, width, tall), ahead


def _painted(stated: Stated, space: LabelSpace, ahead: Array, is_line: bool) -> Array:
    points, width = stated.points_m, stated.width_m
    if stated.closed:
        if len(points) < 3:
            raise ValueError("its outline has fewer than three points")
        return points
    if len(points) > 1:
        if float(np.linalg.norm(points[-1] - points[0])) < 1e-3:
            raise ValueError("its two ends are at the same place")
        if is_line:
            return painted_line(points, ahead, STOP_LINE_WIDTH_M if math.isnan(width) else width)
        return painted_mark(points, MARK_WIDTH_M if math.isnan(width) else width)
    kind, size = space.names[stated.class_id], space.size_m[stated.class_id]
    nominal = {
        "stop_line": (size, STOP_LINE_WIDTH_M),
        "crosswalk": (size, CROSSWALK_LENGTH_M),
    }.get(kind, (MARK_WIDTH_M, size))
    across, length = nominal if math.isnan(width) else (width, nominal[1])
    left, forward = across * np.cross(UP, ahead), length * ahead
    outline: Array = points[0] + np.stack([np.zeros(3), forward, forward + left, left])
    return outline
