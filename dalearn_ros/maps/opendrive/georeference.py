"""Where an OpenDRIVE map lies on the globe: ``<geoReference>`` and the header's ``<offset>``."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element as Xml

import numpy as np
import numpy.typing as npt
import pyproj

from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.maps.elements import Element
from dalearn_ros.maps.opendrive.attributes import number
from dalearn_ros.maps.regulatory import LaneLinks

Array = npt.NDArray[np.float64]
HEIGHT_KEYS = ("+geoidgrids", "+vunits")  # heights pass through unchanged


@dataclass(frozen=True)
class GeoReference:
    """From a file's x and y to latitude and longitude.

    Attributes:
        projection: PROJ string of the projected coordinates.
        offset_m: (x, y, z) of the file's origin in projected coordinates.
        heading: By how much the file's axes are turned there, radians, counter-clockwise.
    """

    projection: str
    offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    heading: float = 0.0

    def geographic(self, points_m: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """Latitude and longitude (degrees, WGS 84) and height (metres), each (N,), of (N, 3)."""
        points = np.asarray(points_m, dtype=np.float64).reshape(-1, 3)
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        x = cos * points[:, 0] - sin * points[:, 1] + self.offset_m[0]
        y = sin * points[:, 0] + cos * points[:, 1] + self.offset_m[1]
        lon, lat = self._transformer.transform(x, y)
        return np.asarray(lat), np.asarray(lon), points[:, 2] + self.offset_m[2]

    def into(self, projector: Projector, points_m: npt.ArrayLike) -> Array:
        """(N, 3) metres in a projector's map frame, of (N, 3) metres of the file."""
        return projector.forward(*self.geographic(points_m))

    @functools.cached_property
    def _transformer(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs(self.projection, "EPSG:4326", always_xy=True)


def read_georeference(header: Xml | None) -> GeoReference | None:
    """The header's georeference, None if it has none.

    Raises:
        ValueError: PROJ does not understand it, or the offset has no sensible numbers.
    """
    if header is None:
        return None
    text = " ".join((header.findtext("geoReference") or "").split())
    if not text:
        return None
    words = [word for word in text.split() if not word.startswith(HEIGHT_KEYS)]
    offset = header.find("offset")
    origin, heading = (0.0, 0.0, 0.0), 0.0
    if offset is not None:
        x, y, z, heading = (number(offset, key, 0.0) for key in ("x", "y", "z", "hdg"))
        origin = (x, y, z)
    reference = GeoReference(" ".join(words), origin, heading)
    try:
        lat, lon, _ = reference.geographic(np.zeros(3))
    except pyproj.exceptions.ProjError:
        raise ValueError(f"PROJ does not understand '{text}'") from None
    if not (np.isfinite(lat).all() and np.isfinite(lon).all()):
        raise ValueError(f"'{text}' does not hold the file's origin")
    return reference


def moved(element: Element, reference: GeoReference, projector: Projector) -> Element:
    """A landmark in another map frame; its unit vectors turn with the metres about it."""
    middle = element.outline_m.mean(axis=0)
    return replace(
        element,
        outline_m=reference.into(projector, element.outline_m),
        normal=_turned(element.normal, middle, reference, projector),
        direction=_turned(element.direction, middle, reference, projector),
    )


def moved_links(links: LaneLinks, reference: GeoReference, projector: Projector) -> LaneLinks:
    """Links of landmarks and lanes in another map frame."""
    directions = [
        _turned(unit, at, reference, projector)
        for unit, at in zip(links.direction, links.stop_m, strict=True)
    ]
    return replace(
        links,
        stop_m=reference.into(projector, links.stop_m),
        direction=np.array(directions, dtype=np.float64).reshape(-1, 3),
    )


def _turned(unit: Array, at: Array, reference: GeoReference, projector: Projector) -> Array:
    if not np.isfinite(unit).all():
        return unit
    ends: Array = reference.into(projector, np.stack([at - unit, at + unit]))
    way = ends[1] - ends[0]
    return np.asarray(way / np.linalg.norm(way), dtype=np.float64)
