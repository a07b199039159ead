"""Predicted against mapped distances: scale, interval, and who counts how often."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.localization.distance_check import (
    COLLECTING,
    LEAST_LANDMARKS,
    OFF,
    STEADY,
    DistanceCheck,
    compare_distances,
    map_distances,
    median_rank,
)

SECOND_NS = 1_000_000_000


@given(st.integers(6, 3000))
def test_the_rank_is_that_of_the_binomial_distribution(count):
    rank = median_rank(count)
    assert binom.cdf(rank, count, 0.5) <= 0.025 < binom.cdf(rank + 1, count, 0.5)


def test_the_interval_holds_the_median_as_often_as_it_says():
    random = np.random.default_rng(4)
    held = 0
    for _ in range(400):
        errors = random.standard_t(2, 41) * 0.1 + np.log(1.2)
        low, high = compare_distances(errors, 0.1).interval
        held += low <= 1.2 <= high
    assert 0.93 <= held / 400 <= 0.99


def test_by_hand():
    ratios = np.array([0.8, 0.9, 0.95, 1.0, 1.0, 1.02, 1.05, 1.1, 1.2, 3.0, 0.2])
    found = compare_distances(np.log(ratios), 0.15)
    assert (found.state, found.landmarks) == (STEADY, 11)
    assert found.scale == pytest.approx(1.0)
    assert found.interval == pytest.approx((0.8, 1.2))  # rank 1 of 11: P(B <= 1) = 0.6 %
    assert found.relative_error == pytest.approx(0.1)
    assert "1.00 times those of the map (95 %: 0.80 to 1.20; 11 landmarks)" in str(found)


@pytest.mark.parametrize(("scale", "state"), [(1.0, STEADY), (1.1, STEADY), (1.4, OFF), (0.7, OFF)])
def test_a_scale_that_is_off_is_told_from_one_that_is_not(scale, state):
    random = np.random.default_rng(1)
    found = compare_distances(np.log(scale) + random.normal(0, 0.08, 60), 0.15)
    assert found.state == state
    assert ("camera_info" in str(found)) == (state == OFF)
    assert found.scale == pytest.approx(scale, rel=0.05)


def test_few_landmarks_say_nothing_and_broken_ones_do_not_count():
    assert compare_distances([], 0.1).state == COLLECTING
    values = [np.log(2.0)] * (LEAST_LANDMARKS - 1) + [np.nan, np.inf]
    found = compare_distances(values, 0.1)
    assert (found.state, found.landmarks) == (COLLECTING, LEAST_LANDMARKS - 1)
    assert str(found) == "9 of 10 landmarks that are needed"
    assert np.isnan(found.interval).all() and found.scale == pytest.approx(2.0)


def _drive(street, check, scale, steps, start_ns=0):
    """Feed the check with a perfect detector whose distances are scaled."""
    for number, way in enumerate(steps):
        pose = street.pose(way)
        rng = np.random.default_rng(number)
        seen, rows = street.observe(pose, rng, missed=0.0, false_alarms=0.0)
        centre = (pose @ street.mounting).translation
        true = np.linalg.norm(street.landmarks.point_m[rows] - centre, axis=1)
        stamp = start_ns + number * SECOND_NS
        seen = dataclasses.replace(seen, range_m=scale * true, stamp_ns=stamp)
        matches = np.stack([np.arange(len(rows)), rows], axis=1)
        check.add(seen, matches, Pose(stamp, pose))


def test_distances_of_a_drive_and_each_landmark_once(street):
    check = DistanceCheck(street.landmarks, street.mounting, 0.15, kept=100)
    _drive(street, check, 1.3, range(5, 105, 10))
    found = check.report()
    assert found.state == OFF and found.scale == pytest.approx(1.3)
    seen = set()
    for way in range(5, 105, 10):
        seen |= set(street.seen_from(street.pose(way)).tolist())
    assert found.landmarks == len(seen) > LEAST_LANDMARKS
    assert found.interval == pytest.approx((1.3, 1.3))


def test_old_passes_and_old_landmarks_are_forgotten(street):
    check = DistanceCheck(street.landmarks, street.mounting, 0.15, kept=12)
    _drive(street, check, 2.0, range(5, 105, 10))
    assert check.report().landmarks == 12
    _drive(street, check, 1.0, range(5, 105, 10), start_ns=100 * SECOND_NS)
    assert check.report().scale == pytest.approx(1.0)
    assert check.report().state == STEADY


def test_unknown_distances_and_none_at_all_are_left_out(street):
    check = DistanceCheck(street.landmarks, street.mounting, 0.15, kept=12)
    seen, rows = street.observe(street.pose(5.0), np.random.default_rng(0), false_alarms=0.0)
    matches = np.stack([np.arange(len(rows)), rows], axis=1)
    check.add(seen, matches, Pose(0, street.pose(5.0)))  # range_m is NaN
    check.add(seen, matches[:0], Pose(0, street.pose(5.0)))
    assert check.report().landmarks == 0


def test_the_distance_is_that_from_the_camera(street):
    pose = street.pose(0.0)
    ahead = (pose @ street.mounting).apply(np.array([[0.0, 0.0, 25.0], [3.0, 4.0, 0.0]]))
    assert map_distances(ahead, Pose(0, pose), street.mounting) == pytest.approx([25.0, 5.0])
