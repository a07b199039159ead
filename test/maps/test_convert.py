"""A map in another format is the same map: ids, classes, points to a millimetre."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.osm_text import lane, local_node, way, write_osm
from helpers.small_drive import write_street

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import Projector, read_projector
from dalearn_ros.maps import IndexedMap, load_map
from dalearn_ros.maps.convert import FORMATS, projector_text, write_map
from dalearn_ros.maps.ground import with_ground

MAPS = ("autoware_test_map.osm", "Town01.xodr.gz", "fzi_mapping_example.osm")
SQUARE = Projector("MGRS", mgrs_grid="54SVE")


def assert_same(first: IndexedMap, again: IndexedMap) -> None:
    assert again.ids.tolist() == first.ids.tolist()
    assert again.class_id.tolist() == first.class_id.tolist()
    assert again.tags.tolist() == first.tags.tolist()
    assert np.abs(again.point_m - first.point_m).max() < 1e-3
    assert again.report.problems == ()
    known = np.isfinite(first.normal)
    assert again.normal[known] == pytest.approx(first.normal[known], abs=2e-3)
    known = np.isfinite(first.direction[:, :2])
    assert again.direction[:, :2][known] == pytest.approx(first.direction[:, :2][known], abs=0.02)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_street_comes_back(tmp_path: Path, suffix: str) -> None:
    write_street(tmp_path / "map")
    first = load_map(tmp_path / "map")
    out = tmp_path / "out" / f"street{suffix}"
    info = write_map(first, out, first.report.projector)
    assert info == tmp_path / "out" / "map_projector_info.yaml"
    again = load_map(out)
    assert_same(first, again)
    assert again.outlines_m.values == pytest.approx(first.outlines_m.values, abs=1e-3)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_flat_map_stays_flat(tmp_path: Path, suffix: str) -> None:
    """A stop line, a sign and a crosswalk without heights, to each format and back."""
    nodes = [(0, 2), (100, 2), (0, -2), (100, -2), (30, 2), (30, -2), (50, -4), (50, -5)]
    nodes += [(60, 2), (63, 2), (63, -2), (60, -2)]
    source = write_osm(
        tmp_path / "flat.osm",
        *(local_node(i, x, y, None) for i, (x, y) in enumerate(nodes)),
        way(20, [0, 1], kind="line_thin"),
        way(21, [2, 3], kind="line_thin"),
        way(30, [4, 5], kind="stop_line"),
        way(31, [6, 7], kind="traffic_sign", subtype="de205", height=1),
        way(32, [8, 9, 10, 11, 8], kind="road_marking", subtype="crosswalk"),
        lane(40, 20, 21),
    )
    first = load_map(source)
    assert first.report.flat
    write_map(first, tmp_path / "out" / f"flat{suffix}", Projector("LocalCartesian", 48.1, 11.5))
    again = load_map(tmp_path / "out" / f"flat{suffix}")
    assert again.report.flat
    assert_same(first, again)
    assert again.outlines_m.values == pytest.approx(first.outlines_m.values, abs=1e-3)
    drive = [[0.0, 0.0, 5.0]]
    assert with_ground(again, drive).point_m == pytest.approx(
        with_ground(first, drive).point_m, abs=1e-3
    )


@pytest.mark.real_data
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", MAPS)
def test_a_real_map_comes_back(tmp_path: Path, real_data: Path, name: str, suffix: str) -> None:
    first = load_map(real_data / "maps" / name)
    projector = SQUARE if name.startswith("autoware") else first.report.projector
    if suffix == ".geojson" and projector is None:
        pytest.skip("this map has no relation to the globe")
    write_map(first, tmp_path / f"again{suffix}", projector)
    assert_same(first, load_map(tmp_path / f"again{suffix}"))


@pytest.mark.parametrize(
    "projector",
    [
        Projector(),
        SQUARE,
        Projector("LocalCartesianUTM", 48.1, 11.5),
        Projector("LocalCartesian", 48.1, 11.5, 512.25),
        Projector("TransverseMercator", 35.6, 139.7, 0.0, "", 0.9999),
    ],
)
def test_a_projector_is_written_as_it_is_read(tmp_path: Path, projector: Projector) -> None:
    (tmp_path / "info.yaml").write_text(projector_text(projector))
    assert read_projector(tmp_path / "info.yaml") == projector


def test_another_maps_projector_is_not_written_over(tmp_path: Path) -> None:
    write_street(tmp_path / "map")
    landmarks = load_map(tmp_path / "map")
    (tmp_path / "map_projector_info.yaml").write_text(projector_text(SQUARE))
    with pytest.raises(MapError, match="another folder"):
        write_map(landmarks, tmp_path / "again.csv", landmarks.report.projector)
    assert not (tmp_path / "again.csv").exists()
    with pytest.raises(MapError, match="a name in"):
        write_map(landmarks, tmp_path / "map.shp")
