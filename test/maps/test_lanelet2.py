"""Landmarks out of Lanelet2: hand-made streets, the writer's maps, and real ones."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import write_street

from dalearn_ros.core.errors import MapError
from dalearn_ros.maps import IndexedMap, load_map


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> IndexedMap:
    folder = tmp_path_factory.mktemp("street") / "map"
    write_street(folder)
    return load_map(folder)


def _row(landmarks: IndexedMap, tag: str, sign: str = "") -> int:
    rows = [
        i
        for i, (name, found) in enumerate(zip(landmarks.ids, landmarks.tags, strict=True))
        if str(found).startswith(tag) and str(name).endswith(sign)
    ]
    assert len(rows) == 1
    return rows[0]


def test_a_sign_is_a_rectangle_whose_centre_is_the_point(street: IndexedMap) -> None:
    row = _row(street, "traffic_sign:de274-30")
    assert street.class_id[row] == 2  # regulating_sign
    # Way from (40, -4.0, 2.2) to (40, -4.8, 2.2), height 0.8: middle, plus half the height.
    assert np.allclose(street.point_m[row], [40.0, -4.4, 2.6])
    assert np.allclose(street.normal[row], [-1.0, 0.0, 0.0])  # towards who comes along +x
    assert np.isnan(street.direction[row]).all()
    assert street.outlines_m[row].shape == (4, 3)
    assert street.outlines_m[row][:, 2].max() == pytest.approx(3.0)


def test_a_light_faces_the_other_way(street: IndexedMap) -> None:
    row = _row(street, "traffic_light")
    assert street.class_id[row] == 5  # signal
    assert np.allclose(street.point_m[row], [45.0, 4.2, 3.6])
    assert np.allclose(street.normal[row], [-1.0, 0.0, 0.0])


def test_lower_right_of_a_stop_line(street: IndexedMap) -> None:
    row = _row(street, "stop_line")
    assert np.allclose(street.direction[row], [1.0, 0.0, 0.0])
    # Right of who drives along +x is -y; lower is nearer to the driver: half of 0.4 m before it.
    assert np.allclose(street.point_m[row], [29.8, -3.3, 0.0])


def test_a_crosswalk_has_one_point_a_direction(street: IndexedMap) -> None:
    there, back = _row(street, "road_marking:crosswalk", "+"), _row(street, "road_marking", "-")
    assert np.allclose(street.direction[there], [1.0, 0.0, 0.0])
    assert np.allclose(street.point_m[there], [32.0, -3.4, 0.0])
    assert np.allclose(street.direction[back], [-1.0, 0.0, 0.0])
    assert np.allclose(street.point_m[back], [35.0, 3.4, 0.0])


def test_an_arrow_takes_its_lanes_direction(street: IndexedMap) -> None:
    row = _row(street, "road_marking:arrow_left")
    assert street.class_id[row] == 6
    assert np.allclose(street.point_m[row], [20.0, -2.0, 0.0])


def test_near_equals_brute_force(street: IndexedMap) -> None:
    for radius in (0.0, 5.0, 12.0, 1000.0):
        distance = np.linalg.norm(street.point_m[:, :2] - [33.0, -2.0], axis=1)
        found = street.near([33.0, -2.0, 99.0], radius)
        assert found.tolist() == np.flatnonzero(distance <= radius).tolist()


OSM = """<?xml version="1.0"?>
<osm version="0.6">
 <node id="1" lat="49.0" lon="8.4"/><node id="2" lat="49.0" lon="8.40001"/>
 <node id="3" lat="95.0" lon="8.4"/><node id="4" lat="49.0" lon="8.4"/>
 <node id="1" lat="1" lon="1"/>
 <way id="10"><nd ref="1"/><nd ref="2"/>{sign}</way>
 {more}
