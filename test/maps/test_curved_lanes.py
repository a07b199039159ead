"""The lower right end of markings on curved lanes: the direction is the lane's at the marking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps import load_map
from dalearn_ros.maps.lanelet2_writer import Lanelet2Writer, Origin
from dalearn_ros.maps.lanes import Lanes
from dalearn_ros.maps.reference import lower_right

RADIUS_M, HALF_M = 30.0, 1.75
SPACE = LabelSpace.load()


def _arc(radius: float, clockwise: bool = False) -> np.ndarray:
    """Three quarters of a circle about the origin, a point every metre."""
    angle = np.linspace(0.0, 1.5 * np.pi, int(radius * 1.5 * np.pi))
    line = radius * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    return line[::-1] if clockwise else line


def _bounds(clockwise: bool) -> tuple[np.ndarray, np.ndarray]:
    """(left, right) of a lane round the origin: its left is inside, or outside clockwise."""
    inner, outer = (_arc(RADIUS_M + side, clockwise) for side in (-HALF_M, HALF_M))
    return (outer, inner) if clockwise else (inner, outer)


def _placed(angle: float, along: float, right: float, clockwise: bool) -> np.ndarray:
    """A point so far along and to the right of the lane's centre line at an angle, map frame."""
    out = np.array([np.cos(angle), np.sin(angle), 0.0])
    ahead = np.array([-out[1], out[0], 0.0]) * (-1.0 if clockwise else 1.0)
    return RADIUS_M * out + along * ahead + right * out * (-1.0 if clockwise else 1.0)


def _box(angle: float, clockwise: bool) -> np.ndarray:
    corners = [(-2.0, -0.3), (2.0, -0.3), (2.0, 0.3), (-2.0, 0.3)]  # 4 m long, 0.6 m wide
    return np.array([_placed(angle, along, right, clockwise) for along, right in corners])


@given(st.floats(0.2, 4.5), st.booleans())
@settings(max_examples=40, deadline=None)
def test_lower_right_all_round_a_curve(angle: float, clockwise: bool) -> None:
    lanes = Lanes.of([_bounds(clockwise)])
    direction = lanes.direction_at(_placed(angle, 0.0, 0.0, clockwise))
    assert direction is not None
    tangent = _placed(angle, 1.0, 0.0, clockwise) - _placed(angle, 0.0, 0.0, clockwise)
    assert float(direction @ tangent) > np.cos(np.radians(3.0))  # half a metre of sampling
    found = lower_right(_box(angle, clockwise), direction)
    assert np.allclose(found, _placed(angle, -2.0, 0.3, clockwise))


@pytest.mark.parametrize("clockwise", [False, True])
def test_through_a_map_file(tmp_path: Path, clockwise: bool) -> None:
    """Arrows and stop lines every 40 degrees, drawn from either end."""
    writer = Lanelet2Writer(Origin(48.1, 11.5))
    left, right = (writer.way(line, {"type": "line_thin"}) for line in _bounds(clockwise))
    writer.lanelet(left, right)
    expected = {}
    for number, degrees in enumerate(range(20, 250, 40)):
        angle = float(np.radians(degrees))
        arrow = {"type": "road_marking", "subtype": "arrow_left"}
        box = np.roll(_box(angle, clockwise), number, axis=0)
        name = writer.way(box, arrow, closed=True)
        expected[str(name)] = _placed(angle, -2.0, 0.3, clockwise)
        ends = [_placed(angle + 0.35, 0.0, side, clockwise) for side in (-1.5, 1.5)]
        name = writer.way(ends[:: 1 if number % 2 else -1], {"type": "stop_line", "width": 0.4})
        expected[str(name)] = _placed(angle + 0.35, -0.2, 1.5, clockwise)
    writer.write(tmp_path)
    landmarks = load_map(tmp_path)
    assert sorted(landmarks.ids.tolist()) == sorted(expected)
    assert {SPACE.names[int(c)] for c in landmarks.class_id} == {"arrow", "stop_line"}
    for name, point in zip(landmarks.ids.tolist(), landmarks.point_m, strict=True):
        assert np.linalg.norm(point[:2] - expected[name][:2]) < 0.05, name
