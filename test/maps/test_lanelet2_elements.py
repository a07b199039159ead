"""Kinds of Lanelet2 elements beyond signs and lines: marks, markers, polygons, bulbs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.osm_text import lane, local_node, relation, way, write_osm

from dalearn_ros.core.errors import MapError
from dalearn_ros.landmarks.catalogue import Catalogue, LabelSpace
from dalearn_ros.maps import IndexedMap, load_map
from dalearn_ros.maps.elements import painted_mark, polygon_face
from dalearn_ros.maps.osm import read_osm

ROAD = [
    *(local_node(i, x, y) for i, (x, y) in enumerate([(0, 2), (50, 2), (0, -2), (50, -2)])),
    way(10, [0, 1], kind="line_thin"),
    way(11, [2, 3], kind="line_thin"),
    lane(12, 10, 11),
]


def _load(folder: Path, *elements: str, catalogue: Catalogue | None = None) -> IndexedMap:
    return load_map(write_osm(folder / "m.osm", *ROAD, *elements), catalogue)


def _names(landmarks: IndexedMap) -> list[str]:
    names = LabelSpace.load().names
    return [names[i] for i in landmarks.class_id]


def test_arrows_and_symbols_by_outline_and_by_centre_line(tmp_path: Path) -> None:
    corners = [(20, -0.5), (24, -0.5), (24, 0.5), (20, 0.5)]
    landmarks = _load(
        tmp_path,
        *(local_node(100 + i, x, y) for i, (x, y) in enumerate(corners)),
        way(20, [100, 101, 102, 103, 100], kind="arrow", subtype="straight_left"),
        local_node(110, 30, 0.2),
        local_node(111, 34, 0.2),
        way(21, [110, 111], kind="symbol", subtype="30", width=1.2),
        way(22, [110, 111], kind="arrow", subtype="left"),
    )
    assert landmarks.ids.tolist() == ["20", "21", "22"]
    assert _names(landmarks) == ["arrow", "symbol", "arrow"]
    # Lower right of who comes along +x: the smaller x, the smaller y.
    np.testing.assert_allclose(landmarks.point_m[0], [20.0, -0.5, 0.0])
    np.testing.assert_allclose(landmarks.point_m[1], [30.0, 0.2 - 0.6, 0.0])
    np.testing.assert_allclose(landmarks.point_m[2], [30.0, 0.2 - 0.5, 0.0])
    assert landmarks.report.by_tag["arrow"] == 2 and landmarks.report.by_tag["symbol"] == 1


def test_an_arrow_outside_all_lanes_is_told(tmp_path: Path) -> None:
    landmarks = _load(
        tmp_path,
        local_node(100, 20, 30),
        local_node(101, 24, 30),
        way(20, [100, 101], kind="arrow", subtype="left"),
        way(21, [1, 3], kind="stop_line"),
    )
    assert landmarks.ids.tolist() == ["21"]
    assert "way 20 (arrow): it lies in no lane" in landmarks.report.problems[0]


def test_pose_markers_are_listed_and_read_with_a_class_of_their_own(tmp_path: Path) -> None:
    """Autoware's AprilTags: four corners, counter-clockwise seen from the front, here from -x."""
    corners = [(40, 0.2, 1.0), (40, -0.2, 1.0), (40, -0.2, 1.4), (40, 0.2, 1.4)]
    marker = [
        *(local_node(100 + i, *corner) for i, corner in enumerate(corners)),
        way(20, [100, 101, 102, 103], kind="pose_marker", subtype="apriltag_16h5", marker_id=0),
        way(21, [1, 3], kind="stop_line"),
    ]
    landmarks = _load(tmp_path, *marker)
    assert landmarks.report.unknown["pose_marker:apriltag_16h5"] == 1
    assert landmarks.report.by_tag["pose_marker"] == 1
    space = LabelSpace.from_dict({"classes": [{"name": "tag", "rule": "center"}]})
    own = Catalogue("own", space, {"pose_marker": {"*": 1}})
    tags = _load(tmp_path, *marker, catalogue=own)
    np.testing.assert_allclose(tags.point_m, [[40.0, 0.0, 1.2]])
    np.testing.assert_allclose(tags.normal, [[-1.0, 0.0, 0.0]])


def test_a_light_drawn_as_a_polygon(tmp_path: Path) -> None:
    """Lanelet2 allows it; no height tag is needed then."""
    corners = [(40, 3.4, 3.0), (40, 3.0, 3.0), (40, 3.0, 4.2), (40, 3.4, 4.2)]
    landmarks = _load(
        tmp_path,
        *(local_node(100 + i, *corner) for i, corner in enumerate(corners)),
        way(20, [100, 101, 102, 103, 100], kind="traffic_light"),
        way(21, [100, 101, 102, 103], kind="traffic_sign", subtype="de205", area="yes"),
    )
    assert landmarks.ids.tolist() == ["20", "21"]
    np.testing.assert_allclose(landmarks.point_m, [[40.0, 3.2, 3.6]] * 2)
    np.testing.assert_allclose(landmarks.normal, [[-1.0, 0.0, 0.0]] * 2)


