"""Projections against Autoware's own coordinates, closed forms and round trips."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import Projector, mgrs_corner, read_projector

# Node 285 of Autoware's test map: latitude, longitude, local_x, local_y.
NODE = (35.90327302735748, 139.93366161080428, 3774.4814, 73745.2383)


def test_mgrs_equals_autoware() -> None:
    found = Projector("MGRS", mgrs_grid="54SVE").forward(NODE[0], NODE[1], 19.267)[0]
    assert found == pytest.approx([NODE[2], NODE[3], 19.267], abs=1e-4)


@pytest.mark.parametrize(
    "grid, corner",
    [
        ("54SVE", (400e3, 3900e3)),  # Kashiwa, from the node above
        ("32UMV", (400e3, 5400e3)),  # Karlsruhe
        ("31NAA", (100e3, 0.0)),  # at the equator
        ("56HLH", (300e3, 6200e3)),  # Sydney, southern hemisphere
        ("18TWL", (500e3, 4500e3)),  # New York
    ],
)
def test_corner_of_a_square(grid: str, corner: tuple[float, float]) -> None:
    assert mgrs_corner(grid) == corner


@pytest.mark.parametrize(
    "projector",
    [
        Projector("LocalCartesianUTM", 48.1, 11.5),
        Projector("LocalCartesianUTM", -33.9, 151.2),
        Projector("LocalCartesian", 48.1, 11.5, 500.0),
        Projector("TransverseMercator", 48.1, 11.5),
        Projector("MGRS", mgrs_grid="32UPU"),
    ],
)
def test_forward_and_inverse_cancel(projector: Projector) -> None:
    lat, lon = (-33.91, 151.21) if projector.latitude < 0 else (48.11, 11.52)
    point = projector.forward([lat], [lon], 520.0)
    back = [float(value[0]) for value in projector.inverse(point)]
    assert back == pytest.approx([lat, lon, 520.0], abs=1e-8)


def test_local_projections_agree_near_the_origin() -> None:
    """100 m north of the origin: the same length but for UTM's scale, turned by convergence."""
    lat, lon = 48.1, 11.5
    step = 100.0 / 111_200.0
    tangent = Projector("LocalCartesian", lat, lon).forward([lat + step], [lon], 0.0)[0]
    utm = Projector("LocalCartesianUTM", lat, lon).forward([lat + step], [lon], 0.0)[0]
    assert tangent[0] == pytest.approx(0.0, abs=1e-6)
    assert np.linalg.norm(utm[:2]) == pytest.approx(tangent[1], rel=5e-4)
    # Convergence in closed form to first order: (lon - central meridian) * sin(lat).
    convergence = math.radians(lon - 9.0) * math.sin(math.radians(lat))
    assert math.atan2(-utm[0], utm[1]) == pytest.approx(convergence, rel=1e-3)


def test_local_has_no_place_on_the_globe() -> None:
    with pytest.raises(MapError, match="local_x and local_y"):
        Projector("Local").forward([1.0], [2.0])


@pytest.mark.parametrize(
    "text, named",
    [
        ("projector_type: Mercator", "LocalCartesianUTM"),
        ("projector_type: MGRS\nmgrs_grid: [", "expected YAML"),
        (
            "projector_type: TransverseMercator\nmap_origin: {latitude: 36, longitude: 139}\n"
            "scale_factor: 0",
            "a number above 0",
        ),
        ("projector_type: MGRS\nmgrs_grid: 99SVE", "54SVE"),
        ("projector_type: LocalCartesianUTM", "map_origin"),
        ("projector_type: LocalCartesian\nmap_origin: {latitude: 100, longitude: 3}", "latitude"),
        ("- 1", "keys and values"),
        ("a: [", "YAML"),
    ],
)
def test_a_bad_info_file_is_a_sentence(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "map_projector_info.yaml"
    path.write_text(text)
    with pytest.raises(MapError, match=named) as caught:
        read_projector(path)
    assert str(path) in str(caught.value)


def test_reads_autowares_forms(tmp_path: Path) -> None:
    path = tmp_path / "map_projector_info.yaml"
    path.write_text("projector_type: MGRS\nvertical_datum: WGS84\nmgrs_grid: 54SVE\n")
    assert read_projector(path) == Projector("MGRS", mgrs_grid="54SVE")
    path.write_text("projector_type: local\n")
    assert read_projector(path).kind == "Local"
