"""The blur of a lens of fixed focus against numbers by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.world.camera import camera_of
from dalearn_ros.world.focus import Focus
from dalearn_ros.world.lens import HEIGHT, WIDTH, Lens
from dalearn_ros.world.style import CITIES


@pytest.fixture(scope="module")
def focus() -> Focus:
    city = CITIES["east"]
    return Focus(city, Lens(camera_of(city)))


def test_circle_of_confusion_by_hand(focus: Focus) -> None:
    # f = 4.956 mm, N = 1.4, s0 = 40 m, p = 4.2 um:
    # c = f/N * f * |s - s0| / (s * (s0 - f)) / p
    f = focus.focal_m
    assert f == pytest.approx(4.956e-3, abs=2e-5)
    for s in (1.5, 4.0, 10.0):
        wanted = f / 1.4 * f * (40.0 - s) / (s * (40.0 - f)) / 4.2e-6
        assert float(focus.circle_px(s)) == pytest.approx(wanted, rel=1e-4)
    assert float(focus.circle_px(40.0)) == pytest.approx(0.0, abs=1e-6)
    assert float(focus.circle_px(np.inf)) == pytest.approx(0.10, abs=0.01)


def _variance_px2(picture: np.ndarray, x: int, y: int) -> float:
    """Variance along x of a bright column's light about (x, y)."""
    row = picture[y, x - 4 : x + 5, 0].astype(float)
    away = np.arange(-4, 5)
    return float((row * away**2).sum() / row.sum())


def test_what_is_near_is_spread_and_what_is_far_is_not(focus: Focus) -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, WIDTH // 2] = 200
    x, y = WIDTH // 2, HEIGHT // 2  # the middle, where the lens itself is sharp
    near = focus.soften(image.copy(), np.full((HEIGHT, WIDTH), 2.0, np.float32))
    far = focus.soften(image.copy(), np.full((HEIGHT, WIDTH), 40.0, np.float32))
    circle = float(focus.circle_px(2.0))
    assert _variance_px2(near, x, y) == pytest.approx(circle**2 / 16.0, rel=0.1)
    assert np.array_equal(far[y, x - 20 : x + 20], image[y, x - 20 : x + 20])


def test_the_corners_are_softer(focus: Focus) -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, [20, WIDTH // 2]] = 200
    far = focus.soften(image.copy(), np.full((HEIGHT, WIDTH), 40.0, np.float32))
    assert _variance_px2(far, 20, 10) > 0.2 > _variance_px2(far, WIDTH // 2, HEIGHT // 2)
