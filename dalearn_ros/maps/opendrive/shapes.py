"""Outlines of OpenDRIVE's signals and objects: faces that stand, areas and lines on the road."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

from dalearn_ros.maps.elements import NONE, STOP_LINE_WIDTH_M, Element, painted_line, square_to
from dalearn_ros.maps.opendrive.road import Road

Array = npt.NDArray[np.float64]
THIN_M = 0.05  # an outline narrower than this is a line


def turned(heading: float, pitch: float, roll: float) -> Array:
    """(3, 3) map from local u, v, z axes: heading, then pitch, then roll, right-handed, radians.

    OpenDRIVE, chapter 8, local coordinate systems.
    """
    matrix: Array = Rotation.from_euler("ZYX", [heading, pitch, roll]).as_matrix()
    return matrix


def face(bottom_m: Array, axes: Array, width_m: float, height_m: float) -> tuple[Array, Array]:
    """A standing rectangle (4, 3) and the unit vector (3,) out of its front.

    Args:
        bottom_m: (3,) middle of its lower edge.
        axes: (3, 3) map from local axes; u is the direction in which a driver looks at the face.
        width_m: Along v.
        height_m: Along z.

    Returns:
        Lower left, lower right, upper right and upper left corner as that driver sees them.
    """
    half = 0.5 * width_m
    corners = [(0.0, half, 0.0), (0.0, -half, 0.0), (0.0, -half, height_m), (0.0, half, height_m)]
    normal: Array = -axes[:, 0]
    return bottom_m + np.array(corners) @ axes.T, normal


def rectangle(centre_m: Array, axes: Array, length_m: float, width_m: float) -> Array:
    """A painted rectangle (4, 3): length along u, width along v.

    Raises:
        ValueError: It has no size.
    """
    if length_m <= 0.0 or width_m <= 0.0:
        raise ValueError("it has neither an outline nor length and width")
    corners = [(-0.5, -0.5, 0.0), (0.5, -0.5, 0.0), (0.5, 0.5, 0.0), (-0.5, 0.5, 0.0)]
    outline: Array = centre_m + np.array(corners) * [length_m, width_m, 1.0] @ axes.T
    return outline


def hull(points_m: Array) -> Array:
    """Convex outline (k, 3) about the points (n, 3) of several outlines, seen from above.

    Raises:
        ValueError: They enclose no area.
    """
    _check_area(points_m)
    corners: Array = points_m[ConvexHull(points_m[:, :2]).vertices]
    return corners


def travel(road: Road, s: float, t: float, orientation: str, lanes: list[int]) -> Array:
    """(3,) driving direction, horizontal, of those to whom an element applies.

    By its orientation; if it has none, by its lanes; if it names none, by its side of the road
    (lanes right of the middle run along s, with ``rule="LHT"`` those left of it).

    Args:
        road: The road.
        s: Metres.
        t: Metres.
        orientation: ``+`` along growing s, ``-`` against it, anything else for both.
        lanes: Ids of the lanes for which it is valid.
    """
    if orientation in ("+", "-"):
        along = orientation == "+"
    elif lanes and (min(lanes) > 0 or max(lanes) < 0):
        along = (lanes[0] < 0) != road.left_hand
    else:
        along = (t <= 0.0) != road.left_hand
    heading = road.heading(s) + (0.0 if along else math.pi)
    return np.array([math.cos(heading), math.sin(heading), 0.0])


def painted(name: str, kind: str, base: Element, closed: bool = True) -> Iterator[Element]:
    """The landmarks of one painted outline.

    A crosswalk is met from both sides and is two landmarks, ``name:+`` along the road's s and
    ``name:-`` against it. A stop line that is given as a line gets the usual width.

    Args:
        name: Unique id.
        kind: Name of its class.
        base: Class, outline, direction and tag.
        closed: Whether the outline is an area.

    Raises:
        ValueError: The outline is no area.
    """
    outline, direction = base.outline_m, base.direction
    if kind == "crosswalk":
        _check_area(outline)
        for sign, way in (("+", direction), ("-", -direction)):
            yield Element(f"{name}:{sign}", base.class_id, outline, NONE, way, base.tag)
        return
    ends = _ends_if_thin(outline)
    if kind == "stop_line" and (ends is not None or not closed):
        line = outline if ends is None else ends
        outline = painted_line(line, square_to(line, direction), STOP_LINE_WIDTH_M)
    _check_area(outline)
    yield Element(name, base.class_id, outline, NONE, direction, base.tag)


def _ends_if_thin(outline_m: Array) -> Array | None:
    """The two ends (2, 3) of an outline that is as good as a line, else None.

    Raises:
        ValueError: It is as good as a point.
    """
    middle = outline_m - outline_m.mean(axis=0)
    axes = np.linalg.svd(middle[:, :2], full_matrices=False)[2]
    extent = np.ptp(middle[:, :2] @ axes.T, axis=0)
    if extent[0] < THIN_M:
        raise ValueError("its outline is a point")
    if len(extent) > 1 and extent[1] > THIN_M:
        return None
    at = middle[:, :2] @ axes[0]
    return outline_m[[int(np.argmin(at)), int(np.argmax(at))]]


def _check_area(outline_m: Array) -> None:
    if len(outline_m) < 3 or _ends_if_thin(outline_m) is not None:
        raise ValueError("its outline is no area")
