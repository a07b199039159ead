"""A map in another format is the same map: ids, classes, points to a millimetre."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import write_street

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import Projector, read_projector
from dalearn_ros.maps import IndexedMap, load_map
from dalearn_ros.maps.convert import FORMATS, projector_text, write_map

MAPS = ("autoware_test_map.osm", "Town01.xodr.gz")
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
