"""Recognition accuracy against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.tiny_training import one_label

from dalearn_ros.hard_examples.recognition import recognise
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations


def truth(*rows: tuple[int, float, bool]) -> Labels:
    """Objects of (class, u, ignore), all at v = 10."""
    one = one_label(1, (0.0, 10.0))
    points = np.array([[u, 10.0] for _, u, _ in rows])
    return Labels(
        class_id=np.array([c for c, _, _ in rows]),
        point_px=points,
        outlines_px=Ragged.of([one.outlines_px[0] + p for p in points], 2),
        range_m=np.full(len(rows), 20.0),
        visible=np.ones(len(rows)),
        map_id=np.full(len(rows), ""),
        covariance_px2=np.tile(np.eye(2), (len(rows), 1, 1)),
        ignore=np.array([i for _, _, i in rows]),
    )


def seen(*rows: tuple[int, float, float]) -> Observations:
    """Observations of (class, u, score)."""
    count = len(rows)
    return Observations(
        stamp_ns=0,
        class_id=np.array([c for c, _, _ in rows], np.int64),
        point_px=np.array([[u, 10.0] for _, u, _ in rows]).reshape(-1, 2),
        score=np.array([s for _, _, s in rows]),
        covariance_px2=np.tile(np.eye(2), (count, 1, 1)),
        range_m=np.full(count, 20.0),
        sigma_range_m=np.ones(count),
        track_id=np.full(count, -1),
    )


# a hit, a miss by class, a miss by place, one that does not count; and a false alarm
TRUTH = truth((1, 10.0, False), (2, 50.0, False), (1, 90.0, False), (3, 130.0, True))
SEEN = seen((1, 14.0, 0.9), (1, 50.0, 0.8), (1, 99.0, 0.7), (3, 130.0, 1.0), (2, 200.0, 1.0))


def test_mean_confidence_of_the_true_objects() -> None:
    found = recognise(TRUTH, SEEN, "confidence", 8.0)
    assert found.accuracy == pytest.approx(0.9 / 3)
    assert found.classes == {1: (1, 2), 2: (0, 1)}


def test_share_of_objects_that_are_correct() -> None:
    assert recognise(TRUTH, SEEN, "correct", 8.0).accuracy == pytest.approx(1 / 3)
    assert recognise(TRUTH, SEEN, "correct", 9.0).accuracy == pytest.approx(2 / 3)


def test_false_alarms_change_nothing_and_an_unseen_image_has_none() -> None:
    only = seen((1, 14.0, 0.9))
    assert recognise(TRUTH, only, "confidence", 8.0) == recognise(TRUTH, SEEN, "confidence", 8.0)
    assert recognise(TRUTH, seen(), "confidence", 8.0).accuracy == 0.0


def test_of_several_near_an_object_the_nearest_counts() -> None:
    weak = seen((1, 14.0, 0.9), (1, 11.0, 0.2))  # nearer than the true one
    assert recognise(TRUTH, weak, "confidence", 8.0).accuracy == pytest.approx(0.2 / 3)
    assert recognise(TRUTH, weak, "correct", 8.0).accuracy == pytest.approx(1 / 3)


def test_an_image_without_objects_says_nothing() -> None:
    assert recognise(truth((3, 130.0, True)), SEEN, "correct", 8.0).accuracy is None
    assert recognise(Labels.empty(), SEEN, "confidence", 8.0).accuracy is None
