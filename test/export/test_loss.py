"""What a conversion loses, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dalearn_ros.export.loss import loss_between
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations


def _seen(points: list[tuple[float, float]]) -> Observations:
    count = len(points)
    return Observations(
        stamp_ns=0,
        class_id=np.ones(count, np.int64),
        point_px=np.array(points, float).reshape(-1, 2),
        score=np.full(count, 0.9),
        covariance_px2=np.tile(np.eye(2), (count, 1, 1)),
        range_m=np.full(count, 20.0),
        sigma_range_m=np.full(count, 2.0),
        track_id=np.full(count, -1, np.int64),
    )


def _truth(points: list[tuple[float, float]]) -> tuple[Labels, np.ndarray]:
    count = len(points)
    labels = Labels(
        class_id=np.ones(count, np.int64),
        point_px=np.array(points, float).reshape(-1, 2),
        outlines_px=Ragged.of([np.zeros((0, 2))] * count, 2),
        range_m=np.full(count, 20.0),
        visible=np.ones(count),
        map_id=np.full(count, ""),
        covariance_px2=np.tile(np.eye(2), (count, 1, 1)),
        ignore=np.zeros(count, bool),
    )
    return labels, np.zeros(count, bool)


def test_by_hand() -> None:
    """Truth at 0 and 100. Before: both, 1 px off. After: one at 3 px, and a false one."""
    truth = [_truth([(0.0, 0.0), (100.0, 0.0)])]
    loss = loss_between([_seen([(1, 0), (101, 0)])], [_seen([(3, 0), (50, 0)])], truth)
    assert loss.before.f1 == 1.0
    assert loss.before.median_px == loss.before.p95_px == 1.0
    assert loss.after.f1 == pytest.approx(0.5)  # 1 hit, 1 missed, 1 false
    assert loss.after.median_px == 3.0
    assert loss.apart.f1 == pytest.approx(0.5)
    assert loss.apart.median_px == 2.0
    assert loss.f1 == pytest.approx(0.5)
    assert "F1 1.000 -> 0.500, point error 1.00 -> 3.00 px median" in str(loss)


def test_stand_ins_have_no_pixel_error() -> None:
    labels, _ = _truth([(0.0, 0.0), (100.0, 0.0)])
    seen = [_seen([(1, 0), (105, 0)])]
    loss = loss_between(seen, seen, [(labels, np.array([False, True]))])
    assert loss.after.f1 == 1.0
    assert loss.after.p95_px == 1.0


def test_closer_is_agreement_first_and_then_the_points() -> None:
    truth = [_truth([(0.0, 0.0), (100.0, 0.0)])]
    before = [_seen([(0, 0), (100, 0)])]
    near, far = _seen([(0.1, 0), (100.1, 0)]), _seen([(0.5, 0), (100.5, 0)])
    half, nothing = _seen([(0, 0)]), _seen([])
    order = [loss_between(before, [after], truth) for after in (near, far, half, nothing)]
    for index, one in enumerate(order):
        assert [one.closer_than(other) for other in order] == [i > index for i in range(4)]
    assert math.isnan(order[-1].apart.median_px)