def test_a_crosswalk_takes_the_polygon_of_its_rule(tmp_path: Path) -> None:
    corners = [(30, -3), (34, -3), (34, 3), (30, 3)]
    landmarks = _load(
        tmp_path,
        *(local_node(100 + i, x, y) for i, (x, y) in enumerate(corners)),
        way(30, [100, 103], kind="virtual"),
        way(31, [101, 102], kind="virtual"),
        way(32, [100, 101, 102, 103], kind="crosswalk_polygon", area="yes"),
        relation(
            60,
            [("way", 32, "crosswalk_polygon"), ("relation", 70, "refers")],
            kind="regulatory_element",
            subtype="crosswalk",
        ),
        lane(70, 30, 31, 60, subtype="crosswalk"),
    )
    assert landmarks.ids.tolist() == ["70:+"] and _names(landmarks) == ["crosswalk"]
    np.testing.assert_allclose(landmarks.point_m, [[30.0, -3.0, 0.0]])
    assert landmarks.report.problems == ()


def test_elements_without_an_id_are_told(tmp_path: Path) -> None:
    lost = ('<node lat="1" lon="2"/>', '<way><nd ref="1"/></way>', "<relation/>")
    path = write_osm(tmp_path / "m.osm", *ROAD, *lost)
    read = read_osm(path)
    assert "" not in {*read.node_ids, *read.ways, *read.relations}
    assert [text.partition(" has")[0] for text in read.problems] == [
        "a node",
        "a way",
        "a relation",
    ]


def test_ids_that_stand_twice_are_told(tmp_path: Path) -> None:
    path = write_osm(tmp_path / "m.osm", *ROAD, ROAD[0], ROAD[4], lane(12, 11, 10))
    assert read_osm(path).problems == [
        "node 0: stands twice in the file; the first is kept. Give each its own id.",
        "way 10: stands twice in the file; the first is kept. Give each its own id.",
        "relation 12: stands twice in the file; the first is kept. Give each its own id.",
    ]


def test_nodes_may_follow_the_ways(tmp_path: Path) -> None:
    osm = read_osm(write_osm(tmp_path / "m.osm", *reversed(ROAD)))
    assert osm.problems == [] and len(osm.ways["10"].nodes) == 2


def test_an_entity_bomb_in_a_tile_is_left_out(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE osm [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><osm><node id="&b;"/></osm>'
    write_osm(tmp_path / "lanelet2_map.osm" / "a.osm", *ROAD, way(21, [1, 3], kind="stop_line"))
    (tmp_path / "lanelet2_map.osm" / "b.osm").write_text(bomb)
    landmarks = load_map(tmp_path)
    assert len(landmarks) == 1 and "without entities" in landmarks.report.problems[0]
    (tmp_path / "lanelet2_map.osm" / "a.osm").unlink()
    with pytest.raises(MapError, match="without entities"):
        load_map(tmp_path)


def test_faces_and_marks_of_bad_polygons() -> None:
    with pytest.raises(ValueError, match="three corners"):
        polygon_face(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="no area"):
        polygon_face(np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]))
    bent = np.array([[0.0, 0, 0], [2, 0.02, 0], [4, 0, 0]])  # a centre line, drawn by hand
    assert painted_mark(bent, 1.0).shape == (6, 3)
    triangle = np.array([[0.0, 0, 0], [4, 1, 0], [4, -1, 0]])
    assert painted_mark(triangle, 1.0) is triangle


@pytest.mark.real_data
def test_bulbs_surround_the_reference_point(real_data: Path) -> None:
    """The centre that we take (half the height over the lower edge) is that of the bulbs.

    An independent check of `height`: the bulbs are surveyed on their own.
    """
    path = real_data / "maps" / "autoware_test_map.osm"
    landmarks, osm = load_map(path), read_osm(path)
    xyz = np.column_stack([osm.local, osm.height])
    rows = {str(name): i for i, name in enumerate(landmarks.ids)}
    offsets = []
    for one in osm.ways.values():
        if one.tags.get("type") == "light_bulbs":
            bulbs = xyz[[osm.node_ids[node] for node in one.nodes]]
            point = landmarks.point_m[rows[one.tags["traffic_light_id"]]]
            offsets.append(bulbs.mean(axis=0) - point)
    assert len(offsets) == 23
    assert np.linalg.norm(offsets, axis=1).max() < 0.3


@pytest.mark.real_data
def test_lights_and_lanes_equal_the_lanelet2_library(real_data: Path) -> None:
    """On a map that the wheel reads: same lines to 1 mm, same lights for the same lanes."""
    lanelet2 = pytest.importorskip("lanelet2", reason="the lanelet2 wheel is not installed")
    path = real_data / "maps" / "fzi_mapping_example.osm"
    landmarks = load_map(path)
    # "There is no map_projector_info.yaml: UTM metres about latitude A, longitude B"
    words = landmarks.report.notes[0].replace(",", "").split()
    origin = (float(words[words.index(key) + 1]) for key in ("latitude", "longitude"))
    projector = lanelet2.projection.UtmProjector(lanelet2.io.Origin(*origin))
    theirs, _ = lanelet2.io.loadRobust(str(path), projector)
    lines = {str(line.id): line for line in theirs.lineStringLayer}
    lights = np.flatnonzero(landmarks.class_id == 5)
    for row in lights:
        line = lines[str(landmarks.ids[row])]
        ends = [[p.x, p.y] for p in (line[0], line[len(line) - 1])]
        np.testing.assert_allclose(landmarks.outlines_m[row][:2, :2], ends, atol=1e-3)
    assert len(lights) == 10
    expected = {
        (str(shape.id), str(one.id))
        for one in theirs.laneletLayer
        for rule in one.trafficLights()
        for shape in rule.trafficLights
    }
    links = landmarks.links
    signals = set(landmarks.ids[lights].tolist())
    found = {
        (light, name)
        for light, name in zip(links.landmark_id.tolist(), links.lanelet_id.tolist(), strict=True)
        if light in signals
    }
    assert found == expected and len(found) >= 10
