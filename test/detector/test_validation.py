"""Figures and thresholds from whole images."""

import dataclasses

import numpy as np
import pytest
from helpers.tiny_training import one_label, tiny_settings, write_dataset

from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import build_network, metadata_of, validate
from dalearn_ros.detector.validation import Seen, f1_at, summarise
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, Observations


def _seen(scores, points, class_id=1, truth=None, range_m=20.0):
    count = len(scores)
    observations = Observations(
        stamp_ns=0,
        class_id=np.full(count, class_id),
        point_px=np.array(points, float).reshape(-1, 2),
        score=np.array(scores, float),
        covariance_px2=np.tile(np.eye(2), (count, 1, 1)),
        range_m=np.full(count, range_m),
        sigma_range_m=np.ones(count),
        track_id=np.full(count, -1),
    )
    return Seen(one_label(1, (50.0, 50.0)) if truth is None else truth, observations)


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
    seen = [_seen([0.8, 0.45], [(50, 53), (90, 20)]) for _ in range(4)]
    found = summarise(seen, 8.0)
    assert found["f1"] == 1.0
    assert 0.45 < found["score_threshold"] <= 0.8
    assert found["reference_point_px"] == pytest.approx(3.0)
    # Squared Mahalanobis distance 9; the median of chi-square with 2 degrees is 2 ln 2.
    assert found["variance_scale"] == pytest.approx(9.0 / (2 * np.log(2)))
    assert found["f1/1"] == 1.0


def test_the_spread_of_the_distance_is_measured():
    seen = [_seen([0.9], [(50, 50)], range_m=20.0 * np.exp(0.1))] * 3
    assert summarise(seen, 8.0)["range_sigma"] == pytest.approx(0.14826, rel=1e-3)


def test_nothing_to_judge_on():
    assert summarise([], 8.0) == {}
    assert summarise([_seen([], [], truth=Labels.empty())], 8.0)["f1"] == 0.0


def test_a_network_is_judged_on_a_dataset(tmp_path):
    settings, space = tiny_settings(), LabelSpace.load()
    data = [Dataset.open(write_dataset(tmp_path / "data"))]
    found = validate(build_network(settings, space, 0), settings, space, data)
    assert 0.0 <= found["f1"] <= 1.0
    assert 0.1 <= found["score_threshold"] < 1.0


def test_chosen_thresholds_go_into_the_metadata():
    settings, space = tiny_settings(), LabelSpace.load()
    figures = {"score_threshold": 0.35, "variance_scale": 2.0, "f1": 0.9}
    found = metadata_of(settings, space, figures, {}).decoding
    expected = dataclasses.replace(settings.decoding, score_threshold=0.35, variance_scale=2.0)
    assert found == expected
