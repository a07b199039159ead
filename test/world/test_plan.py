"""Drives: their speed, their smoothness, and their road."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.world.plan import make_plan
from dalearn_ros.world.style import CITIES


@pytest.mark.parametrize("city", list(CITIES))
def test_a_drive_keeps_its_limits(city: str) -> None:
    plan = make_plan(CITIES[city], 300, 3)
    assert plan.speeds.min() >= 5.0
    assert plan.speeds.max() <= 20.0
    assert np.ptp(plan.speeds) > 2.0  # it slows down at junctions
    assert np.abs(np.diff(plan.speeds)).max() * 50.0 < 6.0  # m/s^2
    assert plan.times_s[0] < -0.1
    assert plan.times_s[-1] > 29.9 + 0.1
    np.testing.assert_allclose(np.diff(plan.times_s), 0.02)


def test_poses_move_along_the_heading_and_the_slope() -> None:
    plan = make_plan(CITIES["south"], 200, 8)
    heights = []
    for t in np.arange(0.0, 19.0, 0.5):
        a, b = plan.pose(t), plan.pose(t + 0.02)
        step = a.inverse().apply(b.translation)
        forward = step / np.linalg.norm(step)
        assert forward[0] > 0.999
        assert abs(forward[2]) < 0.01  # base_link pitches with the road
        heights.append(a.translation[2])
    assert np.ptp(heights) > 0.3


def test_the_road_bends_but_not_at_junctions() -> None:
    plan = make_plan(CITIES["north"], 300, 1)
    bends = np.abs(np.diff(plan.road.heading))
    for s in plan.junctions[:-1]:
        assert bends[int(s) - 12 : int(s) + 12].max() < 1e-3
    assert 1.0 / 60.0 > bends.max() > 1e-3  # radius above 60 m


def test_another_seed_is_another_road_and_the_same_seed_the_same() -> None:
    first, again, other = (make_plan(CITIES["east"], 50, seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.road.xyz, again.road.xyz)
    n = min(len(first.road.xyz), len(other.road.xyz))
    assert np.abs(first.road.xyz[:n] - other.road.xyz[:n]).max() > 1.0
