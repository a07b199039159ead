"""Figures and thresholds from whole images."""

import dataclasses

import numpy as np
import pytest
from helpers.tiny_training import one_label, tiny_settings, write_dataset

from dalearn_ros.coding.calibration import Calibration
from dalearn_ros.coding.decode import Candidates
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.calibrate import (
    Found,
    Seen,
    calibration_figures,
    calibration_from,
    folds_of,
    raw_observations,
    score_hits,
)
from dalearn_ros.detector.regime import build_network, metadata_of, validate
from dalearn_ros.detector.validation import f1_at, summarise
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels


def _found(best, points, class_id=1, truth=None, range_m=20.0, drive=0, variance=1.0):
    count = len(best)
    candidates = Candidates(
        class_id=np.full(count, class_id),
        best=np.array(best, float),
        support=np.full(count, 10.0),
        point_px=np.array(points, float).reshape(-1, 2),
        covariance_px2=np.tile(variance * np.eye(2), (count, 1, 1)),
        log_range=np.full(count, np.log(range_m)),
        range_spread=np.zeros(count),
    )
    truth = truth or dataclasses.replace(
        one_label(1, (50.0, 50.0)), covariance_px2=np.zeros((1, 2, 2))
    )
    return Found(truth, candidates, np.ones(len(truth), bool), drive)


def _seen(scores, points):
    found = _found(scores, points)
    return Seen(found.truth, raw_observations(found, found.candidates.best))


def _drives(count=6, images=20, seed=3):
    """Votes that promise too much: of those with a best vote of 0.9 about half are hits.

    The hits are off by 2 px in each axis where their covariance is 1 px², so the factor is 4.
    """
    random = np.random.default_rng(seed)
    found = []
    for drive in range(count):
        for _ in range(images):
            wide = random.random() < 0.5  # a landmark that may lie anywhere is no hit
            error = random.normal(0, 40.0 if wide else 2.0, 2)
            variance = 30.0 if wide else 1.0
            points = [np.array([50.0, 50.0]) + error]
            found.append(_found([0.9], points, drive=drive, variance=variance))
    return found


def test_precision_recall_and_f1_by_hand():
    seen = [
        _seen([0.9, 0.4], [(51, 50), (90, 20)]),
        _seen([0.3], [(50, 52)]),
        _seen([], []),
    ]
    low = f1_at(seen, 0.2, 8.0)  # two hits, one false alarm, one missed
    assert low["precision"] == pytest.approx(2 / 3)
    assert low["recall"] == pytest.approx(2 / 3)
    assert low["f1"] == pytest.approx(2 / 3)
    high = f1_at(seen, 0.5, 8.0)
    assert (high["precision"], high["recall"], high["f1"]) == (1.0, pytest.approx(1 / 3), 0.5)
    assert f1_at(seen, 0.95, 8.0)["f1"] == 0.0


def test_the_threshold_with_the_best_f1():
    found = [_found([0.8, 0.45], [(50, 53), (90, 20)]) for _ in range(4)]
    figures = summarise(found, 8.0, 0.3, 9)  # too few to calibrate
    assert figures["f1"] == 1.0
    assert 0.45 < figures["score_threshold"] <= 0.8
    assert figures["reference_point_px"] == pytest.approx(3.0)
    assert figures["f1/1"] == 1.0
    assert calibration_from(figures) is None and "variance_scale" not in figures


def test_the_covariance_becomes_true():
    found = [_found([0.8], [(53, 54)]) for _ in range(30)]
    figures = summarise(found, 8.0, 0.3, 9)
    # Every error is (3, 4): the likeliest isotropic variance is 25 / 2.
    total = figures["variance_scale"] + figures["variance_floor_px2"]
    assert total == pytest.approx(12.5, rel=1e-3)
    assert figures["covariance_inside/1"] == 0.0  # 5 px, sigma 3.5
    assert figures["covariance_inside/2"] == 1.0


