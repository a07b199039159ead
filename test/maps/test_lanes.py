"""Driving directions from bounds that may run either way."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.maps.lanes import Lanes, orient, resample
from dalearn_ros.maps.reference import center, lower_right

LEFT = np.array([[0.0, 3.0, 0.0], [50.0, 3.0, 0.0]])
RIGHT = np.array([[0.0, 0.0, 0.0], [50.0, 0.0, 0.0]])


@pytest.mark.parametrize("flip_left", [False, True])
@pytest.mark.parametrize("flip_right", [False, True])
def test_bounds_are_oriented_by_which_is_left(flip_left: bool, flip_right: bool) -> None:
    left = LEFT[::-1] if flip_left else LEFT
    right = RIGHT[::-1] if flip_right else RIGHT
    lanes = Lanes.of([(left, right)])
    assert np.allclose(lanes.directions, [1.0, 0.0, 0.0])
    assert np.allclose(lanes.half_width_m, 1.5)
    assert np.allclose(orient(left, right)[0], LEFT)


def test_the_lane_that_crosses_the_line_counts() -> None:
    """At a junction a crossing lane lies nearer to the line's middle than its own lane does."""
    crossing = (np.array([[10.0, 20, 0], [10.0, -20, 0]]), np.array([[7.0, 20, 0], [7.0, -20, 0]]))
    lanes = Lanes.of([(LEFT, RIGHT), crossing])
    line = np.array([[9.0, 2.8, 0.0], [9.0, 0.2, 0.0]])  # across the first lane
    found = lanes.direction_for_line(line)
    assert found is not None
    assert np.allclose(found, [1.0, 0.0, 0.0])


def test_no_lane_no_direction() -> None:
    lanes = Lanes.of([(LEFT, RIGHT)])
    assert lanes.direction_for_line(np.array([[200.0, 0, 0], [200.0, 3, 0]])) is None
    assert lanes.direction_at(np.array([10.0, 30.0, 0.0])) is None
    assert lanes.directions_through(np.array([[80.0, 0, 0], [81, 0, 0], [81, 3, 0]])) == []


def test_both_ways_cross_a_zebra() -> None:
    there = (LEFT, RIGHT)
    back = (LEFT[::-1], np.array([[50.0, 6.0, 0.0], [0.0, 6.0, 0.0]]))
    found = Lanes.of([there, back]).directions_through(
        np.array([[20.0, -1, 0], [24.0, -1, 0], [24.0, 7, 0], [20.0, 7, 0]])
    )
    assert sorted(round(float(d[0])) for d in found) == [-1, 1]


def test_resample_keeps_equal_steps() -> None:
    line = np.array([[0.0, 0, 0], [1.0, 0, 0], [1.0, 3.0, 0]])
    assert np.allclose(resample(line, 5)[:, :2], [[0, 0], [1, 0], [1, 1], [1, 2], [1, 3]])


def test_lower_right_by_hand() -> None:
    arrow = np.array([[0.0, 0, 0], [4.0, 0, 0], [4.0, 1, 0], [0.0, 1, 0]])
    assert np.allclose(lower_right(arrow, np.array([1.0, 0, 0])), [0, 0, 0])
    assert np.allclose(lower_right(arrow, np.array([-1.0, 0, 0])), [4, 1, 0])
    assert np.allclose(lower_right(arrow, np.array([0.0, 1, 0.2])), [4, 0, 0])


def test_center_of_a_slanted_rectangle() -> None:
    corners = np.array([[0.0, 0, 0], [2.0, 2.0, 0], [2.0, 2.0, 1.0], [0.0, 0, 1.0]])
    assert np.allclose(center(corners, np.full(3, np.nan)), [1.0, 1.0, 0.5])
