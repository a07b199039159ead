"""What is measured in one image: known noise, blur and exposure come back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers.painted_scene import noisy, scene

from dalearn_ros.datasets.image_quality import (
    as_grey,
    blur_px,
    bright_share,
    dark_share,
    noise_level,
    thumbnail,
)


def grey_scene(seed: int = 0, size: tuple[int, int] = (640, 360)) -> np.ndarray:
    return as_grey(scene(seed, size))


@pytest.mark.parametrize("sigma", [4.0, 10.0, 20.0])
def test_the_noise_that_was_added_is_measured(sigma: float) -> None:
    flat = np.full((256, 256), 128, np.uint8)
    assert noise_level(noisy(flat, sigma)) == pytest.approx(sigma, rel=0.08)
    assert noise_level(noisy(grey_scene(), sigma)) == pytest.approx(sigma, rel=0.15)


def test_texture_and_black_corners_are_no_noise() -> None:
    image = grey_scene()
    assert noise_level(image) < 1.0
    textured = image.copy()
    textured[180:] = noisy(textured[180:], 30.0)  # half of the image is leaves
    assert noise_level(textured) < 1.0
    night = noisy(image, 20.0)
    night[: 360 // 4] = 0  # clipped: there is noise all the same
    assert noise_level(night) == pytest.approx(20.0, rel=0.15)


@pytest.mark.parametrize("sigma", [1.2, 2.0, 3.0])
def test_the_blur_of_an_edge_is_measured(sigma: float) -> None:
    """A step under a Gaussian is the normal distribution's integral."""
    scipy_special = pytest.importorskip("scipy.special")
    x = np.arange(200) - 99.5
    profile = 60.0 + 120.0 * scipy_special.ndtr(x / sigma)
    image = np.tile(np.round(profile), (100, 1)).astype(np.uint8)
    assert blur_px(image) == pytest.approx(sigma, rel=0.25)
    fog = np.tile(np.round(130.0 + 0.4 * (profile - 120.0)), (100, 1)).astype(np.uint8)
    assert blur_px(fog) == pytest.approx(blur_px(image), rel=0.2)


def test_blur_is_told_by_a_share_of_the_width() -> None:
    """An image of twice the size with twice the blur counts the same."""
    image, large = grey_scene(3), grey_scene(3, (1280, 720))
    one = blur_px(np.asarray(cv2.GaussianBlur(image, (0, 0), 2.0)))
    two = blur_px(np.asarray(cv2.GaussianBlur(large, (0, 0), 4.0)))
    assert one == pytest.approx(two, rel=0.1)
    assert blur_px(image) < 0.8 < one


def test_without_edges_nothing_says_blur() -> None:
    assert blur_px(np.full((90, 160), 70, np.uint8)) == 0.0
    assert blur_px(np.zeros((2, 5), np.uint8)) == 0.0


def test_shares_of_useless_pixels() -> None:
    image = np.full((10, 10), 100, np.uint8)
    image[:3] = 255
    image[3:5] = 3
    assert bright_share(image) == pytest.approx(0.3)
    assert dark_share(image) == pytest.approx(0.2)


@pytest.mark.parametrize("size", [(3, 3), (28, 28), (500, 31), (1280, 720)])
def test_any_size_can_be_measured(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, size[::-1], dtype=np.uint8)
    for measure in (noise_level, blur_px, bright_share, dark_share):
        assert np.isfinite(measure(image)) and measure(image) >= 0.0
    assert thumbnail(image).shape == (36, 64)
