"""From latitude and longitude to a map's metres and back, as ``map_projector_info.yaml`` says.

The five projector types are those of Autoware: ``Local``, ``MGRS``, ``LocalCartesianUTM``,
``LocalCartesian`` and ``TransverseMercator``. Heights pass through unchanged in all but
``LocalCartesian``, whose z is up at the origin.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

from dalearn_ros.core.errors import MapError
from dalearn_ros.core.yaml_file import read_yaml

Array = npt.NDArray[np.float64]
TYPES = ("Local", "MGRS", "LocalCartesianUTM", "LocalCartesian", "TransverseMercator")
_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_ROWS = "ABCDEFGHJKLMNPQRSTUV"
_COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
SQUARE_M = 1e5  # side of an MGRS square


@dataclass(frozen=True)
class Projector:
    """How the coordinates of a map file become metres in the map frame.

    Attributes:
        kind: One of :data:`TYPES`.
        latitude: Origin, degrees north (not for Local and MGRS).
        longitude: Origin, degrees east.
        altitude: Origin, metres; used by LocalCartesian alone.
        mgrs_grid: Zone, band and 100 km square such as ``54SVE`` (MGRS).
        scale_factor: At the central meridian (TransverseMercator).
    """

    kind: str = "Local"
    latitude: float = 0.0
    longitude: float = 0.0
    altitude: float = 0.0
    mgrs_grid: str = ""
    scale_factor: float = 0.9996

    def forward(self, latitude: npt.ArrayLike, longitude: npt.ArrayLike, height: Any = 0) -> Array:
        """Map coordinates of geographic ones (WGS 84).

        Args:
            latitude: (N,) degrees.
            longitude: (N,) degrees.
            height: (N,) metres, or one number.

        Returns:
            (N, 3) metres, x east, y north, z up.

        Raises:
            MapError: The projector is Local, which has no relation to the globe.
        """
        lat = np.atleast_1d(np.asarray(latitude, dtype=np.float64))
        lon = np.atleast_1d(np.asarray(longitude, dtype=np.float64))
        z = np.broadcast_to(np.asarray(height, dtype=np.float64), lat.shape)
        x, y, up = self._transformer.transform(lon, lat, z)
        east, north = self._offset
        up = up if self.kind == "LocalCartesian" else z
        return np.stack([x - east, y - north, up], axis=1)

    def inverse(self, points: npt.ArrayLike) -> tuple[Array, Array, Array]:
        """Latitude, longitude (degrees) and height (metres), each (N,), of (N, 3) map points."""
        p = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        east, north = self._offset
        x, y = p[:, 0] + east, p[:, 1] + north
        lon, lat, up = self._transformer.transform(x, y, p[:, 2], direction="INVERSE")
        return lat, lon, (up if self.kind == "LocalCartesian" else p[:, 2])

    @functools.cached_property
    def _transformer(self) -> pyproj.Transformer:
        lat, lon = self.latitude, self.longitude
        if self.kind == "Local":
            raise MapError(
                "A map with projector type Local has no latitude and longitude; its nodes need "
                "local_x and local_y."
            )
        if self.kind == "LocalCartesian":
            return pyproj.Transformer.from_pipeline(
                "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
                "+step +proj=cart +ellps=WGS84 +step +proj=topocentric +ellps=WGS84 "
                f"+lat_0={lat!r} +lon_0={lon!r} +h_0={self.altitude!r}"
            )
        if self.kind == "TransverseMercator":
            target = (
                f"+proj=tmerc +lat_0={lat!r} +lon_0={lon!r} +k={self.scale_factor!r} "
                "+datum=WGS84 +units=m"
            )
        else:
            zone, south = self._utm_zone
            target = f"+proj=utm +zone={zone} +datum=WGS84 +units=m" + (" +south" if south else "")
        return pyproj.Transformer.from_crs("EPSG:4326", target, always_xy=True)

    @property
    def _utm_zone(self) -> tuple[int, bool]:
        if self.kind == "MGRS":
            return int(self.mgrs_grid[:-3]), self.mgrs_grid[-3] < "N"
        return _zone_of(self.latitude, self.longitude), self.latitude < 0.0

    @functools.cached_property
    def _offset(self) -> tuple[float, float]:
        if self.kind == "MGRS":
            return mgrs_corner(self.mgrs_grid)
        if self.kind != "LocalCartesianUTM":
            return 0.0, 0.0
        x, y, _ = self._transformer.transform(self.longitude, self.latitude, 0.0)
        return float(x), float(y)


def read_projector(path: Path) -> Projector:
    """Read Autoware's ``map_projector_info.yaml``.

    Raises:
        MapError: Unreadable, an unknown type, or a missing or absurd origin or grid.
    """
    content = read_yaml(path, MapError, "projection")
    kind = {"local": "Local"}.get(str(content.get("projector_type")), content.get("projector_type"))
    if kind not in TYPES:
        raise MapError.at(path, "key 'projector_type'", "one of " + ", ".join(TYPES), repr(kind))
    if kind == "Local":
        return Projector()
    if kind == "MGRS":
        grid = str(content.get("mgrs_grid", "")).upper()
        mgrs_corner(grid, str(path))
        return Projector("MGRS", mgrs_grid=grid)
    origin = content.get("map_origin")
    if not isinstance(origin, Mapping):
        raise MapError.at(path, "key 'map_origin'", "latitude and longitude", repr(origin))
    lat = _number(origin, "latitude", path, 90.0)
    lon = _number(origin, "longitude", path, 180.0)
    altitude = _number({"altitude": 0.0, **origin}, "altitude", path, 1e5)
    scale = _number({"scale_factor": 0.9996, **content}, "scale_factor", path, 10.0)
    if scale <= 0.0:
        raise MapError.at(
            path, "key 'scale_factor'", "a number above 0, such as 0.9996", f"{scale}"
        )
    return Projector(str(kind), lat, lon, altitude, "", scale)


def mgrs_corner(grid: str, source: str = "mgrs_grid") -> tuple[float, float]:
    """UTM easting and northing in metres of the south-west corner of a 100 km square.

    Args:
        grid: Zone, band, column and row letter, such as ``54SVE``.
        source: File, for the error.

    Raises:
        MapError: Not such a grid.
    """
    match = re.fullmatch(r"(\d{1,2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])", grid)
    zone = int(match[1]) if match else 0
    columns = _COLUMNS[(zone - 1) % 3]
    if not match or not 1 <= zone <= 60 or match[3] not in columns:
        expected = "a zone and 100 km square such as 54SVE"
        raise MapError.at(source, "key 'mgrs_grid'", expected, repr(grid))
    easting = 1e5 * (columns.index(match[3]) + 1)
    shift = 5 if zone % 2 == 0 else 0
    row = 1e5 * ((_ROWS.index(match[4]) - shift) % 20)
    south_edge = -80.0 + 8.0 * _BANDS.index(match[2])
    start = _northing(south_edge, zone)
    northing = row + 2e6 * np.ceil((start - 1e5 - row) / 2e6)
    return easting, float(northing)


def mgrs_square(latitude: float, longitude: float) -> str:
    """Zone, band and 100 km square, such as ``54SVE``, of a place in degrees (80° S to 84° N)."""
    zone = _zone_of(latitude, longitude)
    band = _BANDS[int(np.clip((latitude + 80.0) // 8.0, 0, len(_BANDS) - 1))]
    south = " +south" if latitude < 0.0 else ""
    utm = pyproj.Transformer.from_crs(
        "EPSG:4326", f"+proj=utm +zone={zone} +datum=WGS84{south}", always_xy=True
    )
    easting, northing = utm.transform(longitude, latitude)
    column = _COLUMNS[(zone - 1) % 3][int(easting // SQUARE_M) - 1]
    row = _ROWS[(int(northing // SQUARE_M) + (5 if zone % 2 == 0 else 0)) % 20]
    return f"{zone}{band}{column}{row}"


def _northing(latitude: float, zone: int) -> float:
    south = " +south" if latitude < 0.0 else ""
    utm = pyproj.Transformer.from_crs(
        "EPSG:4326", f"+proj=utm +zone={zone} +datum=WGS84{south}", always_xy=True
    )
    return float(utm.transform(6.0 * zone - 183.0, latitude)[1])


def _zone_of(latitude: float, longitude: float) -> int:
    if 56.0 <= latitude < 64.0 and 3.0 <= longitude < 12.0:
        return 32  # southern Norway
    if 72.0 <= latitude < 84.0 and 0.0 <= longitude < 42.0:
        return 31 + 2 * int((longitude + 3.0) // 12.0)  # Svalbard
    return int((longitude + 180.0) // 6.0) % 60 + 1


def _number(values: Mapping[str, Any], key: str, path: Path, limit: float) -> float:
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= limit:
        raise MapError.at(path, f"key '{key}'", f"a number up to ±{limit:g}", repr(value))
    return float(value)
