"""Many outlines at once equal one after the other."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.single_polygon import longer_side, subdivide
from hypothesis import given, settings
from hypothesis import strategies as st

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.labels.outlines import longer_sides, project_outlines, subdivide_all
from dalearn_ros.labels.polygons import clip_halfspace, clip_to_image
from dalearn_ros.landmarks.ragged import Ragged

MATRIX = np.array([[500.0, 0, 319.5], [0, 500, 191.5], [0, 0, 1]])
PLAIN = Camera(640, 384, MATRIX)
BENT = Camera(640, 384, MATRIX, np.array([-0.25, 0.06, 0.001, 0.0, 0.0]))
NEAR = 0.2


def _one(camera: Camera, outline: np.ndarray) -> np.ndarray:
    outline = clip_halfspace(outline, outline[:, 2] - NEAR)
    if len(outline) < 3:
        return np.zeros((0, 2))
    pixels, valid = camera.project(subdivide(outline, 4 if camera.distortion.any() else 1))
    polygon = pixels[valid]
    return clip_to_image(polygon, 640, 384) if len(polygon) >= 3 else np.zeros((0, 2))


@given(st.integers(0, 10_000), st.sampled_from([PLAIN, BENT]))
@settings(max_examples=60, deadline=None)
def test_all_at_once_equals_one_by_one(seed: int, camera: Camera) -> None:
    rng = np.random.default_rng(seed)
    middles = rng.uniform([-8, -4, -6], [8, 4, 25], (30, 3))
    outlines = [m + rng.uniform(-2, 2, (rng.integers(0, 7), 3)) for m in middles]
    rows, found = project_outlines(camera, Ragged.of(outlines, 3), NEAR)
    expected = {i: _one(camera, o) for i, o in enumerate(outlines) if len(o) >= 3}
    expected = {i: polygon for i, polygon in expected.items() if len(polygon) >= 3}
    assert rows.tolist() == sorted(expected)
    for position, row in enumerate(rows):
        assert np.allclose(found[position], expected[int(row)], atol=1e-9)
    assert np.allclose(longer_sides(found), [longer_side(expected[int(r)]) for r in rows])


def test_nothing_in_view() -> None:
    behind = np.array([[-1.0, 0, -5], [1, 0, -5], [0, 1, -5]])
    rows, found = project_outlines(PLAIN, Ragged.of([behind], 3), NEAR)
    assert len(rows) == len(found) == 0
    rows, found = project_outlines(PLAIN, Ragged.of([], 3), NEAR)
    assert len(rows) == len(found) == 0
    assert found.values.shape == (0, 2)


def test_subdivided_together() -> None:
    square = np.array([[0.0, 0], [4, 0], [4, 4], [0, 4]])
    triangle = np.array([[0.0, 0], [2, 0], [0, 2]])
    both = subdivide_all(Ragged.of([square, np.zeros((0, 2)), triangle], 2), 4)
    assert np.allclose(both[0], subdivide(square, 4))
    assert len(both[1]) == 0
    assert np.allclose(both[2], subdivide(triangle, 4))
    assert both[2][1] == pytest.approx([0.5, 0.0])
