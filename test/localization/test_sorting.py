"""What becomes of each observation."""

from __future__ import annotations

import numpy as np
from helpers.health_street import observed

from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.localization.sorting import sort_out


def test_matched_displaced_ambiguous_and_unexplained() -> None:
    expected = Labels(
        class_id=np.array([1, 1, 2, 3]),
        point_px=np.array([[100.0, 100], [300, 100], [500, 100], [700, 100]]),
        outlines_px=Ragged.of([np.zeros((3, 2))] * 4, 2),
        range_m=np.full(4, 20.0),
        visible=np.ones(4),
        map_id=np.array(["a", "b", "c", "d"]),
        covariance_px2=np.tile(np.eye(2), (4, 1, 1)),
        ignore=np.array([False, False, False, True]),
    )
    # a is matched; b is seen 1 m (50 px) to the right; at c is something that was not matched;
    # d is not due; and one observation is of another class than all near it.
    seen = observed(
        0, np.array([1, 1, 2, 9]), np.array([[101.0, 100], [350, 100], [501, 100], [300, 100]])
    )
    found = sort_out(
        expected, np.array([7, 8, 9, 10]), seen, np.array([[0, 7]]), focal_px=1000.0,
        search_m=2.5, map_sigma_m=0.05,
    )  # fmt: skip
    assert found.seen.tolist() == [True, False, False, False]
    assert found.due.tolist() == [True, True, False, False]
    assert found.claims.tolist() == [[1, 1]]
    assert found.unexplained.tolist() == [3]


def test_nothing_seen_and_nothing_expected() -> None:
    nothing = observed(0, np.zeros(0, np.int64), np.zeros((0, 2)))
    none = np.zeros((0, 2), np.int64)
    found = sort_out(
        Labels.empty(), np.zeros(0, np.int64), nothing, none, focal_px=1000.0, search_m=2.5,
        map_sigma_m=0.05,
    )  # fmt: skip
    assert not len(found.due) and not len(found.claims) and not len(found.unexplained)
