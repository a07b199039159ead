"""Honesty of scores and covariances against hand numbers and simulated Gaussians."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2

from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.evaluation.calibration import (
    GAUSSIAN_INSIDE,
    CalibrationScore,
    expected_calibration_error,
    inside,
    labels_with_map_noise,
    reliability,
    with_map_noise,
)
from dalearn_ros.evaluation.matching import match
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations


def labels(points: list[tuple[float, float]], variance: float, ignore: list[bool]) -> Labels:
    n = len(points)
    return Labels(
        class_id=np.ones(n, np.int64),
        point_px=np.array(points, float).reshape(-1, 2),
        outlines_px=Ragged.of([np.array([[-1.0, -1], [1, -1], [1, 1]]) + p for p in points], 2),
        range_m=np.full(n, 20.0),
        visible=np.ones(n),
        map_id=np.array([str(i) for i in range(n)], np.str_),
        covariance_px2=np.tile(variance * np.eye(2), (n, 1, 1)),
        ignore=np.array(ignore, bool),
    )


def observed(points: list[tuple[float, float]], scores: list[float], variance: float,
             range_m: float = 20.0) -> Observations:  # fmt: skip
    n = len(points)
    return Observations(
        stamp_ns=0,
        class_id=np.ones(n, np.int64),
        point_px=np.array(points, float).reshape(-1, 2),
        score=np.array(scores, float),
        covariance_px2=np.tile(variance * np.eye(2), (n, 1, 1)),
        range_m=np.full(n, range_m),
        sigma_range_m=np.full(n, 2.0),
        track_id=np.full(n, -1),
    )


def scored(truth: Labels, seen: Observations) -> dict[str, object]:
    score = CalibrationScore()
    near, far = match(truth, seen, 8.0), match(truth, seen, 24.0)
    score.add(truth, seen, near, far, np.ones(len(truth), bool))
    return score.result()


def test_error_of_scores_by_hand() -> None:
    # Bin 0.9 to 1: three of 0.95, two hits, off by 0.95 - 2/3. Bin 0.2 to 0.3: one of 0.25, a hit.
    score, hit = np.array([0.95, 0.95, 0.25, 0.95]), np.array([True, False, True, True])
    expected = 3 / 4 * (0.95 - 2 / 3) + 1 / 4 * (1 - 0.25)
    assert expected_calibration_error(score, hit) == pytest.approx(expected)
    rows = reliability(score, hit)
    assert [row["count"] for row in rows] == [1, 3]
    assert rows[1]["score"] == pytest.approx(0.95) and rows[1]["hits"] == pytest.approx(2 / 3)


def test_a_score_of_one_is_in_the_last_bin() -> None:
    assert expected_calibration_error(np.ones(3), np.ones(3, bool)) == 0.0
    assert math.isnan(expected_calibration_error(np.zeros(0), np.zeros(0, bool)))


def test_gaussian_errors_lie_in_their_ellipses() -> None:
    random = np.random.default_rng(7)
    root = random.normal(0, 2, (20000, 2, 2))
    covariance = root @ root.transpose(0, 2, 1) + 0.1 * np.eye(2)
    error = (np.linalg.cholesky(covariance) @ random.normal(0, 1, (20000, 2, 1)))[:, :, 0]
    found = inside(error, covariance)
    expected = [chi2.cdf(k * k, 2) for k in (1, 2, 3)]
    assert list(found.values()) == pytest.approx(expected, abs=0.01)
    assert list(GAUSSIAN_INSIDE) == pytest.approx(expected)
    assert inside(error, 4.0 * covariance)["1"] == pytest.approx(expected[1], abs=0.01)


def test_hits_false_alarms_and_what_is_ignored() -> None:
    truth = labels([(100, 100), (300, 300)], 0.0, [False, True])
    seen = observed([(103, 100), (300, 301), (500, 500)], [0.75, 0.99, 0.35], 4.0)
    found = scored(truth, seen)
    # The one at ignored truth is left out: a hit of 0.75 and a false alarm of 0.35.
    assert found["ece"] == pytest.approx((0.25 + 0.35) / 2)
    assert found["covariance_inside"] == {"1": 0.0, "2": 1.0, "3": 1.0}  # 3 px of sigma 2


def test_the_truths_own_covariance_counts() -> None:
    seen = observed([(103, 100)], [0.9], 4.0)
    exact, rough = labels([(100, 100)], math.nan, [False]), labels([(100, 100)], 6.0, [False])
    assert scored(exact, seen)["covariance_inside"] == {"1": 0.0, "2": 1.0, "3": 1.0}
    assert scored(rough, seen)["covariance_inside"] == {"1": 1.0, "2": 1.0, "3": 1.0}


def test_a_miss_near_by_counts_against_the_covariance() -> None:
    found = scored(labels([(100, 100)], 0.0, [False]), observed([(120, 100)], [0.6], 1.0))
    assert found["covariance_inside"] == {"1": 0.0, "2": 0.0, "3": 0.0}
    assert found["ece"] == pytest.approx(0.6)


def test_distances() -> None:
    seen = observed([(100, 100)], [0.9], 1.0, range_m=23.0)  # 3 m off, sigma 2
    found = scored(labels([(100, 100)], 0.0, [False]), seen)
    assert found["distance_inside"] == {"1": 0.0, "2": 1.0}


def test_nothing_is_unknown() -> None:
    found = CalibrationScore().result()
    assert math.isnan(found["ece"]) and found["reliability"] == []
    assert all(math.isnan(value) for value in found["covariance_inside"].values())


def test_noise_of_the_map_by_hand() -> None:
    truth = labels([(100, 100)], math.nan, [False])
    # 5 cm at 20 m and a focal length of 1000 px are 2.5 px.
    found = with_map_noise(truth, 1000.0, 0.05)
    assert found.covariance_px2[0].tolist() == [[6.25, 0.0], [0.0, 6.25]]
    known = with_map_noise(labels([(1, 1)], 2.0, [False]), 1000.0, 0.05)
    assert known.covariance_px2[0].tolist() == [[8.25, 0.0], [0.0, 8.25]]


@pytest.mark.parametrize(
    "source, camera, variance",
    [
        ({"map": "m"}, {"matrix": [[1000.0, 0, 1], [0, 1000.0, 1], [0, 0, 1]]}, 6.25),
        ({"map": "m"}, None, 0.0),
        ({}, {"matrix": [[1000.0, 0, 1], [0, 1000.0, 1], [0, 0, 1]]}, 0.0),
    ],
)
def test_only_labels_of_a_map_have_its_noise(tmp_path, source, camera, variance) -> None:  # type: ignore[no-untyped-def]
    with DatasetWriter(tmp_path / "d", LabelSpace.load(), source) as writer:
        meta = {"name": "a", "width": 40, "height": 40, **({"camera": camera} if camera else {})}
        truth = labels([(10, 10)], math.nan, [False])
        writer.add(np.zeros((40, 40, 3), np.uint8), truth, meta)
    found = labels_with_map_noise(Dataset.open(tmp_path / "d"), 0, 0.05)
    assert found.covariance_px2[0, 0, 0] == pytest.approx(variance)
