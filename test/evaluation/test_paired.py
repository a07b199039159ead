"""Two runs side by side: exchanged by chance, and judged on what both have found."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from dalearn_ros.evaluation.frames import AXES, Frame, FrameTable
from dalearn_ros.evaluation.intervals import DRAWS
from dalearn_ros.evaluation.paired import Pair, holm
from dalearn_ros.evaluation.units import Units


def table(hits: np.ndarray, of: int = 10) -> FrameTable:
    """Of ``of`` truths in each frame so many are hit, those with the first rows."""
    made = FrameTable(("background", "sign"))
    for i, count in enumerate(hits):
        made.frames.append(Frame(f"f{i}", 1, "d", "", ""))
        made.hits.extend(frame=i, row=np.arange(count), class_id=1, px=np.arange(count) + 1.0)
        made.missed.extend(frame=i, class_id=np.full(of - count, 1))
    return made


def pair(a: FrameTable, b: FrameTable) -> Pair:
    count = len(a.frames)
    return Pair.of(a, b, np.arange(count), Units("image", np.arange(count), count))


def test_few_units_are_exchanged_in_every_way() -> None:
    a, b = np.array([5, 6, 4, 5, 7, 5]), np.array([6, 6, 6, 4, 9, 8])
    found = pair(table(a), table(b)).chances()["recall"]
    step = (b - a) / 60
    sums = [abs(np.dot(step, signs)) for signs in itertools.product((1, -1), repeat=6)]
    assert found == np.mean(np.array(sums) >= abs(step.sum()) - 1e-12)
    least = pair(table(np.full(6, 4)), table(np.full(6, 8))).chances()["recall"]
    assert least == 2 / 64


@pytest.mark.parametrize("units", [6, 8])
def test_equal_models_are_told_apart_as_often_as_is_said(units: int) -> None:
    rng = np.random.default_rng(units)
    told, times = 0, 100
    for _ in range(times):
        quality = rng.beta(2, 2, units)
        a, b = (table(rng.binomial(10, quality)) for _ in range(2))
        told += pair(a, b).chances()["f1"] <= 0.05
    assert told / times <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / times)


def test_many_units_are_exchanged_at_random() -> None:
    alike = pair(table(np.tile([4, 6], 20)), table(np.tile([6, 4], 20)))
    assert alike.chances()["recall"] == 1.0
    apart = pair(table(np.full(40, 4)), table(np.full(40, 8)))
    assert apart.chances()["recall"] == 1 / (DRAWS + 1)


def test_errors_are_of_what_both_have() -> None:
    a, b = table(np.full(6, 9)), table(np.full(6, 3))  # B leaves out those with large errors
    for made, known in ((a, 6), (b, 3)):
        for i in range(6):
            value = 0.1 * (i + 1) if i < known else math.nan
            axes = dict.fromkeys(AXES, value)
            made.poses.extend(frame=i, **axes, **{f"prior_{k}": v for k, v in axes.items()})
    both = pair(a, b)
    first, second = both.each()
    assert first["reference_point_px.median"] == second["reference_point_px.median"] == 2.0
    for values in (first, second):
        assert values["localization.lateral_m.median"] == pytest.approx(0.2)
    assert first["localization.availability"] == 1.0
    assert second["localization.availability"] == 0.5
    held = both.contributing()
    assert held["localization.lateral_m.median"] == 3 and held["localization.availability"] == 6


def test_frames_of_another_order_are_the_same_frames() -> None:
    a, b = table(np.array([1, 2, 3])), table(np.array([3, 2, 1]))
    order = np.array([2, 1, 0])
    units = Units("image", np.arange(3), 3)
    found = Pair.of(a, b, order, units)
    assert (found.units.of_frame == [0, 1, 2, 5, 4, 3]).all()
    assert len(found.errors.hits) == len(found.table.hits) == 12


def test_holm_by_hand() -> None:
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": math.nan})
    assert found["a"] == pytest.approx(0.03) and math.isnan(found["d"])
    assert found["b"] == found["c"] == pytest.approx(0.06)
