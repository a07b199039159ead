"""Detection metrics against numbers made by hand."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from dalearn_ros.evaluation.bands import spread
from dalearn_ros.evaluation.detection import DetectionScore, scores
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations

NOTHING = {"median": math.nan, "p95": math.nan}


def truth(points: list[tuple[float, float]], classes: list[int], ranges: list[float]) -> Labels:
    n = len(points)
    return Labels(
        class_id=np.array(classes, np.int64),
        point_px=np.array(points, float).reshape(-1, 2),
        outlines_px=Ragged.of([np.zeros((0, 2))] * n, 2),
        range_m=np.array(ranges, float),
        visible=np.ones(n),
        map_id=np.array([str(i) for i in range(n)], np.str_),
        covariance_px2=np.zeros((n, 2, 2)),
        ignore=np.zeros(n, bool),
    )


def seen(
    points: list[tuple[float, float]], classes: list[int], ranges: list[float]
) -> Observations:
    found = Observations.of_points(
        np.array(classes, np.int64), np.array(points, float).reshape(-1, 2)
    )
    return dataclasses.replace(found, range_m=np.array(ranges, float))


def filled() -> DetectionScore:
    """Two frames: class 1 hit at 3 px and at 5 px, class 6 missed, one false alarm of class 2."""
    score = DetectionScore(LabelSpace.load())
    score.add(
        truth([(100, 100), (300, 300)], [1, 6], [20.0, 8.0]),
        seen([(103, 100), (600, 50)], [1, 2], [22.0, 5.0]),
        (1280, 720),
    )
    score.add(truth([(50, 50)], [1], [50.0]), seen([(50, 55)], [1], [math.nan]), (1280, 720))
    return score


def test_counts_by_hand() -> None:
    result = filled().result()
    assert result["frames"] == 2 and result["image_size"] == "1280x720"
    assert result["precision"] == pytest.approx(2 / 3)  # 2 hits of 3 claims
    assert result["recall"] == pytest.approx(2 / 3)  # 2 of 3
    assert result["f1"] == pytest.approx(2 / 3)
    assert result["f1_at"] == pytest.approx({"4": 1 / 3, "8": 2 / 3, "0.6%": 2 / 3})  # 7.68 px
    assert result["per_class"]["warning_sign"]["f1"] == 1.0
    assert result["per_class"]["warning_sign"]["support"] == 2
    assert result["per_class"]["arrow"]["recall"] == 0.0
    assert math.isnan(result["per_class"]["signal"]["f1"])
    assert result["f1_macro"] == pytest.approx(0.5)  # warning_sign 1, arrow 0; others do not occur
    assert result["reference_point_px"] == pytest.approx({"median": 4.0, "p95": 4.9})
    assert result["distance"]["abs_rel"] == pytest.approx(0.1)  # |22 - 20| / 20, the other unknown
    assert result["by_range"]["20-40 m"]["recall"] == 1.0
    assert result["by_range"]["0-10 m"]["recall"] == 0.0


def test_the_share_of_the_width_follows_the_image() -> None:
    score = DetectionScore(LabelSpace.load())
    score.add(truth([(0, 0)], [1], [20.0]), seen([(11, 0)], [1], [20.0]), (1920, 1080))
    result = score.result()
    assert result["f1_at"] == {"4": 0.0, "8": 0.0, "0.6%": 1.0}  # 11.52 px


def test_an_approximate_point_counts_as_hit_but_not_in_pixels() -> None:
    score = DetectionScore(LabelSpace.load())
    score.add(
        truth([(0, 0), (99, 0)], [6, 1], [9.0, 9.0]),
        seen([(6, 0), (99, 1)], [6, 1], [9.0, 9.0]),
        (640, 360),
        approximate=np.array([True, False]),
    )
    result = score.result()
    assert result["f1"] == 1.0 and result["reference_point_px"]["median"] == 1.0


def test_nothing_at_all_is_unknown_not_zero() -> None:
    result = DetectionScore(LabelSpace.load()).result()
    assert all(math.isnan(result[key]) for key in ("precision", "recall", "f1", "f1_macro"))
    assert result["support"] == 0


@pytest.mark.parametrize(
    "counts, expected",
    [
        ((0, 0, 5), (math.nan, 0.0, 0.0)),
        ((0, 4, 0), (0.0, math.nan, 0.0)),
        ((3, 1, 0), (0.75, 1.0, 6 / 7)),
    ],
)
def test_scores(counts: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    assert list(scores(*counts).values()) == pytest.approx(expected, nan_ok=True)


def test_spread_leaves_nan_out() -> None:
    assert spread(np.array([1.0, np.nan, 3.0])) == pytest.approx({"median": 2.0, "p95": 2.9})


def test_by_size_and_by_what_is_seen_by_hand() -> None:
    box = np.array([[0, 0], [1, 0], [1, 0.5]])
    there = truth([(100, 100), (300, 300), (500, 500)], [1, 1, 1], [20.0, 20.0, 20.0])
    there = dataclasses.replace(
        there,
        outlines_px=Ragged.of([23.9 * box, 24.0 * box, np.zeros((0, 2))], 2),
        visible=np.array([0.69, 1.0, np.nan]),
    )
    score = DetectionScore(LabelSpace.load())
    score.add(there, seen([(103, 100), (500, 500)], [1, 1], [20.0, 20.0]), (1280, 720))
    result = score.result()
    assert result["by_size"]["0-24 px"]["recall"] == 1.0
    assert result["by_size"]["0-24 px"]["reference_point_px"]["median"] == 3.0
    assert result["by_size"]["24-48 px"] == {
        "support": 1, "recall": 0.0, "reference_point_px": pytest.approx(NOTHING, nan_ok=True),
    }  # fmt: skip
    supports = [band["support"] for band in result["by_size"].values()]
    assert supports == [1, 1, 0, 0]  # without an outline: in no band
    assert {name: band["support"] for name, band in result["by_visible"].items()} == {
        "0-0.7": 1, "0.7-0.9": 0, "0.9-1": 1,
    }  # fmt: skip
