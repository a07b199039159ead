"""Lights and the lanes that must obey them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.osm_text import lane, local_node, relation, way, write_osm

from dalearn_ros.maps import IndexedMap, load_map

RULE = {"kind": "regulatory_element", "subtype": "traffic_light"}


@pytest.fixture
def junction(tmp_path: Path) -> IndexedMap:
    """A lane along +x, 3 m wide about y = 0, that stops at x = 20 for light 50; a footway."""
    nodes = [(0, 1.5), (40, 1.5), (0, -1.5), (40, -1.5), (20, -2), (20, 2), (45, 1), (45, 0)]
    nodes += [(30, 5), (30, -5), (33, 5), (33, -5), (31, 6), (32, 6)]
    path = write_osm(
        tmp_path / "m.osm",
        *(local_node(i, x, y) for i, (x, y) in enumerate(nodes)),
        way(10, [0, 1], kind="line_thin"),
        way(11, [2, 3], kind="line_thin"),
        way(12, [8, 9], kind="pedestrian_marking"),
        way(13, [10, 11], kind="pedestrian_marking"),
        way(40, [4, 5], kind="stop_line"),
        way(50, [6, 7], kind="traffic_light", height=1),
        way(51, [12, 13], kind="traffic_light", height=1),
        relation(
            60, [("way", 50, "refers"), ("way", 40, "ref_line"), ("way", 77, "refers")], **RULE
        ),
        relation(61, [("way", 51, "refers")], **RULE),
        lane(70, 10, 11, 60, 99),
        lane(71, 12, 13, 61, subtype="crosswalk"),
        lane(72, 10, 78),
    )
    return load_map(path)


def test_the_table(junction: IndexedMap) -> None:
    links = junction.links
    assert links.landmark_id.tolist() == ["50", "51"]
    assert links.lanelet_id.tolist() == ["70", "71"]
    assert links.stop_line_id.tolist() == ["40", ""]
    assert links.for_vehicles.tolist() == [True, False]
    np.testing.assert_allclose(links.stop_m[0], [20.0, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(links.direction[0], [1.0, 0.0, 0.0], atol=1e-9)
    assert links.half_width_m[0] == pytest.approx(1.5)
    assert links.lanelets_of("50") == ["70"] and links.lanelets_of("x") == []


def test_without_a_stop_line_a_lane_stops_at_its_end(junction: IndexedMap) -> None:
    np.testing.assert_allclose(junction.links.stop_m[1], [31.5, 5.0, 0.0], atol=1e-9)


@pytest.mark.parametrize(
    "x, y, yaw, seen",
    [
        (5.0, 0.5, 0.0, ["50"]),
        (-20.0, 0.0, 0.3, ["50"]),  # before the lane begins, by its straight course
        (21.0, 0.0, 0.0, []),  # past the line
        (-40.0, 0.0, 0.0, []),  # too far
        (5.0, 2.5, 0.0, []),  # beside the lane
        (5.0, 0.5, 3.1, []),  # the other way
        (31.5, 2.0, 1.57, []),  # on the footway: not for vehicles
    ],
)
def test_the_relevant_light(
    junction: IndexedMap, x: float, y: float, yaw: float, seen: list[str]
) -> None:
    assert junction.links.relevant([x, y, 0.0], yaw, 50.0) == seen


def test_references_into_nothing_are_told(junction: IndexedMap) -> None:
    told = "\n".join(junction.report.problems)
    assert "lanelet 70: its regulatory element 99 is not in the file" in told
    assert "regulatory element 60: its refers, way 77, is not in the file" in told
    assert "lanelet 72: lacks a left or a right bound" in told


def test_a_selection_keeps_the_links(junction: IndexedMap) -> None:
    assert len(junction.select([0]).links) == 2


@pytest.mark.real_data
def test_every_light_of_autowares_map_has_a_lane(real_data: Path) -> None:
    """23 lights with bulbs are the vehicles', the 8 others those of the four crosswalks."""
    landmarks = load_map(real_data / "maps" / "autoware_test_map.osm")
    links = landmarks.links
    lights = {str(i) for i, c in zip(landmarks.ids, landmarks.class_id, strict=True) if c == 5}
    vehicles = set(links.landmark_id[links.for_vehicles].tolist())
    pedestrians = set(links.landmark_id[~links.for_vehicles].tolist())
    assert len(vehicles) == 23 and len(pedestrians) == 8
    assert vehicles | pedestrians == lights and not vehicles & pedestrians
    # Every vehicle lane stops where its stop line is drawn.
    for name, stop in zip(links.stop_line_id, links.stop_m, strict=True):
        if name:
            row = int(np.flatnonzero(landmarks.ids == name)[0])
            outline = landmarks.outlines_m[row]
            assert np.linalg.norm(outline[:, :2] - stop[:2], axis=1).min() < 10.0
