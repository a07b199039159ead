"""Nodes in the map frame, and the sentences about those that are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.osm_text import earth_node, local_node, way, write_osm

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.maps import load_map
from dalearn_ros.maps.osm import read_osm
from dalearn_ros.maps.positions import place_nodes

MGRS = Projector("MGRS", mgrs_grid="54SVE")
KASHIWA = (35.90327302735748, 139.93366161080428)


def _light(path: Path, *nodes: str) -> Path:
    return write_osm(path / "m.osm", *nodes, way(9, [1, 2], kind="traffic_light", height=1))


def test_empty_latitudes_beside_local_coordinates(tmp_path: Path) -> None:
    path = _light(tmp_path, local_node(1, 5, 7, 3), local_node(2, 5, 6, 3))
    landmarks = load_map(path)
    assert landmarks.report.problems == () and landmarks.report.notes == ()
    np.testing.assert_allclose(landmarks.point_m, [[5.0, 6.5, 3.5]])


def test_a_flat_map_says_so(tmp_path: Path) -> None:
    path = _light(tmp_path, local_node(1, 5, 7, None), local_node(2, 5, 6, None))
    landmarks = load_map(path)
    assert landmarks.report.flat
    assert "2 of 2 nodes have no height" in landmarks.report.notes[0]
    assert landmarks.point_m[0, 2] == 0.5  # half of its height over 0


def test_few_heights_do_not_make_a_map_with_heights(tmp_path: Path) -> None:
    nodes = [local_node(i, i, 0, 3.0 if i == 7 else None) for i in range(1, 8)]
    placed = place_nodes(read_osm(write_osm(tmp_path / "m.osm", *nodes)), None)
    assert placed.flat and (placed.points_m[:, 2] == 0.0).all()


def test_a_local_coordinate_that_is_no_number_is_told(tmp_path: Path) -> None:
    tags = '<tag k="local_x" v="nan"/><tag k="local_y" v="2"/>'
    text = f'<node id="1" lat="35.0" lon="139.0">{tags}</node>'
    osm = read_osm(write_osm(tmp_path / "m.osm", text))
    assert list(osm.node_ids) == ["1"]
    assert osm.problems == ["node 1: its local_x 'nan' is no number; lat and lon are taken."]


def test_a_missing_height_is_that_of_the_nearest_node(tmp_path: Path) -> None:
    nodes = [
        local_node(1, 0, 0, 10.0),
        local_node(2, 50, 0, 20.0),
        local_node(3, 100, 0, 30.0),
        local_node(4, 45, 0, None),
        local_node(5, 90, 0, "x"),  # type: ignore[arg-type]
    ]
    osm = read_osm(write_osm(tmp_path / "m.osm", *nodes))
    placed = place_nodes(osm, None)
    assert placed.points_m[:, 2].tolist() == [10.0, 20.0, 30.0, 20.0, 30.0]
    assert placed.problems == [
        "node 4: has no height (ele): that of the nearest node is taken, and so have 1 more."
    ]
    assert osm.problems == ["node 5: its ele 'x' is no height in metres."]


@pytest.mark.parametrize("told", ["54SVD", "54SUE", "53SVE"])
def test_a_map_in_another_mgrs_square(tmp_path: Path, told: str) -> None:
    nodes = [earth_node(i, KASHIWA[0] + 1e-5 * i, KASHIWA[1]) for i in (1, 2)]
    path = _light(tmp_path, *nodes)
    (tmp_path / "map_projector_info.yaml").write_text(f"projector_type: MGRS\nmgrs_grid: {told}")
    if told == "53SVE":  # not a square of zone 53: its letters differ
        with pytest.raises(MapError, match="mgrs_grid"):
            load_map(path)
        return
    landmarks = load_map(path)
    assert len(landmarks) == 1
    (problem,) = landmarks.report.problems
    assert "node 1: lies in the MGRS square 54SVE" in problem
    assert f"2 of 2 nodes lie outside {told}" in problem


def test_local_coordinates_of_another_map(tmp_path: Path) -> None:
    x, y = MGRS.forward(*KASHIWA)[0, :2]
    at = f'lat="{KASHIWA[0]:.11f}" lon="{KASHIWA[1]:.11f}"'
    good = local_node(1, x, y).replace('lat="" lon=""', at)
    bad = local_node(2, x + 3.0, y).replace('lat="" lon=""', at)
    dummy = local_node(3, x, y).replace('lat="" lon=""', 'lat="0" lon="0"')
    placed = place_nodes(read_osm(write_osm(tmp_path / "m.osm", good, bad, dummy)), MGRS)
    (problem,) = placed.problems
    assert "node 2: local_x and local_y lie 3.0 m from" in problem and "1 of 2 nodes" in problem


def test_local_coordinates_at_a_height_agree(tmp_path: Path) -> None:
    """On the tangent plane, x and y of a place 10 km away depend on its height by metres."""
    plane = Projector("LocalCartesian", 35.9, 139.9, 0.0)
    x, y, z = plane.forward(36.0, 139.9, 2000.0)[0]
    node = local_node(1, x, y, 2000.0).replace('lat="" lon=""', 'lat="36.0" lon="139.9"')
    placed = place_nodes(read_osm(write_osm(tmp_path / "m.osm", node)), plane)
    assert placed.problems == [] and z < 2000.0


def test_absurd_nodes_are_left_out(tmp_path: Path) -> None:
    """Swapped latitude and longitude, NaN, no numbers, and metres beyond all maps."""
    nodes = [earth_node(i, KASHIWA[0] + 1e-5 * i, KASHIWA[1]) for i in range(1, 5)]
    nodes += [earth_node(5, 39.9, 135.9), earth_node(6, float("nan"), 139.0)]
    nodes += [local_node(7, 1e12, 0.0), local_node(8, float("nan"), 3.0)]
    osm = read_osm(write_osm(tmp_path / "m.osm", *nodes))
    placed = place_nodes(osm, MGRS)
    finite = np.isfinite(placed.points_m).all(axis=1)
    assert [name for name, good in zip(osm.node_names, finite, strict=True) if good] == list("1234")
    told = "\n".join([*placed.problems, *osm.problems])
    for sentence in (
        "node 5: its latitude and longitude [39.9, 135.9] lie over 500 km",
        "node 6: has neither lat and lon",
        "node 7: its coordinates 1000000000000.0",
        "node 8: has neither lat and lon",
    ):
        assert sentence in told


def test_projector_local_counts_what_it_cannot_place(tmp_path: Path) -> None:
    nodes = [local_node(1, 0, 0), earth_node(2, *KASHIWA), earth_node(3, *KASHIWA)]
    placed = place_nodes(read_osm(write_osm(tmp_path / "m.osm", *nodes)), Projector())
    assert np.isnan(placed.points_m[1:]).all()
    assert placed.problems[0].startswith("node 2: has no local_x and local_y")
    assert "1 more" in placed.problems[0]
