"""The sequential test, the detector's recall and the camera's sight, against numbers by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from dalearn_ros.localization.presence import Odds, Presence
from dalearn_ros.localization.recall import RecallTable, Sight, part_of, sees_too_little

SECOND = 1_000_000_000
ODDS = Odds(missing=0.02, hidden_pass=0.01, hidden_view=0.1, false_match=0.02)
SIGHTED = np.zeros(8, dtype=bool)
PRIOR = math.log(0.02 / 0.98)


def passed(presence: Presence, seen: list[bool], start_s: float = 0.0, recall: float = 0.8) -> None:
    for i, one in enumerate(seen):
        stamp = round((start_s + i) * SECOND)
        presence.add(
            np.array([0]), np.array([one]), np.array([recall]), np.array([2]), 1.0, stamp, SIGHTED
        )


def test_one_pass_by_hand() -> None:
    presence = Presence(1, ODDS)
    passed(presence, [False, True, False])
    chance = 0.8 * 0.9
    there = (1 - chance) ** 2 * chance
    gone = 0.98**2 * 0.02
    expected = PRIOR + math.log(gone / (0.01 * gone + 0.99 * there))
    assert presence.log_odds(SIGHTED)[0] == pytest.approx(expected)
    assert presence.expected[0] == 3 and presence.seen[0] == 1 and presence.passes[0] == 1


def test_a_pass_without_a_sighting_weighs_no_more_than_that_something_hid_it() -> None:
    presence = Presence(1, ODDS)
    passed(presence, [False] * 500)
    assert presence.log_odds(SIGHTED)[0] <= PRIOR + math.log(1 / 0.01) + 1e-9


def test_a_drive_that_is_played_again_is_another_pass() -> None:
    presence = Presence(1, ODDS)
    for _ in range(3):
        passed(presence, [False] * 30, 1000.0)
    assert presence.passes[0] == 3


def test_passes_add_up_and_one_sighting_ends_the_doubt() -> None:
    presence = Presence(1, ODDS)
    odds = []
    for number in range(3):
        passed(presence, [False] * 6, 100.0 * number)
        odds.append(presence.log_odds(SIGHTED)[0])
    assert odds[0] < 1.0 < 4.0 < odds[1] < odds[2]
    for number in range(3, 7):
        passed(presence, [True] * 6, 100.0 * number)
    assert presence.log_odds(SIGHTED)[0] == -6.0  # the lower limit: what stands may go again
    assert presence.passes[0] == 7


def test_what_was_missed_where_the_camera_is_blind_is_no_evidence() -> None:
    presence = Presence(1, ODDS)
    passed(presence, [False] * 6)
    blind = SIGHTED.copy()
    blind[2] = True
    assert presence.log_odds(SIGHTED)[0] > 0.0
    assert presence.log_odds(blind)[0] == pytest.approx(PRIOR)


def test_recall_is_learned_by_class_and_size() -> None:
    table = RecallTable(4)
    near, far = np.array([100.0]), np.array([14.0])
    for _ in range(300):
        table.learn(np.array([2, 2]), np.array([100.0, 14.0]), np.array([True, False]), 1.0)
    assert table.of(np.array([2]), near)[0] > 0.95
    assert table.of(np.array([2]), far)[0] < 0.05
    assert table.of(np.array([3]), near)[0] == pytest.approx(0.7)


@pytest.mark.parametrize(("due", "seen", "little"), [(12, 2, True), (4, 1, False), (3, 0, True)])
def test_too_little_seen_is_a_tail_of_the_binomial(due: int, seen: int, little: bool) -> None:
    recall, mask = np.full(due, 0.9), np.arange(due) < seen
    assert sees_too_little(recall, mask) is little
    if seen:
        tail = stats.binom.cdf(seen, due, 0.9)
        assert little == (tail < 1e-3 and seen < 0.25 * 0.9 * due)


def test_a_part_of_the_image_becomes_blind_and_sees_again() -> None:
    sight, part = Sight(), part_of(np.array([[1000.0, 100.0]]), 1280, 720)
    assert part.tolist() == [3]
    for _ in range(20):
        sight.add(part, np.array([0.8]), np.array([False]), 1.0)
    assert np.flatnonzero(sight.blind).tolist() == [3]
    for _ in range(40):
        sight.add(part, np.array([0.8]), np.array([True]), 1.0)
    assert not sight.blind.any()
