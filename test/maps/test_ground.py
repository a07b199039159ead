"""Heights for a flat map, from the drive and from a plane."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from helpers.osm_text import lane, local_node, way, write_osm

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.maps import IndexedMap, load_map
from dalearn_ros.maps.ground import MOUNTING_M, on_plane, with_ground


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> IndexedMap:
    """A stop line at x = 30 and a sign 1 m high at x = 50, on a lane along +x, no heights."""
    nodes = [(0, 2), (100, 2), (0, -2), (100, -2), (30, 2), (30, -2), (50, -4), (50, -5)]
    path = write_osm(
        tmp_path_factory.mktemp("flat") / "m.osm",
        *(local_node(i, x, y, None) for i, (x, y) in enumerate(nodes)),
        way(10, [0, 1], kind="line_thin"),
        way(11, [2, 3], kind="line_thin"),
        way(20, [4, 5], kind="stop_line"),
        way(30, [6, 7], kind="traffic_sign", subtype="de205", height=1),
        lane(40, 10, 11),
    )
    loaded = load_map(path)
    assert loaded.report.flat
    return loaded


def _rows(landmarks: IndexedMap) -> tuple[int, int]:
    names = landmarks.ids.tolist()
    return names.index("20"), names.index("30")


def test_heights_of_the_drive(flat: IndexedMap) -> None:
    """A road that climbs 5 % along x, driven every metre; base_link 0.3 m over the ground."""
    x = np.arange(0.0, 101.0)
    drive = np.stack([x, np.zeros_like(x), 100.3 + 0.05 * x], axis=1)
    raised = with_ground(flat, drive, 0.3)
    line, sign = _rows(raised)
    outline = raised.outlines_m[line]
    np.testing.assert_allclose(outline[:, 2], 100.0 + 0.05 * outline[:, 0], atol=0.03)
    assert raised.point_m[line, 2] == pytest.approx(101.5, abs=0.03)
    # Lower edge, and the middle of the sign half a metre over it.
    assert raised.outlines_m[sign][:, 2].min() == pytest.approx(102.5 + MOUNTING_M, abs=0.03)
    assert raised.point_m[sign, 2] == pytest.approx(102.5 + MOUNTING_M + 0.5, abs=0.03)
    np.testing.assert_array_equal(raised.point_m[:, :2], flat.point_m[:, :2])
    assert not raised.report.flat
    assert "101 positions of the drive" in raised.report.notes[-1]
    assert "0 of 2 landmarks" in raised.report.notes[-1] and "1 signs" in raised.report.notes[-1]
    assert (flat.point_m[:, 2] < 1.0).all()  # the map that came in is as it was


def test_a_listed_point_is_the_centre_of_a_sign_that_hangs_at_the_mounting_height(
    tmp_path: Path,
) -> None:
    """Ground at 7 m: lower edges at 7 + 2.2, centres half of 0.8 m and of 1.2 m over that."""
    path = tmp_path / "survey.csv"
    path.write_text(
        "id,class,x,y,heading_deg,width_m,tall_m\n"
        "a,warning_sign,10,3,180,0.8,0.8\n"
        "b,signal,20,3,,0.4,1.2\n"  # no heading: it still stands
        "c,stop_line,30,0,90,,\n"
    )
    landmarks = load_map(path)
    assert landmarks.report.flat
    raised = with_ground(landmarks, [[0.0, 0.0, 7.0]])
    lowest = [raised.outlines_m[row][:, 2].min() for row in range(3)]
    np.testing.assert_allclose(lowest, [9.2, 9.2, 7.0])
    np.testing.assert_allclose(raised.point_m[:, 2], [9.6, 9.8, 7.0])


def test_far_landmarks_are_counted(flat: IndexedMap) -> None:
    assert "2 of 2 landmarks lie over 50 m" in with_ground(flat, [[500.0, 0, 7]]).report.notes[-1]


def test_a_plane_through_the_wheels(flat: IndexedMap) -> None:
    """Nose up by 10 %: the ground rises by 0.1 m a metre ahead of the vehicle at (10, 0, 5)."""
    pitch = -np.arctan(0.1)
    raised = on_plane(flat, Transform.from_euler(0.0, pitch, 0.0, [10.0, 0.0, 5.0]))
    line, sign = _rows(raised)
    outline = raised.outlines_m[line]
    np.testing.assert_allclose(outline[:, 2], 5.0 + 0.1 * (outline[:, 0] - 10.0), atol=1e-9)
    assert raised.point_m[sign, 2] == pytest.approx(5.0 + 4.0 + MOUNTING_M + 0.5)
    assert raised.report.notes[-1].startswith("Heights are those of the plane through the wheels")


def test_a_map_with_heights_stays_as_it_is(flat: IndexedMap) -> None:
    report = dataclasses.replace(flat.report, flat=False)
    high = dataclasses.replace(flat, report=report)
    assert with_ground(high, [[0.0, 0, 50]]) is high
    assert on_plane(high, Transform.identity()) is high


def test_no_ground_is_an_error(flat: IndexedMap) -> None:
    with pytest.raises(ValueError, match="at least one position"):
        with_ground(flat, [[np.nan, 0.0, 0.0]])
    with pytest.raises(ValueError, match="too steep"):
        on_plane(flat, Transform.from_euler(0.0, -1.2, 0.0))


@pytest.mark.real_data
def test_the_karlsruhe_map_is_flat(real_data: Path) -> None:
    landmarks = load_map(real_data / "maps" / "fzi_mapping_example.osm")
    assert landmarks.report.flat and "2254 of 2258 nodes" in "".join(landmarks.report.notes)
    raised = with_ground(landmarks, [[0.0, 0.0, 115.0]])
    markings = np.isnan(raised.normal[:, 0])
    np.testing.assert_allclose(raised.point_m[markings, 2], 115.0)
    assert (raised.point_m[~markings, 2] > 115.0 + MOUNTING_M).all()
