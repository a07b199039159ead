"""Projections against independent sources: pyproj's CRS, closed forms, lanelet2, Autoware."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalearn_ros.geometry.geodesy import Projector, mgrs_corner, mgrs_square, read_projector
from dalearn_ros.maps.osm import read_osm

LAT, LON, UP = np.array([48.11, 48.093]), np.array([11.52, 11.487]), np.array([520.0, 475.0])


def _ecef(lat_deg: float, lon_deg: float, height: float) -> np.ndarray:
    """Earth-centred coordinates on WGS 84 by the textbook's formula."""
    a, f = 6378137.0, 1 / 298.257223563
    lat, lon = math.radians(lat_deg), math.radians(lon_deg)
    n = a / math.sqrt(1 - f * (2 - f) * math.sin(lat) ** 2)
    across = (n + height) * math.cos(lat)
    up = (n * (1 - f) ** 2 + height) * math.sin(lat)
    return np.array([across * math.cos(lon), across * math.sin(lon), up])


def test_local_cartesian_is_the_tangent_plane() -> None:
    lat, lon = math.radians(48.1), math.radians(11.5)
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    up = np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
    axes = np.stack([east, np.cross(up, east), up])
    away = np.stack([_ecef(*p) for p in zip(LAT, LON, UP, strict=True)]) - _ecef(48.1, 11.5, 500.0)
    found = Projector("LocalCartesian", 48.1, 11.5, 500.0).forward(LAT, LON, UP)
    np.testing.assert_allclose(found, away @ axes.T, atol=1e-6)


@pytest.mark.parametrize(
    "lat, lon, epsg", [(48.1, 11.5, 32632), (-33.9, 151.2, 32756), (60.4, 5.3, 32632)]
)
def test_utm_is_that_of_the_epsg_register(lat: float, lon: float, epsg: int) -> None:
    """Munich, Sydney (south) and Bergen (the exception of zone 32)."""
    utm = pyproj.Transformer.from_crs("EPSG:4326", f"EPSG:{epsg}")  # takes latitude first
    zero = np.array(utm.transform(lat, lon))
    there = np.array(utm.transform(lat + 0.01, lon - 0.02))
    found = Projector("LocalCartesianUTM", lat, lon, 77.0).forward(lat + 0.01, lon - 0.02, 5.0)
    np.testing.assert_allclose(found[0], [*(there - zero), 5.0], atol=1e-6)


def test_transverse_mercator_is_japans_plane_zone_nine() -> None:
    """JGD2011 zone IX: 36 N, 139 50' E, scale 0.9999 (EPSG:6677; its ellipsoid is WGS 84's)."""
    jgd = pyproj.Transformer.from_crs("EPSG:6668", "EPSG:6677", always_xy=True)
    expected = jgd.transform(139.93, 35.90)
    projector = Projector("TransverseMercator", 36.0, 139.0 + 50.0 / 60.0, scale_factor=0.9999)
    np.testing.assert_allclose(projector.forward(35.90, 139.93)[0, :2], expected, atol=1e-4)


@settings(max_examples=10)  # each makes three coordinate systems, which is slow
@given(st.floats(-79.9, 83.9), st.floats(-180.0, 179.999))
def test_a_place_lies_in_its_mgrs_square(lat: float, lon: float) -> None:
    grid = mgrs_square(lat, lon)
    east, north = mgrs_corner(grid)
    found = Projector("MGRS", mgrs_grid=grid).forward(lat, lon)[0]
    if lat > -79.0 and abs(lat) > 0.01 and abs(lat / 8 - round(lat / 8)) > 0.15:
        # Away from the bands' edges, whose squares are cut by the band.
        assert 0.0 <= found[0] < 1e5 and 0.0 <= found[1] < 1e5
        assert 1e5 <= east < 9e5 and north >= 0.0


@pytest.mark.parametrize(
    "text, expected",
    [
        ("projector_type: Local", Projector()),
        ("projector_type: MGRS\nmgrs_grid: 54sve", Projector("MGRS", mgrs_grid="54SVE")),
        (
            "projector_type: LocalCartesianUTM\nmap_origin: {latitude: 35.6, longitude: 139}",
            Projector("LocalCartesianUTM", 35.6, 139.0),
        ),
        (
            "projector_type: LocalCartesian\nmap_origin:\n"
            "  latitude: 35.6\n  longitude: 139.6\n  altitude: 40",
            Projector("LocalCartesian", 35.6, 139.6, 40.0),
        ),
        (
            "projector_type: TransverseMercator\nvertical_datum: WGS84\n"
            "map_origin: {latitude: 36, longitude: 139.5}\nscale_factor: 0.9999",
            Projector("TransverseMercator", 36.0, 139.5, 0.0, "", 0.9999),
        ),
    ],
)
def test_all_five_types_are_read(tmp_path: Path, text: str, expected: Projector) -> None:
    path = tmp_path / "map_projector_info.yaml"
    path.write_text(text)
    assert read_projector(path) == expected


@pytest.mark.parametrize("kind", ["UtmProjector", "LocalCartesianProjector"])
def test_equals_the_lanelet2_library(kind: str) -> None:
    lanelet2 = pytest.importorskip("lanelet2", reason="the lanelet2 wheel is not installed")
    theirs = getattr(lanelet2.projection, kind)(lanelet2.io.Origin(48.1, 11.5, 500.0))
    name = "LocalCartesianUTM" if kind == "UtmProjector" else "LocalCartesian"
    found = Projector(name, 48.1, 11.5, 500.0).forward(LAT, LON, UP)
    for row, point in zip(found, zip(LAT, LON, UP, strict=True), strict=True):
        p = theirs.forward(lanelet2.core.GPSPoint(*(float(value) for value in point)))
        np.testing.assert_allclose(row, [p.x, p.y, p.z], atol=1e-6)


@pytest.mark.real_data
def test_all_nodes_of_autowares_map_to_a_millimetre(real_data: Path) -> None:
    osm = read_osm(real_data / "maps" / "autoware_test_map.osm")
    lat, lon = osm.geographic.T
    found = Projector("MGRS", mgrs_grid="54SVE").forward(lat, lon, osm.height)
    assert len(found) == 750
    assert np.abs(found[:, :2] - osm.local).max() < 1e-3
    assert {mgrs_square(*place) for place in osm.geographic[::50]} == {"54SVE"}
