"""The sorted grid finds what a search through all points finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.maps.grid import CELL_M, SortedGrid

SPREAD = np.random.default_rng(0).uniform([-500.0, 1e6 - 500.0], [500.0, 1e6 + 500.0], (4000, 2))
GRID = SortedGrid.of(SPREAD)


def _inside_hull(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """By the definition of the convex hull: on no outer side of any line through two corners."""
    inside = np.ones(len(points), bool)
    for a in corners:
        for b in corners:
            d = b - a
            side = d[0] * (corners[:, 1] - a[1]) - d[1] * (corners[:, 0] - a[0])
            if np.linalg.norm(d) > 0 and (side >= -1e-9).all():  # an edge, all corners to the left
                inside &= d[0] * (points[:, 1] - a[1]) - d[1] * (points[:, 0] - a[0]) >= -1e-9
    return inside


@given(st.floats(-700, 700), st.floats(-700, 700), st.floats(0, 900, allow_subnormal=False))
def test_a_circle_misses_nothing(x: float, y: float, radius: float) -> None:
    centre = np.array([x, 1e6 + y])
    found = GRID.near(centre, radius)
    assert len(set(found.tolist())) == len(found)
    distance = np.linalg.norm(SPREAD - centre, axis=1)
    assert set(np.flatnonzero(distance <= radius).tolist()) <= set(found.tolist())
    # Whatever is found beside it lies in a cell that the circle touches.
    assert (distance[found] <= radius + 2.0**0.5 * CELL_M + 0.01).all()


@given(st.lists(st.tuples(st.floats(-600, 600), st.floats(-600, 600)), min_size=3, max_size=6))
def test_a_hull_misses_nothing(corners: list[tuple[float, float]]) -> None:
    hull = np.array([[x, 1e6 + y] for x, y in corners])
    found = set(GRID.in_hull(hull, hull.mean(axis=0), 1e4).tolist())
    inside = _inside_hull(SPREAD, hull)
    area = (hull[:, None] - hull[None]).reshape(-1, 2)
    if np.linalg.matrix_rank(area, tol=1.0) == 2:
        assert set(np.flatnonzero(inside).tolist()) <= found


def test_a_small_hull_finds_little() -> None:
    square = np.array([[0.0, 1e6], [10, 1e6], [10, 1e6 + 10], [0, 1e6 + 10]])
    assert len(GRID.in_hull(square, square.mean(axis=0), 100.0)) < 30  # of 4000


@pytest.mark.parametrize("points", [np.zeros((0, 2)), np.full((3, 3), np.nan)])
def test_nothing_is_found_in_nothing(points: np.ndarray) -> None:
    grid = SortedGrid.of(points)
    assert len(grid.near([0.0, 0.0], 1e9)) == 0
    assert len(grid.in_hull(np.eye(3)[:, :2] * 50.0, [0.0, 0.0], 1e9)) == 0


def test_points_that_are_nowhere_are_left_out() -> None:
    points = np.array([[np.nan, 0.0], [5.0, 5.0], [3.0, np.inf], [6.0, 5.0]])
    assert sorted(SortedGrid.of(points).near([5.0, 5.0], 2.0).tolist()) == [1, 3]


def test_four_bytes_a_point_and_sixteen_a_cell() -> None:
    cells = len({(int(c[0]), int(c[1])) for c in (SPREAD - GRID.corner_m) // CELL_M})
    assert len(GRID.cells) == cells
    assert GRID.nbytes == 4 * len(SPREAD) + 12 * cells + 4
