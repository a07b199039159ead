"""The map that we write is an OSM file that other tools place rightly."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pyproj
import pytest
import yaml

from dalearn_ros.maps.lanelet2_writer import Lanelet2Writer, Origin

ORIGIN = Origin(48.137, 11.575, 500.0)


def _tags(element: ElementTree.Element) -> dict[str, str]:
    return {tag.get("k", ""): tag.get("v", "") for tag in element.findall("tag")}


@pytest.fixture
def root(tmp_path: Path) -> ElementTree.Element:
    writer = Lanelet2Writer(ORIGIN)
    left = writer.way([[0, 3, 1], [100, 3, 2]], {"type": "line_thin"})
    right = writer.way([[0, 0, 1], [100, 0, 2]], {"type": "line_thin"})
    writer.lanelet(left, right, {"speed_limit": 50})
    outline = [[10, 0, 1], [10, 3, 1], [14, 3, 1]]
    writer.way(outline, {"type": "road_marking", "subtype": "a<b"}, closed=True)
    writer.way([[100, 3, 2], [200, 3, 2]], {"type": "line_thin", "width": 0.5})
    path = writer.write(tmp_path)
    return ElementTree.parse(path).getroot()


def test_positions_agree_with_the_projection_of_the_origin(root: ElementTree.Element) -> None:
    utm = pyproj.Proj(proj="utm", zone=32, datum="WGS84")  # 11.575 degrees east lies in zone 32
    zero = np.array(utm(11.575, 48.137))
    nodes = root.findall("node")
    assert len(nodes) == 8
    for node in nodes:
        tags = _tags(node)
        local = np.array([float(tags["local_x"]), float(tags["local_y"])])
        there = np.array(utm(float(node.get("lon", "")), float(node.get("lat", ""))))
        np.testing.assert_allclose(there - zero, local, atol=2e-3)
        assert float(tags["ele"]) in (501.0, 502.0)


def test_ways_share_their_common_nodes_and_close(root: ElementTree.Element) -> None:
    ways = [[nd.get("ref") for nd in way.findall("nd")] for way in root.findall("way")]
    assert ways[0][-1] == ways[3][0]  # (100, 3, 2)
    assert ways[2][0] == ways[2][-1]
    assert len(ways[2]) == 4
    assert _tags(root.findall("way")[2])["subtype"] == "a<b"
    assert _tags(root.findall("way")[3])["width"] == "0.500"


def test_a_lanelet_names_its_bounds(root: ElementTree.Element) -> None:
    (relation,) = root.findall("relation")
    ids = [way.get("id") for way in root.findall("way")]
    members = [(m.get("role"), m.get("ref")) for m in relation.findall("member")]
    assert members == [("left", ids[0]), ("right", ids[1])]
    assert _tags(relation)["speed_limit"] == "50"
    assert _tags(relation)["type"] == "lanelet"


def test_the_projector_file_names_the_origin(tmp_path: Path) -> None:
    writer = Lanelet2Writer(ORIGIN)
    writer.way([[0, 0, 0], [1, 0, 0]], {"type": "line_thin"})
    writer.write(tmp_path)
    info = yaml.safe_load((tmp_path / "map_projector_info.yaml").read_text())
    assert info["projector_type"] == "LocalCartesianUTM"
    assert info["map_origin"] == {"latitude": 48.137, "longitude": 11.575, "altitude": 500.0}