def test_truth_that_is_a_stand_in_says_nothing_of_the_covariance():
    found = [_found([0.8], [(53, 54)]) for _ in range(30)]
    loose = [dataclasses.replace(f, exact=np.zeros(1, bool)) for f in found]
    assert "variance_scale" not in summarise(loose, 8.0, 0.3, 9)


def test_the_spread_of_the_distance_is_measured():
    found = [_found([0.9], [(50, 50)], range_m=20.0 * np.exp(0.1))] * 3
    assert summarise(found, 8.0, 0.3, 9)["range_sigma"] == pytest.approx(0.14826, rel=1e-3)


def test_nothing_to_judge_on():
    assert summarise([], 8.0, 0.3, 9) == {}
    assert summarise([_found([], [], truth=Labels.empty())], 8.0, 0.3, 9)["f1"] == 0.0


def test_scores_are_calibrated_and_judged_on_other_drives():
    figures = summarise(_drives(), 8.0, 0.3, 9)
    # Every best vote is 0.9: by them alone half of what is said would be wrong.
    assert figures["precision"] > 0.95 and figures["recall"] == pytest.approx(0.5, abs=0.1)
    assert figures["ece"] < 0.1
    calibration = calibration_from(figures)
    features = np.concatenate([f.candidates.features for f in _drives(seed=4)])
    chance = calibration.probability(features, np.ones(len(features), np.int64))
    assert chance[features[:, 2] < 1.0].min() > 0.9 and chance[features[:, 2] > 1.0].max() < 0.2
    assert figures["variance_scale"] + figures["variance_floor_px2"] == pytest.approx(4.0, rel=0.25)


def test_cross_fitting_shows_what_does_not_carry_over():
    # In each drive the hits are told by a class of its own, which the others have never seen.
    found = []
    random = np.random.default_rng(1)
    for drive in range(6):
        for _ in range(30):
            hit = random.random() < 0.5
            point = (50, 51) if hit else (150, 51)
            truth = one_label(drive + 1, (50.0, 50.0))
            found.append(_found([0.6], [point], drive + 1, truth=truth, drive=drive))
    _, scores, ece = score_hits(found, 8.0, 9)
    assert np.concatenate(scores) == pytest.approx(0.5, abs=0.15) and ece < 0.15


def test_no_drive_is_on_both_sides():
    fold = folds_of(_drives(count=9, images=3))
    assert fold.reshape(9, 3).tolist() == [[d % 7] * 3 for d in range(9)]
    alone = folds_of(_drives(count=1, images=70))
    assert (np.diff(alone) >= 0).all() and np.bincount(alone).tolist() == [10] * 7


def test_a_calibration_survives_as_figures():
    calibration = Calibration((0.5, -1.0, 2.0, 0.0), tuple(0.1 * i for i in range(12)))
    assert calibration_from(calibration_figures(calibration)) == calibration
    assert calibration_from({"f1": 0.5}) is None


def test_a_network_is_judged_on_a_dataset(tmp_path):
    settings, space = tiny_settings(), LabelSpace.load()
    data = [Dataset.open(write_dataset(tmp_path / "data"))]
    found = validate(build_network(settings, space, 0), settings, space, data)
    assert 0.0 <= found["f1"] <= 1.0
    assert 0.1 <= found["score_threshold"] < 1.0


def test_chosen_thresholds_go_into_the_metadata():
    settings, space = tiny_settings(), LabelSpace.load()
    chosen = {"score_threshold": 0.35, "variance_scale": 2.0, "variance_floor_px2": 0.2}
    calibration = Calibration((0.5, -1.0, 2.0, 0.0), (0.1,) * 9)
    figures = {**chosen, "f1": 0.9, **calibration_figures(calibration)}
    found = metadata_of(settings, space, figures, {})
    assert found.decoding == dataclasses.replace(settings.decoding, **chosen)
    assert found.calibration == calibration
