"""One-to-one pairs."""

from __future__ import annotations

import numpy as np

from dalearn_ros.localization.pairing import nearest_first


def test_nearest_first_breaks_ties_by_row() -> None:
    assert nearest_first(np.array([[1.0, 1.0], [1.0, np.inf]])).tolist() == [[0, 0]]


def test_the_smallest_cost_goes_first_and_infinite_cost_never() -> None:
    cost = np.array([[3.0, 1.0, np.inf], [2.0, 1.5, np.inf]])
    assert nearest_first(cost).tolist() == [[0, 1], [1, 0]]
