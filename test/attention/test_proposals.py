"""Maps that projected outlines ask for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dalearn_ros.attention.proposals import (
    known_cells,
    landmark_share,
    mass_inside,
    proposed_map,
)
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels


def labels(*outlines: list[list[float]], ignored: tuple[bool, ...] = ()) -> Labels:
    count = len(outlines)
    return dataclasses.replace(
        Labels.empty(),
        class_id=np.ones(count, np.int64),
        point_px=np.array([np.mean(one, axis=0) for one in outlines]).reshape(-1, 2),
        outlines_px=Ragged.of(outlines, 2),
        range_m=np.full(count, 20.0),
        visible=np.ones(count),
        map_id=np.array([""] * count),
        covariance_px2=np.zeros((count, 2, 2)),
        ignore=np.array(ignored or (False,) * count, np.bool_),
    )


SQUARE = [[7.5, 7.5], [23.5, 7.5], [23.5, 15.5], [7.5, 15.5]]  # two cells of 8 px exactly


def test_cells_that_an_outline_fills_are_one() -> None:
    found = proposed_map(labels(SQUARE), (4, 6), (48, 32), margin_cells=0)
    assert found.shape == (4, 6)
    expected = np.zeros((4, 6))
    expected[1, 1:3] = 1
    assert np.abs(found - expected).max() < 0.16  # a pixel more, as cv2 fills its border too
    assert found.sum() < 2.7


def test_a_margin_reaches_the_neighbours() -> None:
    found = proposed_map(labels(SQUARE), (4, 6), (48, 32))
    assert (found[0:3, 0:4] > 0.5).all()
    assert found[3].max() < 0.2


def test_ignored_landmarks_are_left_out() -> None:
    assert proposed_map(labels(SQUARE, ignored=(True,)), (4, 6), (48, 32)).max() == 0


def test_nothing_is_known_on_ignored_landmarks() -> None:
    def known_of(truth: Labels, margin_cells: float) -> np.ndarray:
        wanted = proposed_map(truth, (4, 6), (48.0, 32.0), margin_cells)
        return known_cells(truth, wanted, (48.0, 32.0), margin_cells)

    assert known_of(labels(SQUARE), 0).all()
    known = known_of(labels(SQUARE, ignored=(True,)), 0)
    assert not known[1, 1:3].any()
    assert known[3].all() and known[:, 4:].all()
    both = labels(SQUARE, SQUARE, ignored=(True, False))
    assert known_of(both, 1).all()  # the one that counts is there, too


def test_attention_on_ignored_landmarks_counts_on_neither_side() -> None:
    left = [[0.5, 8.5], [6.5, 8.5], [6.5, 14.5], [0.5, 14.5]]  # inside the cell (1, 0)
    right = [[40.5, 8.5], [46.5, 8.5], [46.5, 14.5], [40.5, 14.5]]  # inside (1, 5)
    attention = np.zeros((4, 6))
    attention[1, 0], attention[1, 5], attention[3, 3] = 2.0, 5.0, 1.0
    own = proposed_map(labels(left), (4, 6), (48.0, 32.0), margin_cells=0)[1, 0]
    judged = labels(left, right, ignored=(False, True))
    share = landmark_share(attention, judged, (48.0, 32.0))
    assert share == pytest.approx(own * 2.0 / 3.0, abs=1e-6)


def test_the_share_of_attention_inside() -> None:
    inside = np.array([[1.0, 0.5], [0.0, 0.0]])
    assert mass_inside([[2.0, 2.0], [4.0, 0.0]], inside) == 3.0 / 8.0
    assert np.isnan(mass_inside(np.zeros((2, 2)), inside))
