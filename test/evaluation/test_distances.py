"""Rows of distance and error for the report."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dalearn_ros.evaluation.distances import DistanceRows


def image(ranges: list[float], errors: dict[int, float], ignored: tuple[int, ...] = ()) -> Any:
    """Truth at some distances; errors px of those that were found, the others are missed."""
    truth = SimpleNamespace(range_m=np.array(ranges), class_id=np.arange(len(ranges)))
    missed = [row for row in range(len(ranges)) if row not in errors and row not in ignored]
    found = SimpleNamespace(
        truth=np.array(list(errors)), distance_px=np.array(list(errors.values())),
        missed=np.array(missed, np.int64),
    )  # fmt: skip
    return truth, found


def test_bands_have_recall_and_errors_of_the_hits() -> None:
    rows = DistanceRows()
    rows.add(*image([1.0, 2.0, 3.0, 4.0, 5.0, 9.0], {0: 1.0, 1: 2.0, 2: 6.0}, ignored=(5,)))
    rows.add(*image([21.0, 29.0, 22.0, 23.0], {}))  # four are too few for a band
    table = rows.table()
    assert table.shape == (9, 3) and np.isnan(table[:, 2]).sum() == 6
    (band,) = rows.bands()
    # 3 of 5; 1, 2 and 6 px: the median is 2, 95 % lie at 2 + 0.9 * 4.
    assert band == pytest.approx([5.0, 0.6, 2.0, 5.6])
    rows.add(*image([25.0], {}))
    assert rows.bands()[1][:2] == pytest.approx([25.0, 0.0])
    assert np.isnan(rows.bands()[1][2:]).all()


def test_memory_is_bounded_and_what_stays_is_spread_over_the_drive() -> None:
    rows = DistanceRows(most=100)
    for step in range(1000):
        rows.add(*image([float(step)], {0: 1.0}))
    kept = rows.table()[:, 0]
    assert 50 <= len(kept) <= 100
    assert np.ptp(np.diff(kept)) == 0  # every 16th of the thousand
    assert kept[0] == 0 and kept[-1] > 980


def test_nothing_gives_empty_tables() -> None:
    assert DistanceRows().table().shape == (0, 3) and DistanceRows().bands().shape == (0, 4)
