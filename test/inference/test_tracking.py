"""Tracks over synthetic landmarks that move, cross, vanish and come back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.inference.tracking import Tracker, TrackingSettings
from dalearn_ros.landmarks.types import Observations

STEP_NS = 33_333_333
START_NS = 1_700_000_000_000_000_000


def seen(points: object, classes: object = None, frame: int = 0, shift_ns: int = 0) -> Observations:
    point = np.asarray(points, float).reshape(-1, 2)
    count = len(point)
    return Observations(
        stamp_ns=START_NS + frame * STEP_NS + shift_ns,
        class_id=np.ones(count, np.int64) if classes is None else np.asarray(classes, np.int64),
        point_px=point,
        score=np.full(count, 0.9),
        covariance_px2=np.tile(np.eye(2), (count, 1, 1)),
        range_m=np.full(count, np.nan),
        sigma_range_m=np.full(count, np.nan),
        track_id=np.full(count, -1, np.int64),
    )


def numbers(tracker: Tracker, frames: list[Observations]) -> list[list[int]]:
    return [tracker.update(frame).track_id.tolist() for frame in frames]


def test_a_track_is_confirmed_in_its_third_image_and_keeps_its_number() -> None:
    frames = [seen([[100 + 3 * i, 50 + i]], frame=i) for i in range(30)]
    assert numbers(Tracker(), frames) == [[-1], [-1]] + [[0]] * 28


def test_two_of_one_class_that_cross_keep_their_numbers() -> None:
    """They come from left and right, are within a pixel of each other, and go on."""
    frames = []
    for i in range(41):
        left, right = [100 + 5 * i, 80.0], [300 - 5 * i, 80.5]
        order = [left, right] if i % 2 else [right, left]
        frames.append(seen(order, frame=i))
    found = numbers(Tracker(), frames)
    of_left = {row[0] if i % 2 else row[1] for i, row in enumerate(found) if i >= 2}
    of_right = {row[1] if i % 2 else row[0] for i, row in enumerate(found) if i >= 2}
    assert (len(of_left), len(of_right)) == (1, 1)
    assert of_left != of_right


def test_another_class_at_the_same_place_is_another_track() -> None:
    frames = [seen([[50, 50], [50, 50]], [1, 2] if i % 2 else [2, 1], i) for i in range(8)]
    found = numbers(Tracker(), frames)
    assert found[-1] == found[-2][::-1]
    assert sorted(found[-1]) == [0, 1]


def test_a_short_gap_is_bridged_where_the_motion_says_and_a_long_one_is_not() -> None:
    settings = TrackingSettings(max_misses=5)
    for missing, kept in ((4, True), (5, False)):
        tracker = Tracker(settings)
        before = [seen([[100 + 8 * i, 50]], frame=i) for i in range(10)]
        nothing = [seen([], [], i) for i in range(10, 10 + missing)]
        after = [seen([[100 + 8 * i, 50]], frame=i) for i in range(10 + missing, 20 + missing)]
        found = numbers(tracker, before + nothing + after)
        assert found[9] == [0]
        assert found[10 + missing] == ([0] if kept else [-1])
        assert found[-1] == ([0] if kept else [1])


def test_a_false_alarm_gets_no_number_and_takes_none() -> None:
    tracker = Tracker()
    for i in range(20):
        points = [[200 + 2 * i, 90]]
        if i in (5, 9, 13):
            points.insert(0, [200 + 2 * i + 3.5, 90])  # beside the landmark, for one image
        found = tracker.update(seen(points, frame=i)).track_id.tolist()
        if i >= 2:
            assert found[-1] == 0
            assert found[:-1] in ([], [-1])


def test_one_that_flickers_is_confirmed_by_three_of_five() -> None:
    shown = [1, 0, 1, 0, 1]
    frames = [seen([[10, 10]] if s else [], None, i) for i, s in enumerate(shown)]
    assert numbers(Tracker(), frames) == [[-1], [], [-1], [], [0]]
    rare = [seen([[10, 10]] if i % 4 == 0 else [], None, i) for i in range(40)]
    assert {n for row in numbers(Tracker(), rare) for n in row} == {-1}


@pytest.mark.parametrize("how", ["backwards", "still", "gap", "camera"])
def test_what_ends_all_tracks_gives_new_numbers(how: str) -> None:
    tracker = Tracker()
    for i in range(5):
        tracker.update(seen([[50, 50]], frame=i), (640, 480))
    shift = {"backwards": -9 * STEP_NS, "still": -STEP_NS, "gap": 1_100_000_000, "camera": 0}[how]
    source = (320, 240) if how == "camera" else (640, 480)
    after = [tracker.update(seen([[50, 50]], None, 5 + i, shift), source) for i in range(3)]
    assert [frame.track_id.tolist() for frame in after] == [[-1], [-1], [1]]


def test_the_filter_is_that_of_the_textbook() -> None:
    """After many images of a still point: the steady state of the discrete Riccati equation."""
    from scipy.linalg import solve_discrete_are

    settings = TrackingSettings(sigma_px=0.0, sigma_acceleration=100.0)
    tracker = Tracker(settings)
    for i in range(200):
        tracker.update(seen([[50, 50]], frame=i))
    step = STEP_NS * 1e-9
    move = np.array([[1.0, step], [0.0, 1.0]])
    push = np.array([[0.5 * step**2], [step]])
    noise = settings.sigma_acceleration**2 * push @ push.T
    look = np.array([[1.0, 0.0]])
    before = solve_discrete_are(move.T, look.T, noise, np.eye(1))
    after = before - before @ look.T @ look @ before / (before[0, 0] + 1.0)
    np.testing.assert_allclose(tracker._covariance[0][np.ix_([0, 2], [0, 2])], after, rtol=1e-3)


@given(st.integers(0, 2**32 - 1))
def test_nothing_is_made_moved_or_lost_and_no_number_is_given_twice(seed: int) -> None:
    random = np.random.default_rng(seed)
    frames = []
    for i in range(12):
        count = int(random.integers(0, 7))
        points = random.uniform(0, 60, (count, 2))
        frames.append(seen(points, random.integers(1, 3, count), i))
    one, other = Tracker(), Tracker()
    used: dict[int, int] = {}
    for frame in frames:
        found = one.update(frame)
        assert np.array_equal(found.point_px, frame.point_px)
        assert np.array_equal(found.score, frame.score)
        given_numbers = found.track_id[found.track_id >= 0].tolist()
        assert len(set(given_numbers)) == len(given_numbers)
        for number, class_id in zip(found.track_id.tolist(), found.class_id.tolist(), strict=True):
            assert number < 0 or used.setdefault(number, class_id) == class_id
        assert other.update(frame).track_id.tolist() == found.track_id.tolist()
