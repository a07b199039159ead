"""Cutting, sampling and containment against areas by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers.single_polygon import longer_side, subdivide
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.datasets.coco import polygon_area
from dalearn_ros.labels.polygons import (
    clip_halfspace,
    clip_to_image,
    contains,
    inner_samples,
)

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])


def test_clip_to_image_by_hand() -> None:
    shifted = SQUARE - [4.0, 2.0]  # spans -4..6, -2..8
    cut = clip_to_image(shifted, 5, 100)  # the image's area is -0.5..4.5
    assert polygon_area(cut) == pytest.approx(5.0 * 8.5)
    assert cut[:, 0].min() == -0.5
    assert cut[:, 0].max() == 4.5


def test_nothing_left_outside() -> None:
    assert len(clip_to_image(SQUARE + 50.0, 20, 20)) == 0
    assert len(clip_to_image(SQUARE - [0.0, 50.0], 20, 20)) == 0


def test_clip_at_a_plane_in_3d() -> None:
    road = np.array([[-1.0, 1.5, -2.0], [1.0, 1.5, -2.0], [1.0, 1.5, 6.0], [-1.0, 1.5, 6.0]])
    cut = clip_halfspace(road, road[:, 2] - 0.2)
    assert cut[:, 2].min() == pytest.approx(0.2)
    assert cut[:, 2].max() == 6.0
    assert len(cut) == 4


@given(st.floats(-8, 8), st.floats(-8, 8))
def test_clipped_area_equals_the_overlap_of_rectangles(dx: float, dy: float) -> None:
    cut = clip_to_image(SQUARE + np.array([dx, dy]), 10, 10)
    width = min(10 + dx, 9.5) - max(dx, -0.5)
    height = min(10 + dy, 9.5) - max(dy, -0.5)
    area = polygon_area(cut) if len(cut) >= 3 else 0.0
    assert area == pytest.approx(max(width, 0) * max(height, 0), abs=1e-9)


def test_contains_agrees_with_opencv() -> None:
    rng = np.random.default_rng(3)
    polygon = rng.uniform(0, 100, (7, 2)).astype(np.float32)
    points = rng.uniform(0, 100, (300, 2))
    found = contains(polygon.astype(np.float64), points)
    angle = np.array([cv2.pointPolygonTest(_simple(polygon), tuple(p), False) for p in points])
    simple = contains(_simple(polygon).astype(np.float64), points)
    assert np.array_equal(simple, angle > 0)
    assert found.dtype == np.bool_


def _simple(polygon: np.ndarray) -> np.ndarray:
    """The vertices in the order of their angle: a polygon that does not cross itself."""
    middle = polygon.mean(axis=0)
    order = np.argsort(np.arctan2(*(polygon - middle).T))
    return polygon[order]


def test_samples_lie_inside_and_spread_evenly() -> None:
    outline = np.array([[0.0, 0, 0], [4.0, 0, 0], [4.0, 0, 2.0], [0.0, 0, 2.0]])
    samples = inner_samples(outline)
    assert len(samples) == 49
    assert np.allclose(samples[:, 1], 0.0)
    assert samples[:, 0].min() > 0
    assert samples[:, 0].max() < 4
    assert np.allclose(samples.mean(axis=0), [2.0, 0.0, 1.0])


def test_a_sliver_has_a_sample() -> None:
    outline = np.array([[0.0, 0, 0], [1.0, 1.0, 0], [0.0, 1e-6, 0]])
    assert len(inner_samples(outline)) >= 1


def test_subdivide_and_longer_side() -> None:
    assert len(subdivide(SQUARE, 4)) == 16
    assert polygon_area(subdivide(SQUARE, 4)) == pytest.approx(100.0)
    assert longer_side(SQUARE * [1.0, 0.3]) == 10.0
    assert longer_side(np.zeros((0, 2))) == 0.0
