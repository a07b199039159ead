"""Reference lines in the plane: line, arc, spiral, poly3 and paramPoly3 (OpenDRIVE, chapter 9).

Every shape starts at (0, 0) with heading 0 and is asked for the point at an arc length; the
record turns and moves it to its place.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element as Xml

import numpy as np
from scipy.optimize import brentq

from dalearn_ros.maps.opendrive.attributes import cubic, number

Coefficients = tuple[float, float, float, float]
Point = tuple[float, float, float]  # x and y in metres, heading in radians
Shape = Callable[[float], Point]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
MOST_TURN_RAD = 1e3  # a piece of road that turns more is a mistake


@dataclass(frozen=True)
class Record:
    """One piece of a reference line.

    Attributes:
        s: Where it begins on the road, metres.
        start: Its first point and heading in the map.
        length: Metres.
        shape: Its curve about its own start.
    """

    s: float
    start: Point
    length: float
    shape: Shape

    def at(self, ds: float) -> Point:
        """Point and heading in the map, ``ds`` metres along this piece."""
        u, v, turn = self.shape(ds)
        x, y, heading = self.start
        cos, sin = math.cos(heading), math.sin(heading)
        return x + cos * u - sin * v, y + sin * u + cos * v, heading + turn


@dataclass(frozen=True)
class ReferenceLine:
    """The pieces of a road's ``<planView>`` in the order of their s."""

    records: tuple[Record, ...]

    def at(self, s: float) -> Point:
        """Point (metres) and heading (radians) at a road coordinate s in metres."""
        row = bisect.bisect_right([record.s for record in self.records], s) - 1
        record = self.records[max(row, 0)]
        return record.at(s - record.s)


def read_record(geometry: Xml) -> Record:
    """A ``<geometry>`` element.

    Raises:
        ValueError: A number is missing or absurd, the length is not positive, or the shape is
            none of the five.
    """
    s, length = number(geometry, "s"), number(geometry, "length")
    if length <= 0.0:
        raise ValueError(f"its length is {length} m")
    start = (number(geometry, "x"), number(geometry, "y"), number(geometry, "hdg"))
    for child in geometry:
        if child.tag in SHAPES:
            return Record(s, start, length, SHAPES[child.tag](child, length))
    found = ", ".join(child.tag for child in geometry) or "nothing"
    raise ValueError(f"it is none of {', '.join(SHAPES)} but {found}")


def clothoid(start: float, end: float, length: float) -> Shape:
    """A curve whose curvature runs linearly from ``start`` to ``end`` (1/m) over ``length``.

    x = ∫ cos θ, y = ∫ sin θ with θ(s) = start·s + (end − start)·s² / (2·length), by 16-point
    Gauss-Legendre panels of at most half a radian: exact to rounding for every curvature, straight
    lines and arcs among them.

    Raises:
        ValueError: It would turn more than a thousand radians.
    """
    rate = (end - start) / length
    if max(abs(start), abs(end)) * length > MOST_TURN_RAD:
        raise ValueError(f"its curvature {start} to {end} 1/m turns it round and round")

    def shape(ds: float) -> Point:
        turned = (abs(start) + abs(rate * ds)) * abs(ds)
        edges = np.linspace(0.0, ds, int(2.0 * turned) + 2)
        half = 0.5 * np.diff(edges)[:, None]
        at = edges[:-1, None] + half * (1.0 + NODES)
        angle = (start + 0.5 * rate * at) * at
        u = float(np.sum(half * WEIGHTS * np.cos(angle)))
        v = float(np.sum(half * WEIGHTS * np.sin(angle)))
        return u, v, (start + 0.5 * rate * ds) * ds

    return shape


def polynomial(u: Coefficients, v: Coefficients, length: float, reach: float) -> Shape:
    """A parametric cubic, asked by arc length.

    Args:
        u: Coefficients of u(p), metres.
        v: Coefficients of v(p), metres.
        length: Of the record, metres.
        reach: The parameter at the record's end. 0 if the length decides where the curve ends
            (poly3, where p is u itself).

    Returns:
        The shape; a share of ``length`` is the same share of the curve's own arc length.
    """

    def arc(p: float) -> float:
        edges = np.linspace(0.0, p, 17)
        half = 0.5 * np.diff(edges)[:, None]
        at = edges[:-1, None] + half * (1.0 + NODES)
        return float(np.sum(half * WEIGHTS * np.hypot(_slope(u, at), _slope(v, at))))

    scale = arc(reach) / length if reach else 1.0
    limit = 2.0 * (reach or length) + 1.0

    def shape(ds: float) -> Point:
        p = float(brentq(lambda p: arc(p) - scale * ds, -limit, limit, xtol=1e-12))
        return _value(u, p), _value(v, p), math.atan2(_slope(v, p), _slope(u, p))

    return shape


def by_length(u: Coefficients, v: Coefficients) -> Shape:
    """A parametric cubic whose parameter is the arc length (``pRange="arcLength"``)."""

    def shape(ds: float) -> Point:
        return _value(u, ds), _value(v, ds), math.atan2(_slope(v, ds), _slope(u, ds))

    return shape


def _value(c: Coefficients, p: float) -> float:
    return c[0] + (c[1] + (c[2] + c[3] * p) * p) * p


def _slope(c: Coefficients, p: Any) -> Any:
    return c[1] + (2.0 * c[2] + 3.0 * c[3] * p) * p


def _spiral(element: Xml, length: float) -> Shape:
    return clothoid(number(element, "curvStart"), number(element, "curvEnd"), length)


def _arc(element: Xml, length: float) -> Shape:
    curvature = number(element, "curvature")
    return clothoid(curvature, curvature, length)


def _poly3(element: Xml, length: float) -> Shape:
    return polynomial((0.0, 1.0, 0.0, 0.0), cubic(element), length, 0.0)


def _param_poly3(element: Xml, length: float) -> Shape:
    u, v = cubic(element, "aU bU cU dU"), cubic(element, "aV bV cV dV")
    if math.hypot(u[1], v[1]) == 0.0:
        raise ValueError("its curve stands still at the start (bU and bV are 0)")
    if element.get("pRange", "normalized") == "arcLength":
        return by_length(u, v)
    return polynomial(u, v, length, 1.0)


SHAPES: dict[str, Callable[[Xml, float], Shape]] = {
    "line": lambda element, length: clothoid(0.0, 0.0, length),
    "arc": _arc,
    "spiral": _spiral,
    "poly3": _poly3,
    "paramPoly3": _param_poly3,
}
