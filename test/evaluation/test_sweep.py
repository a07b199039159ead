"""Curves and average precision against hand-worked numbers and a slow, plain implementation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.random_scenes import SIZE, random_scene

from dalearn_ros.evaluation.detection import DetectionScore
from dalearn_ros.evaluation.sweep import (
    THRESHOLDS,
    average_precision,
    curve_of,
    sweep_result,
)
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, Observations


def by_hand() -> tuple[list[float], list[int], list[int]]:
    """Hit at 0.9, false alarm at 0.8, hit at 0.7; one of three truths is never found."""
    return [0.9, 0.8, 0.7], [1, 0, 1], [0, 1, 0]


def test_average_precision_by_hand() -> None:
    curve = curve_of(*(np.array(column) for column in by_hand()), support=3)
    np.testing.assert_allclose(curve.precision, [1, 1 / 2, 2 / 3])
    np.testing.assert_allclose(curve.recall, [1 / 3, 1 / 3, 2 / 3])
    np.testing.assert_allclose(curve.f1, [2 / 4, 2 / 5, 4 / 6])
    assert average_precision(curve) == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3)


def test_claims_of_one_score_stand_or_fall_together() -> None:
    score, hits, wrong = np.array([0.5, 0.5]), np.array([1, 0]), np.array([0, 1])
    for order in ([0, 1], [1, 0]):
        assert average_precision(curve_of(score[order], hits[order], wrong[order], 1)) == 0.5


def test_without_truth_or_claims() -> None:
    nothing = np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64)
    assert math.isnan(average_precision(curve_of(*nothing, 0)))
    assert average_precision(curve_of(*nothing, 4)) == 0.0
    found = sweep_result(curve_of(*nothing, 4))
    assert math.isnan(found["best"]["f1"]) and found["recall"] == [0.0] * len(THRESHOLDS)


def test_the_table_of_thresholds_by_hand() -> None:
    found = sweep_result(curve_of(*(np.array(column) for column in by_hand()), support=3))
    at = {t: i for i, t in enumerate(found["threshold"])}
    assert found["recall"][at[0.9]] == found["recall"][at[0.82]] == 1 / 3
    assert found["precision"][at[0.8]] == 0.5 and found["recall"][at[0.0]] == 2 / 3
    assert math.isnan(found["precision"][at[0.92]]) and found["recall"][at[0.92]] == 0.0
    assert found["best"] == pytest.approx(
        {"threshold": 0.7, "precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3}
    )


def test_one_frame_in_which_a_weaker_claim_takes_the_hit() -> None:
    """Truth at 0; a claim of 0.9 at 5 px, one of 0.6 at 1 px: a hit each by itself, one together.

    From 0.6 on the nearer one is the hit and the surer one a false alarm.
    """
    truth, seen = scene([0.0], [5.0, 1.0], [0.9, 0.6])
    score = DetectionScore(LabelSpace.load())
    score.add(truth, seen, SIZE)
    result = score.result()
    assert result["sweep"]["precision"][THRESHOLDS.index(0.9)] == 1.0
    assert result["sweep"]["precision"][THRESHOLDS.index(0.6)] == 0.5
    assert result["per_class"]["warning_sign"]["ap"] == 1.0
    assert result["precision"] == 0.5 and result["recall"] == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_any_scene_against_matching_anew_at_each_threshold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scenes = [random_scene(rng) for _ in range(25)]
    score = DetectionScore(LabelSpace.load())
    for truth, seen in scenes:
        score.add(truth, seen, SIZE)
    result = score.result()
    names = LabelSpace.load().names
    slow = []
    for number in (1, 2, 3):
        expected, points = slow_ap(scenes, number)
        assert result["per_class"][names[number]]["ap"] == pytest.approx(expected, abs=1e-12)
        slow.append(expected)
    assert result["mean_ap"] == pytest.approx(np.mean(slow))
    for threshold, precision, recall in zip(
        THRESHOLDS, result["sweep"]["precision"], result["sweep"]["recall"], strict=True
    ):
        hits, wrong, support = (
            sum(column)
            for column in zip(*(slow_counts(scenes, n, threshold) for n in (1, 2, 3)), strict=True)
        )
        assert precision == pytest.approx(hits / (hits + wrong) if hits + wrong else math.nan,
                                          nan_ok=True)  # fmt: skip
        assert recall == pytest.approx(hits / support)
    # The curve ends at the figures of all claims.
    assert result["sweep"]["precision"][0] == pytest.approx(result["precision"])
    assert result["sweep"]["recall"][0] == pytest.approx(result["recall"])


def scene(
    truths: list[float], claims: list[float], scores: list[float]
) -> tuple[Labels, Observations]:
    """Class 1 only, on a line."""
    truth, seen = random_scene(np.random.default_rng(0))
    while len(truth) < len(truths) or len(seen) < len(claims):
        truth, seen = random_scene(np.random.default_rng(len(truth) + 10 * len(seen) + 1))
    truth, seen = truth.select(np.arange(len(truths))), seen.select(np.arange(len(claims)))
    truth.class_id[:], truth.ignore[:], seen.class_id[:] = 1, False, 1
    truth.point_px[:], seen.point_px[:] = 0.0, 0.0
    truth.point_px[:, 0], seen.point_px[:, 0], seen.score[:] = truths, claims, scores
    return truth, seen


def slow_counts(
    scenes: list[tuple[Labels, Observations]], number: int, threshold: float
) -> tuple[int, int, int]:
    """Hits, false alarms and support of a class, with a matching of its own."""
    hits = wrong = support = 0
    for truth, seen in scenes:
        rows = [i for i in range(len(truth)) if truth.class_id[i] == number]
        claims = [
            j
            for j in range(len(seen))
            if seen.class_id[j] == number and seen.score[j] >= threshold - 1e-9
        ]
        away = {
            (i, j): math.dist(truth.point_px[i], seen.point_px[j]) for i in rows for j in claims
        }
        pairs = sorted((d, i, j) for (i, j), d in away.items() if d <= 8 and not truth.ignore[i])
        took: set[int] = set()
        found: set[int] = set()
        for _, i, j in pairs:
            if i not in found and j not in took:
                found.add(i)
                took.add(j)
        aside = {j for (i, j), d in away.items() if truth.ignore[i] and d <= 8} - took
        hits, wrong = hits + len(took), wrong + len(claims) - len(took) - len(aside)
        support += sum(not truth.ignore[i] for i in rows)
    return hits, wrong, support


def slow_ap(
    scenes: list[tuple[Labels, Observations]], number: int
) -> tuple[float, list[tuple[float, float]]]:
    """Area under the best precision at each recall or beyond, recall by recall."""
    points = []
    for threshold in sorted({float(s) for _, seen in scenes for s in seen.score}):
        hits, wrong, support = slow_counts(scenes, number, threshold)
        if hits + wrong:
            points.append((hits / support, hits / (hits + wrong)))
    area, before = 0.0, 0.0
    for recall in sorted({recall for recall, _ in points}):
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    return area, points
