"""Maps that projected outlines ask for."""

from __future__ import annotations

import dataclasses

import numpy as np

from dalearn_ros.attention.proposals import mass_inside, proposed_map
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


def test_the_share_of_attention_inside() -> None:
    inside = np.array([[1.0, 0.5], [0.0, 0.0]])
    assert mass_inside([[2.0, 2.0], [4.0, 0.0]], inside) == 3.0 / 8.0
    assert np.isnan(mass_inside(np.zeros((2, 2)), inside))
