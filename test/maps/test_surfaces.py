"""Pieces of road and footway: their areas by hand, and that real lanes lie on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.opendrive import road, write

from dalearn_ros.maps.lanelet2_writer import Lanelet2Writer, Origin
from dalearn_ros.maps.surfaces import path_surfaces, read_surfaces


def areas(pieces: np.ndarray) -> float:
    """Area of all pieces (N, 4, 3) in plan, m²."""
    p, q = (pieces[:, i, :2] - pieces[:, j, :2] for i, j in ((2, 0), (3, 1)))
    return float(0.5 * np.abs(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum())


def test_lanes_of_opendrive_by_hand(tmp_path: Path) -> None:
    """Lane 1 is 3.5 m wide, lane -1 3.5 m to 4.5 m, the sidewalk 2 m, all 100 m long."""
    found = read_surfaces(write(tmp_path, road()))
    assert areas(found.road_m) == pytest.approx(350.0 + 400.0, rel=1e-6)
    assert areas(found.beside_m) == pytest.approx(200.0, rel=1e-6)
    assert found.road_m[..., 1].max() == pytest.approx(4.0)
    assert found.beside_m[..., 1].max() == pytest.approx(-3.0, abs=0.05)
    assert not found.flat


def test_footways_and_crosswalks_of_lanelet2(tmp_path: Path) -> None:
    writer = Lanelet2Writer(Origin(48.1, 11.5))
    ways = [writer.way([[0, y, 1], [30, y, 1]], {"type": "line_thin"}) for y in (0.0, 3.0, 5.0)]
    writer.lanelet(ways[1], ways[0])
    writer.lanelet(ways[2], ways[1], {"subtype": "walkway"})
    writer.lanelet(ways[2], ways[0], {"subtype": "crosswalk"})
    writer.write(tmp_path)
    found = read_surfaces(tmp_path)
    assert areas(found.road_m) == pytest.approx(90.0, rel=1e-3)
    assert areas(found.beside_m) == pytest.approx(60.0, rel=1e-3)
    assert np.allclose(found.road_m[..., 2], 1.0)


def test_bounds_that_run_against_each_other(tmp_path: Path) -> None:
    writer = Lanelet2Writer(Origin(48.1, 11.5))
    left = writer.way([[0, 3, 0], [30, 3, 0]], {"type": "line_thin"})
    right = writer.way([[30, 0, 0], [0, 0, 0]], {"type": "line_thin"})
    writer.lanelet(left, right)
    writer.write(tmp_path)
    assert areas(read_surfaces(tmp_path).road_m) == pytest.approx(90.0, rel=1e-3)


def test_a_list_of_landmarks_has_none(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("id,class,x,y,z\na,signal,0,0,3\n")
    found = read_surfaces(file)
    assert len(found.road_m) == 0 and found.flat


def test_a_path_as_a_strip() -> None:
    """20 m straight on, standing still for a while: 7 m times 20 m."""
    path = np.array([[0, 0, 2], [10, 0, 2], [10, 0, 2], [np.nan, 0, 0], [20, 0, 2]], float)
    found = path_surfaces(path)
    assert areas(found.road_m) == pytest.approx(140.0)
    assert len(path_surfaces(path[:1]).road_m) == 0


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["fzi_mapping_example.osm", "esmini_e6mini.xodr"])
def test_lanes_of_real_maps(real_data: Path, name: str) -> None:
    found = read_surfaces(real_data / "maps" / name)
    assert len(found.road_m) > 100 and np.isfinite(found.road_m).all()
    widths = np.linalg.norm(found.road_m[:, 0, :2] - found.road_m[:, 3, :2], axis=1)
    assert 2.0 < np.median(widths) < 6.0
