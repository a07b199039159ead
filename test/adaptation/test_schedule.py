"""Weights, start and stop of self-training as functions of the loss history."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.adaptation.schedule import (
    Schedule,
    Weights,
    fall,
    reason_to_start,
    reason_to_stop,
    still_falls,
)
from dalearn_ros.adaptation.settings import (
    AdaptationSettings,
    DomainSettings,
    SelfTrainingSettings,
    StartSettings,
    StopSettings,
)

FALLING, FLAT = [4.0, 3.0, 2.0, 1.0], [1.0, 1.0, 1.0, 1.0]


def test_fall_of_the_weights_by_hand():
    settings = SelfTrainingSettings(fall_from=0.2, fall_to=1.2)
    found = [fall(p, settings) for p in (0.0, 0.2, 0.7, 1.0, 1.2, 5.0)]
    assert found == pytest.approx([1.0, 1.0, 0.5, 0.2, 0.0, 0.0])


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 3))
def test_fall_never_rises_and_stays_in_range(a, b, width):
    settings = SelfTrainingSettings(fall_from=0.3, fall_to=0.3 + width)
    low, high = fall(max(a, b), settings), fall(min(a, b), settings)
    assert 0.0 <= low <= high <= 1.0


def test_trend_of_a_loss():
    assert still_falls([9.0], 2, 0.0), "too short to say"
    assert still_falls(FALLING, 2, 0.1)
    assert not still_falls(FLAT, 2, 0.0)
    assert not still_falls([1.0, 1.0, 0.95, 0.95], 2, 0.1)
    assert still_falls([1.0, 1.0, 0.85, 0.85], 2, 0.1)


@pytest.mark.parametrize(
    ("rule", "history", "progress", "starts"),
    [
        ("any", FALLING, 0.1, False),
        ("any", FLAT, 0.1, True),
        ("any", FALLING, 0.5, True),
        ("all", FLAT, 0.1, False),
        ("all", FALLING, 0.5, False),
        ("all", FLAT, 0.5, True),
        ("threshold", FLAT, 0.1, False),
        ("threshold", [3.0, 3.0, 0.5, 0.5], 0.1, True),
        ("threshold", [0.5], 0.1, False),
        ("threshold", FLAT, 0.5, True),
    ],
)
def test_start_rules(rule, history, progress, starts):
    settings = StartSettings(rule=rule, window=2, tolerance=0.1, share=0.5, source_threshold=0.5)
    assert bool(reason_to_start(history, progress, settings)) is starts


def test_stop_by_either_loss():
    settings = StopSettings(source_threshold=2.0, domain_threshold=0.7)
    assert reason_to_stop([1.0, 1.0], [0.6, 0.6], 2, settings) == ""
    assert "source" in reason_to_stop([2.0, 2.0], [0.6, 0.6], 2, settings)
    assert "domain" in reason_to_stop([1.0, 1.0], [0.6, 0.8], 2, settings)
    assert reason_to_stop([9.0], [9.0], 2, settings) == "", "too short to say"
    assert reason_to_stop([9.0] * 4, [9.0] * 4, 2, StopSettings()) == ""


def _schedule(restart=True):
    start = StartSettings(rule="threshold", window=1, share=1.0, source_threshold=1.0)
    stop = StopSettings(source_threshold=2.0, restart=restart)
    own = SelfTrainingSettings(weight=4.0, fall_from=0.0, fall_to=2.0, start=start, stop=stop)
    domain = DomainSettings(weight=0.5)
    return Schedule(
        AdaptationSettings(source_weight=2.0, few_shot_weight=3.0, domain=domain, self_training=own)
    )


def test_weights_before_during_and_after_self_training():
    schedule = _schedule()
    schedule.update(1, 0.1, 1.5, 0.6)
    assert schedule.weights(0.1) == Weights(2.0, 0.5, 0.0, 3.0)
    schedule.update(2, 0.2, 0.9, 0.6)
    assert schedule.weights(0.2) == Weights(2.0, 0.5, 0.0, 3.0), "θ_p rises from 0"
    halfway = schedule.weights(0.6)  # λ = 0.5 of what was left, f = 0.75
    assert halfway == pytest.approx(Weights(1.5, 0.375, 1.0, 3.0))
    schedule.update(3, 0.7, 2.0, 0.6)
    assert not schedule.running
    assert schedule.weights(0.7) == Weights(2.0, 0.5, 0.0, 3.0)
    schedule.update(4, 0.8, 0.5, 0.6)
    assert schedule.running
    assert schedule.since == 0.8
    assert [event[1] for event in schedule.events] == ["started", "stopped", "started"]


def test_no_second_start_if_the_settings_say_so():
    schedule = _schedule(restart=False)
    for step, loss in enumerate((0.5, 2.5, 0.5, 0.5)):
        schedule.update(step, 0.1 * step, loss, 0.6)
    assert not schedule.running
    assert len(schedule.events) == 2


def test_state_survives_json():
    schedule, other = _schedule(), _schedule()
    for step, loss in enumerate((1.5, 0.5, 0.7)):
        schedule.update(step, 0.1 * step, loss, 0.6)
    other.restore(json.loads(json.dumps(schedule.state())))
    assert other == schedule