</osm>
"""
SIGN = '<tag k="type" v="traffic_sign"/><tag k="subtype" v="de205"/>'


def _osm(folder: Path, sign: str = SIGN, more: str = "") -> Path:
    path = folder / "one.osm"
    path.write_text(OSM.format(sign=sign, more=more))
    return path


def test_what_cannot_be_read_is_listed_and_the_rest_is_read(tmp_path: Path) -> None:
    more = (
        f'<way id="11"><nd ref="1"/>{SIGN}</way>'
        f'<way id="12"><nd ref="1"/><nd ref="4"/>{SIGN}</way>'
        f'<way id="13"><nd ref="1"/><nd ref="2"/><nd ref="77"/>{SIGN}</way>'
        f'<way id="14"><nd ref="1"/><nd ref="2"/>{SIGN}<tag k="height" v="tall"/></way>'
        '<way id="15"><nd ref="1"/><nd ref="2"/>'
        '<tag k="type" v="traffic_sign"/><tag k="subtype" v="xx999"/></way>'
    )
    landmarks = load_map(_osm(tmp_path, more=more))
    assert sorted(landmarks.ids.tolist()) == ["10", "13"]
    told = "\n".join(landmarks.report.problems)
    for sentence in (
        "node 3: latitude 95.0",
        "node 1: stands twice",
        "way 11 (traffic_sign): it has fewer than two nodes",
        "way 12 (traffic_sign): it has fewer than two nodes",
        "way 13: its node 77 is not in the file",
        "way 14 (traffic_sign): its height 'tall' is not a number",
    ):
        assert sentence in told
    assert landmarks.report.unknown == Counter({"traffic_sign:xx999": 1})
    assert "map_projector_info.yaml" in landmarks.report.notes[0]


def test_entities_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.osm"
    path.write_text(
        '<!DOCTYPE osm [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><osm><node id="&b;"/></osm>'
    )
    with pytest.raises(MapError, match="without entities"):
        load_map(path)


@pytest.mark.parametrize(
    "content, named",
    [("<osm><node", "line 1"), ("<kml/>", "<kml>"), ("", "XML"), ("<osm/>", "with a class")],
)
def test_a_broken_file_is_a_sentence(tmp_path: Path, content: str, named: str) -> None:
    path = tmp_path / "map.osm"
    path.write_text(content)
    with pytest.raises(MapError, match=named) as caught:
        load_map(path)
    assert str(path) in str(caught.value)


def test_no_map_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="no such map"):
        load_map(tmp_path / "nowhere")
    with pytest.raises(MapError, match=r"no \.osm file"):
        load_map(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(MapError, match=r"'\.txt' file"):
        load_map(tmp_path / "a.txt")


def test_a_map_without_landmarks_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="expected landmarks with a class"):
        load_map(_osm(tmp_path, sign=""))


def test_a_local_map_needs_local_coordinates(tmp_path: Path) -> None:
    path = _osm(tmp_path)
    (tmp_path / "map_projector_info.yaml").write_text("projector_type: Local\n")
    with pytest.raises(MapError, match="local_x"):
        load_map(path)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name, tags, classes",
    [
        (
            "fzi_mapping_example",
            {
                "traffic_light": 10,
                "traffic_sign": 11,
                "stop_line": 28,
                "symbol": 1,
                "zebra_marking": 8,
                "pedestrian_marking": 61,
                "zig-zag": 13,
            },
            {2: 6, 3: 5, 5: 10, 7: 28, 9: 1},  # five de205 and one de274, five de301
        ),
        (
            "autoware_test_map",
            {
                "traffic_light": 31,
                "light_bulbs": 23,
                "stop_line": 9,
                "pedestrian_marking": 51,
                "line_thin": 45,
                "virtual": 25,
                "detection_area": 1,
                "no_stopping_area": 1,
            },
            {5: 31, 7: 9, 8: 8},  # four crosswalks, each met from both sides
        ),
        (
            "autoware_mvp_test_map",
            {
                "traffic_light": 3,
                "light_bulbs": 3,
                "stop_line": 2,
                "traffic_sign": 1,
                "line_thin": 29,
                "parking_lot": 1,
                "parking_space": 5,
            },
            {2: 1, 5: 3, 7: 2, 8: 8},
        ),
    ],
)
def test_real_maps(
    real_data: Path, name: str, tags: dict[str, int], classes: dict[int, int]
) -> None:
    landmarks = load_map(real_data / "maps" / f"{name}.osm")
    assert {key: landmarks.report.by_tag[key] for key in tags} == tags
    found = Counter(landmarks.class_id.tolist())
    assert {key: found[key] for key in classes} == classes
    assert np.isfinite(landmarks.point_m).all()
    assert len(set(landmarks.ids.tolist())) == len(landmarks)
    assert landmarks.report.problems == ()


@pytest.mark.real_data
def test_latitudes_give_autowares_local_coordinates(real_data: Path, tmp_path: Path) -> None:
    """The test map once with its local_x/local_y, once by its latitudes: the same to 1 mm."""
    text = (real_data / "maps" / "autoware_test_map.osm").read_text()
    with_local = load_map(real_data / "maps" / "autoware_test_map.osm")
    lines = [line for line in text.splitlines() if "local_x" not in line and "local_y" not in line]
    (tmp_path / "lanelet2_map.osm").write_text("\n".join(lines))
    (tmp_path / "map_projector_info.yaml").write_text("projector_type: MGRS\nmgrs_grid: 54SVE\n")
    by_latitude = load_map(tmp_path)
    assert with_local.ids.tolist() == by_latitude.ids.tolist()
    assert np.abs(with_local.point_m - by_latitude.point_m).max() < 1e-3
