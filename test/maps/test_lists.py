"""GeoJSON and CSV lists: what surveyors write, what we write, and what is wrong with them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyproj
import pytest

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps import load_map
from dalearn_ros.maps.lists import read_list, write_list
from dalearn_ros.maps.load import read_map
from dalearn_ros.maps.stated import along, heading_of
from dalearn_ros.maps.tags import TagClasses

SPACE = LabelSpace.load()
CLASSES = TagClasses()
HUGE = "a number of 5000 digits"


def csv_file(folder: Path, *lines: str) -> Path:
    path = folder / "survey.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def geojson_file(folder: Path, *features: object) -> Path:
    path = folder / "survey.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def feature(kind: str, coordinates: object, **properties: object) -> dict[str, object]:
    shape = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": shape, "properties": properties}


def test_headings_are_clockwise_from_north() -> None:
    assert along(90.0) == pytest.approx([1.0, 0.0, 0.0])
    assert along(180.0) == pytest.approx([0.0, -1.0, 0.0])
    for heading in (0.0, 33.0, 270.0):
        assert heading_of(along(heading)) == pytest.approx(heading)
    assert math.isnan(heading_of(np.array([0.0, 0.0, 1.0])))


def test_a_point_with_a_code_gets_the_nominal_size(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "id,code,x,y,z,heading_deg", "7,de205,10,20,2.5,270")
    found = read_list(path, CLASSES)
    assert found.ids.tolist() == ["7"]
    assert found.class_id.tolist() == [SPACE.id_of("regulating_sign")]
    assert found.point_m[0] == pytest.approx([10.0, 20.0, 2.5])
    assert found.normal[0] == pytest.approx([-1.0, 0.0, 0.0])
    size = SPACE.size_m[SPACE.id_of("regulating_sign")]
    # Seen from the west, its front, left is north: bottom-left has the larger y.
    corners = found.outlines_m[0] - [10.0, 20.0, 2.5]
    assert corners[0] == pytest.approx([0.0, size / 2, -size / 2])
    assert corners[2] == pytest.approx([0.0, -size / 2, size / 2])
    assert "1 of 1 landmarks are points without a size" in found.report.notes[0]


@pytest.mark.parametrize(
    "name, ahead, left",
    [("stop_line", 0.3, 3.5), ("crosswalk", 3.0, 7.0), ("arrow", 4.0, 1.0), ("symbol", 3.0, 1.0)],
)
def test_a_point_of_a_marking_is_its_lower_right_end(
    tmp_path: Path, name: str, ahead: float, left: float
) -> None:
    path = csv_file(tmp_path, "class,x,y,z,heading_deg", f"{name},5,6,0.5,0")
    found = read_list(path, CLASSES)
    assert found.point_m[0] == pytest.approx([5.0, 6.0, 0.5])
    outline = found.outlines_m[0]
    assert outline.min(axis=0) == pytest.approx([5.0 - left, 6.0, 0.5])
    assert outline.max(axis=0) == pytest.approx([5.0, 6.0 + ahead, 0.5])
    assert found.direction[0] == pytest.approx([0.0, 1.0, 0.0])


def test_latitudes_go_through_the_projector_of_the_map(tmp_path: Path) -> None:
    (tmp_path / "map_projector_info.yaml").write_text("projector_type: MGRS\nmgrs_grid: 32UPU\n")
    path = geojson_file(
        tmp_path, feature("Point", [11.5, 48.1, 520.0], **{"class": "signal", "heading_deg": 10})
    )
    found = load_map(path)
    x, y = pyproj.Transformer.from_crs(4326, 32632, always_xy=True).transform(11.5, 48.1)
    assert found.point_m[0] == pytest.approx([x % 1e5, y % 1e5, 520.0], abs=1e-4)
    assert np.ptp(found.outlines_m[0], axis=0)[2] == pytest.approx(1.0)


def test_without_a_projector_the_middle_is_assumed_and_told(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "lat;lon;ele;type", "48,1;11,5;520;de205", "48,101;11,5;520;de206")
    found = read_list(path, CLASSES)
    assert "UTM metres about latitude 48.1" in found.report.notes[0]
    apart = found.point_m[1] - found.point_m[0]
    _, _, metres = pyproj.Geod(ellps="WGS84").inv(11.5, 48.1, 11.5, 48.101)
    assert np.linalg.norm(apart) == pytest.approx(metres, rel=5e-4)  # the scale of UTM there
    assert found.point_m[:, 2].tolist() == [520.0, 520.0]


def test_lines_and_areas_of_a_geojson(tmp_path: Path) -> None:
    line = [[11.5, 48.1], [11.50004, 48.1]]
    area = [[11.5, 48.1], [11.50004, 48.1], [11.50004, 48.10003], [11.5, 48.10003], [11.5, 48.1]]
    path = geojson_file(
        tmp_path,
        feature("LineString", line, **{"class": "stop_line"}),
        feature("Polygon", [area], **{"class": "crosswalk", "heading_deg": 0, "id": "walk"}),
    )
    found = read_list(path, CLASSES)
    assert found.report.flat
    assert found.ids.tolist() == ["feature-1", "walk"]
    # Drawn from left to right, so traffic goes north; its right end is the eastern one.
    assert found.direction[0] == pytest.approx([0.0, 1.0, 0.0], abs=0.05)
    assert found.point_m[0, 0] > found.outlines_m[0][:, 0].mean()
    assert len(found.outlines_m[1]) == 4


@pytest.mark.parametrize("suffix", [".csv", ".geojson"])
def test_tilted_and_many_cornered_faces_come_back(tmp_path: Path, suffix: str) -> None:
    corners = "0 0 2|0.5 0 1.7|1 0 2|0.8 0.1 3|0.2 0.1 3"
    path = csv_file(
        tmp_path, "id,class,code,outline,heading_deg,x,y,z", f"a,signal,,{corners},0,,,"
    )
    first = read_list(path, CLASSES)
    assert first.normal[0, 1] > 0.9  # heading 0: it looks north
    projector = Projector("LocalCartesianUTM", 48.1, 11.5)
    write_list(first, tmp_path / f"again{suffix}", projector)
    again = read_list(tmp_path / f"again{suffix}", CLASSES, projector)
    assert again.outlines_m.values == pytest.approx(first.outlines_m.values, abs=1e-3)
    assert again.normal == pytest.approx(first.normal, abs=1e-3)


@pytest.mark.parametrize(
    "row, told",
    [
        ("q,de205,1,north,0,0", "line 2: its coordinates"),
        ("q,de205,1,1e12,0,0", "line 2: a coordinate is missing or absurd"),
        ("q,de205,nan,1,0,0", "line 2: a coordinate is missing or absurd"),
        ("q,de205,1,1,0,west", "heading_deg 'west' is no number"),
        ("q,arrow,1,1,0,", "(id 'q'): a road marking needs a heading_deg"),
        ("ok,de205,1,1,0,0", "the id 'ok' stands twice"),
    ],
)
def test_a_bad_row_is_told_and_the_others_are_read(tmp_path: Path, row: str, told: str) -> None:
    good = "ok,de205,3,4,2,0"
    path = csv_file(tmp_path, "id,class,x,y,z,heading_deg", row, good)
    if row.startswith("ok"):
        path = csv_file(tmp_path, "id,class,x,y,z,heading_deg", good, row)
    found = read_list(path, CLASSES)
    assert [3.0, 4.0, 2.0] in found.point_m.tolist()
    assert len(found.report.problems) == 1
    assert told in found.report.problems[0]


def test_a_row_without_a_height_takes_that_of_the_nearest_of_its_kind(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path,
        "id,class,x,y,z,heading_deg",
        "a,signal,0,0,105,0",
        "b,signal,50,0,115,0",
        "c,signal,40,0,,0",
        "d,arrow,0,0,101,0",
        "e,arrow,49,0,,0",
    )
    found = read_list(path, CLASSES)
    assert not found.report.flat
    assert found.point_m[:, 2].tolist() == [105.0, 115.0, 115.0, 101.0, 101.0]
    assert "2 landmarks have no height" in found.report.notes[0]


def test_unknown_codes_are_counted(tmp_path: Path) -> None:
    found = read_map(csv_file(tmp_path, "code,x,y", "xx99,1,2", "xx99,3,4", "de205,5,6"))
    assert dict(found.report.unknown) == {"xx99": 2}
    assert len(found) == 1


@pytest.mark.parametrize(
    "name, text, told",
    [
        ("a.csv", "", "a header with x and y"),
        ("a.csv", "id,class\n1,signal\n", "a header with x and y"),
        ("a.csv", "x,y\n1,2\n", "a column 'class'"),
        ("a.geojson", "{", "no JSON"),
        ("a.csv", "x" * 200_000 + ",y,class\n1,2,signal\n", "line 1: expected a CSV row"),
        ("a.csv", 'x,y,class\n1,2,"' + "s" * 200_000 + '"\n', "line [12]: expected a CSV row"),
        ("a.geojson", "[1]", "a FeatureCollection"),
        ("a.geojson", '{"type": "Topology"}', "'Topology'"),
        (
            "a.geojson",
            '{"features": [], "crs": {"properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}}',
            "WGS 84",
        ),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(MapError, match=told) as caught:
        read_list(tmp_path / name, CLASSES)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "bad, told",
    [
        (None, "no feature"),
        (feature("Point", [500_000.0, 5_300_000.0], **{"class": "signal"}), "not on Earth"),
        (feature("Point", ["a", 1], **{"class": "signal"}), "not longitude"),
        (feature("Point", [10**400, 1], **{"class": "signal"}), "left out"),
        (feature("Point", [HUGE, 1], **{"class": "signal"}), "not on Earth"),
        (feature("Polygon", [[[1, 2], [1, 2]]], **{"class": "signal"}), "only 1 positions"),
        (feature("Polygon", [3], **{"class": "signal"}), "no list of positions"),
        (feature("LineString", "ab", **{"class": "signal"}), "no list of positions"),
        (feature("Point", [200.0, 48.1], **{"class": "signal"}), "not on Earth"),
        (feature("MultiPoint", [[1, 2]], **{"class": "signal"}), "MultiPoint"),
    ],
)
def test_a_bad_feature_is_told_and_the_others_are_read(
    tmp_path: Path, bad: object, told: str
) -> None:
    good = feature("Point", [11.5, 48.1, 3], **{"class": "signal"})
    path = geojson_file(tmp_path, good, bad, good)
    path.write_text(path.read_text().replace(f'"{HUGE}"', "9" * 5000))
    found = read_list(path, CLASSES, Projector("MGRS", 0, 0, 0, "32UPU"))
    assert len(found) == 2
    assert told in found.report.problems[0]


def test_the_middle_is_that_of_the_rows_on_earth(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "lat,lon,class", "500,3,signal", "48,11,signal")
    found = read_list(path, CLASSES)
    assert len(found) == 1
    np.testing.assert_allclose(found.point_m[0, :2], [0.0, 0.0], atol=1e-6)
    assert "latitude 48.0, longitude 11.0" in found.report.notes[0]


def test_rows_far_from_all_others_are_left_out(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path, "lat,lon,class", *[f"48.{i},11,signal" for i in range(3)], "-48,170,signal"
    )
    found = read_list(path, CLASSES)
    assert len(found) == 3
    assert "line 5 (id 'line-5'): lies " in found.report.problems[0]


def test_geojson_of_a_local_map_is_refused(tmp_path: Path) -> None:
    landmarks = read_list(csv_file(tmp_path, "code,x,y", "de205,5,6"), CLASSES)
    with pytest.raises(MapError, match=r"write a \.csv"):
        write_list(landmarks, tmp_path / "out.geojson")
    assert not (tmp_path / "out.geojson").exists()
