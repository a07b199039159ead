"""A table of numbers that grows."""

from __future__ import annotations

import sys

import numpy as np

from dalearn_ros.evaluation.columns import Columns


def test_rows_are_added_and_one_number_serves_all() -> None:
    table = Columns(frame="q", class_id="h", px="d")
    table.extend(frame=7, class_id=np.array([1, 2]), px=[0.5, np.nan])
    table.extend(frame=8, class_id=np.zeros(0, np.int64), px=np.zeros(0))
    table.extend(frame=9, class_id=3, px=1)
    assert len(table) == 3 and table.names == ("frame", "class_id", "px")
    assert table["frame"].tolist() == [7, 7, 9] and table["class_id"].dtype == np.int16
    np.testing.assert_array_equal(table["px"], [0.5, np.nan, 1.0])


def test_a_column_is_a_copy_and_a_row_takes_few_bytes() -> None:
    table = Columns(frame="q", px="d")
    table.extend(frame=0, px=np.zeros(10_000))
    table["px"][0] = 5.0
    table.extend(frame=1, px=1.0)  # which a view would forbid
    assert table["px"][0] == 0.0 and len(table) == 10_001
    assert sum(sys.getsizeof(c) for c in table._columns.values()) < 10_001 * 20
