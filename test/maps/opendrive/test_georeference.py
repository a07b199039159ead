"""From a file's metres to the globe and into the frame of the vehicle, against pyproj."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pyproj
import pytest
from helpers.opendrive import road, sign, signals, write

from dalearn_ros.core.errors import MapError
from dalearn_ros.maps import load_map
from dalearn_ros.maps.opendrive.georeference import read_georeference

TMERC = "+proj=tmerc +lat_0=49 +lon_0=8.4 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m"
UTM = (
    "<header><geoReference> <![CDATA[+proj=utm +zone=32 +datum=WGS84 +units=m "
    "+geoidgrids=egm96_15.gtx +vunits=m +no_defs]]>\n</geoReference>"
    '<offset x="456000" y="5428000" z="110" hdg="0.3"/></header>'
)


def test_offset_and_heading_come_before_the_projection() -> None:
    reference = read_georeference(fromstring(UTM))
    assert reference is not None
    lat, lon, height = reference.geographic([[100.0, 20.0, 3.0]])
    x = 456000.0 + 100.0 * np.cos(0.3) - 20.0 * np.sin(0.3)
    y = 5428000.0 + 100.0 * np.sin(0.3) + 20.0 * np.cos(0.3)
    expected = pyproj.Proj(proj="utm", zone=32, datum="WGS84")(x, y, inverse=True)
    assert np.allclose((lon[0], lat[0]), expected, atol=1e-11)
    assert height[0] == pytest.approx(113.0)


def test_no_georeference_is_none_and_a_wrong_one_a_sentence() -> None:
    assert read_georeference(None) is None
    assert read_georeference(fromstring("<header><geoReference/></header>")) is None
    for text in ("+proj=flat", "somewhere"):
        with pytest.raises(ValueError, match="PROJ does not understand"):
            read_georeference(fromstring(f"<header><geoReference>{text}</geoReference></header>"))


def _map(folder: Path, header: str, info: str = "") -> Path:
    path = write(folder, road(signals(sign())), header=header)
    if info:
        (folder / "map_projector_info.yaml").write_text(info)
    return path


def test_a_projector_beside_the_map_gives_its_frame(tmp_path: Path) -> None:
    info = "projector_type: MGRS\nmgrs_grid: 32UMV\n"
    header = f"<header><geoReference>{TMERC}</geoReference></header>"
    found = load_map(_map(tmp_path, header, info))
    lon, lat = pyproj.Proj(TMERC)(50.0, -4.0, inverse=True)
    easting, northing = pyproj.Proj(proj="utm", zone=32, datum="WGS84")(lon, lat)
    expected = [easting % 1e5, northing % 1e5, 2.3]
    assert np.abs(found.point_m[0] - expected).max() < 1e-3
    # West of zone 32's middle, meridians lean to the right: what looks west looks a little north.
    factors = pyproj.Proj(proj="utm", zone=32, datum="WGS84").get_factors(lon, lat)
    lean = abs(np.radians(factors.meridian_convergence))
    assert np.allclose(found.normal[0], [-np.cos(lean), np.sin(lean), 0.0], atol=2e-5)
    assert "projector MGRS" in found.report.notes[-1]


def test_without_a_projector_the_files_own_metres_stay(tmp_path: Path) -> None:
    found = load_map(_map(tmp_path, UTM))
    assert np.allclose(found.point_m, [[50.0, -4.0, 2.3]])
    assert found.report.problems == ()


def test_a_projector_needs_a_georeference(tmp_path: Path) -> None:
    info = "projector_type: MGRS\nmgrs_grid: 32UMV\n"
    with pytest.raises(MapError, match="usable <geoReference>, found none. Take the projector"):
        load_map(_map(tmp_path, "<header/>", info))


def test_a_georeference_that_nobody_needs_is_only_a_problem(tmp_path: Path) -> None:
    found = load_map(_map(tmp_path, "<header><geoReference>mars</geoReference></header>"))
    assert len(found) == 1
    assert "'mars'" in found.report.problems[0]
