"""Structures of arrays: selection and length checks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations


def labels() -> Labels:
    outlines = [np.full((k, 2), float(k)) for k in (3, 4, 5)]
    return Labels(
        class_id=np.array([1, 5, 7]),
        point_px=np.arange(6.0).reshape(3, 2),
        outlines_px=Ragged.of(outlines, 2),
        range_m=np.array([10.0, 20, 30]),
        visible=np.ones(3),
        map_id=np.array(["a", "b", "c"]),
        covariance_px2=np.zeros((3, 2, 2)),
        ignore=np.array([False, True, False]),
    )


@pytest.mark.parametrize("index", [[2, 0], np.array([True, False, True])])
def test_selection_takes_every_column_along(index: object) -> None:
    chosen = labels().select(index)  # type: ignore[arg-type]
    expected = {"c", "a"}
    assert set(chosen.map_id) == expected
    for i, name in enumerate(chosen.map_id):
        assert len(chosen.outlines_px[i]) == {"a": 3, "c": 5}[str(name)]
        assert chosen.range_m[i] == {"a": 10, "c": 30}[str(name)]


def test_empty_structures_have_length_zero_and_can_be_selected() -> None:
    assert len(Labels.empty()) == len(Labels.empty().select([])) == 0
    assert len(Observations.empty(5)) == 0
    assert Observations.empty(5).select(np.zeros(0, bool)).stamp_ns == 5


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different lengths"):
        dataclasses.replace(labels(), range_m=np.zeros(2))


def test_ragged_rows_and_their_end() -> None:
    ragged = Ragged.of([[[1, 2]], [], [[3, 4], [5, 6]]], 2)
    assert [len(row) for row in ragged] == [1, 0, 2]
    np.testing.assert_array_equal(ragged[-1], [[3, 4], [5, 6]])
    with pytest.raises(IndexError):
        ragged[3]


def test_points_alone_know_neither_distances_nor_tracks() -> None:
    points = np.array([[1.0, 2.0], [3.0, 4.0]])
    found = Observations.of_points(np.array([1, 2]), points, sigma_px=3.0, stamp_ns=7)
    assert (found.stamp_ns, len(found)) == (7, 2)
    assert found.score.tolist() == [1.0, 1.0] and found.track_id.tolist() == [-1, -1]
    assert np.isnan(found.range_m).all() and np.isnan(found.sigma_range_m).all()
    assert found.covariance_px2.tolist() == [[[9.0, 0.0], [0.0, 9.0]]] * 2
    assert len(Observations.of_points(np.zeros(0, np.int64), np.zeros((0, 2)))) == 0
