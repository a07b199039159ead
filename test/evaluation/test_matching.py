"""Matching of observations with truth."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dalearn_ros.evaluation.matching import match
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations


def labels(points: list[tuple[float, float]], classes: list[int], ignore: object = ()) -> Labels:
    n = len(points)
    dropped = np.zeros(n, bool)
    dropped[list(ignore)] = True  # type: ignore[call-overload]
    return Labels(
        class_id=np.array(classes, np.int64),
        point_px=np.array(points, float).reshape(-1, 2),
        outlines_px=Ragged.of([np.zeros((0, 2))] * n, 2),
        range_m=np.full(n, 20.0),
        visible=np.ones(n),
        map_id=np.array([str(i) for i in range(n)], np.str_),
        covariance_px2=np.zeros((n, 2, 2)),
        ignore=dropped,
    )


def seen(points: list[tuple[float, float]], classes: list[int]) -> Observations:
    return Observations.of_points(
        np.array(classes, np.int64), np.array(points, float).reshape(-1, 2)
    )


def test_the_nearest_pair_goes_first_even_if_the_other_is_then_left_over() -> None:
    # A-1 and B-0 would both be hits; A-0 is nearer, and then B-1 is 9 px off.
    found = match(labels([(0, 0), (4, 0)], [1, 1]), seen([(1, 0), (-5, 0)], [1, 1]), 8.0)
    assert found.truth.tolist() == [0] and found.seen.tolist() == [0]
    assert found.distance_px.tolist() == [1.0]
    assert found.missed.tolist() == [1] and found.false_alarms.tolist() == [1]


def test_another_class_is_a_miss_and_a_false_alarm() -> None:
    found = match(labels([(10, 10)], [1]), seen([(10, 10)], [2]), 8.0)
    assert found.missed.tolist() == [0] and found.false_alarms.tolist() == [0]


def test_the_tolerance_is_inclusive() -> None:
    truth = labels([(0, 0)], [1])
    assert len(match(truth, seen([(8, 0)], [1]), 8.0).truth) == 1
    assert len(match(truth, seen([(8.001, 0)], [1]), 8.0).truth) == 0


def test_a_second_observation_of_the_same_truth_is_a_false_alarm() -> None:
    found = match(labels([(0, 0)], [1]), seen([(2, 0), (1, 0)], [1, 1]), 8.0)
    assert found.seen.tolist() == [1] and found.false_alarms.tolist() == [0]


def test_ignored_truth_is_neither_missed_nor_hit_nor_a_false_alarm() -> None:
    truth = labels([(0, 0), (100, 0)], [1, 1], ignore=[0, 1])
    found = match(truth, seen([(1, 0), (-1, 0), (50, 0)], [1, 1, 1]), 8.0)
    assert len(found.truth) == len(found.missed) == 0
    assert found.set_aside.tolist() == [0, 1] and found.false_alarms.tolist() == [2]


def test_ignored_truth_of_another_class_excuses_nothing() -> None:
    found = match(labels([(0, 0)], [2], ignore=[0]), seen([(0, 0)], [1]), 8.0)
    assert found.false_alarms.tolist() == [0]


def test_scored_truth_has_the_first_claim_even_if_ignored_truth_is_nearer() -> None:
    found = match(labels([(0, 0), (6, 0)], [1, 1], ignore=[1]), seen([(5, 0)], [1]), 8.0)
    assert found.truth.tolist() == [0] and len(found.set_aside) == 0


def test_nothing_against_nothing() -> None:
    found = match(Labels.empty(), Observations.empty(0), 8.0)
    assert len(found.truth) == len(found.missed) == len(found.false_alarms) == 0


def test_nan_points_match_nothing() -> None:
    found = match(labels([(np.nan, 0)], [1]), seen([(0, 0)], [1]), 8.0)
    assert found.missed.tolist() == [0] and found.false_alarms.tolist() == [0]


coordinates = st.tuples(st.floats(0, 30), st.floats(0, 30))
things = st.lists(st.tuples(coordinates, st.integers(1, 2), st.booleans()), max_size=8)


@settings(max_examples=60, deadline=None)
@given(things, things)
def test_every_row_stands_in_exactly_one_place(a: list, b: list) -> None:  # type: ignore[type-arg]
    truth = labels([x[0] for x in a], [x[1] for x in a], [i for i, x in enumerate(a) if x[2]])
    observed = seen([x[0] for x in b], [x[1] for x in b])
    found = match(truth, observed, 8.0)
    placed = np.concatenate([found.seen, found.false_alarms, found.set_aside])
    assert sorted(placed.tolist()) == list(range(len(b)))
    scored = np.concatenate([found.truth, found.missed])
    assert sorted(scored.tolist()) == np.flatnonzero(~truth.ignore).tolist()
    assert (truth.class_id[found.truth] == observed.class_id[found.seen]).all()
    assert (np.diff(found.distance_px) >= 0).all() and (found.distance_px <= 8.0).all()
