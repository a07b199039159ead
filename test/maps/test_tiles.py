"""A map in tiles is the map in one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.osm_text import local_node, way, write_osm

from dalearn_ros.core.errors import MapError
from dalearn_ros.maps import load_map

NODES = {1: (10.0, 50.0), 2: (10.0, 49.0), 3: (99.5, 50.0), 4: (100.5, 50.0), 5: (150.0, 9.0)}
METADATA = "x_resolution: 100.0\ny_resolution: 100.0\n"


def _node(name: int) -> str:
    return local_node(name, *NODES[name], 2.0)


def _sign(name: int, *nodes: int) -> str:
    return way(name, nodes, kind="traffic_sign", subtype="de205", height=1)


def _tiles(folder: Path) -> Path:
    """West and east tile; sign 20 on the seam stands in both, in the west one without a node."""
    tiles = folder / "lanelet2_map.osm"
    write_osm(tiles / "0_0.osm", *map(_node, (1, 2, 3)), _sign(10, 1, 2), _sign(20, 3, 4))
    write_osm(tiles / "100_0.osm", *map(_node, (3, 4, 5)), _sign(20, 3, 4), _sign(30, 4, 5))
    (folder / "lanelet2_map_metadata.yaml").write_text(
        METADATA + "0_0.osm: [0.0, 0.0]\n100_0.osm: [100.0, 0.0]\n"
    )
    return folder


def test_tiles_equal_one_file(tmp_path: Path) -> None:
    one = write_osm(
        tmp_path / "one.osm", *map(_node, NODES), _sign(10, 1, 2), _sign(20, 3, 4), _sign(30, 4, 5)
    )
    folder = _tiles(tmp_path / "map")
    whole, parts = load_map(one), load_map(folder)
    assert parts.ids.tolist() == whole.ids.tolist() == ["10", "20", "30"]
    np.testing.assert_array_equal(parts.point_m, whole.point_m)
    assert parts.report.by_tag == whole.report.by_tag
    # The folder of the tiles itself may be named, and so may tiles beside their metadata.
    assert len(load_map(folder / "lanelet2_map.osm")) == 3
    (folder / "lanelet2_map.osm").rename(folder / "tiles")
    (folder / "lanelet2_map_metadata.yaml").rename(folder / "tiles/lanelet2_map_metadata.yaml")
    assert len(load_map(folder / "tiles")) == 3


def test_without_metadata_all_tiles_are_read(tmp_path: Path) -> None:
    folder = _tiles(tmp_path)
    (folder / "lanelet2_map_metadata.yaml").unlink()
    assert load_map(folder).ids.tolist() == ["10", "20", "30"]


def test_a_missing_and_a_broken_tile_are_told(tmp_path: Path) -> None:
    folder = _tiles(tmp_path)
    (folder / "lanelet2_map.osm" / "b.osm").write_text("<osm><node")
    with (folder / "lanelet2_map_metadata.yaml").open("a") as file:
        file.write("a.osm: [200, 0]\nb.osm: [300, 0]\n")
    landmarks = load_map(folder)
    assert len(landmarks) == 3
    told = "\n".join(landmarks.report.problems)
    assert "a tile is left out" in told and "a.osm: there is no such map file" in told
    assert "b.osm, line 1" in told


def test_a_tile_outside_its_square_is_told(tmp_path: Path) -> None:
    folder = _tiles(tmp_path)
    (folder / "lanelet2_map_metadata.yaml").write_text(
        METADATA + "0_0.osm: [0.0, 0.0]\n100_0.osm: [5100.0, 0.0]\n"
    )
    problems = load_map(folder).report.problems
    assert any("100_0.osm: none of its 3 nodes lies in its square" in p for p in problems)


def test_tiles_of_two_maps_are_told(tmp_path: Path) -> None:
    folder = _tiles(tmp_path)
    moved = local_node(3, 99.5, 58.0, 2.0)
    write_osm(folder / "lanelet2_map.osm" / "100_0.osm", moved, _node(4), _node(5), _sign(30, 4, 5))
    problems = load_map(folder).report.problems
    assert any(p.startswith("node 3: stands at another place in 100_0.osm") for p in problems)


@pytest.mark.parametrize(
    "text, named",
    [
        ("x_resolution: 100.0\n", "y_resolution"),
        ("x_resolution: 0.0\ny_resolution: 5\n", "sizes above 0"),
        (METADATA + "0_0.osm: [0.0]\n", "0_0.osm"),
        (METADATA + "0_0.osm: [0.0, .nan]\n", "2 numbers"),
        ("- 1", "x_resolution"),
        ("a: [", "YAML"),
        (METADATA, "tiles"),
    ],
)
def test_bad_metadata_are_a_sentence(tmp_path: Path, text: str, named: str) -> None:
    folder = _tiles(tmp_path)
    (folder / "lanelet2_map_metadata.yaml").write_text(text)
    with pytest.raises(MapError, match=named) as caught:
        load_map(folder)
    assert str(folder) in str(caught.value)
