"""Means and deviations of areas by hand and by numpy; areas of one pixel and of one colour."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.hard_examples.colour import bgr_to_lab
from dalearn_ros.hard_examples.statistics import WHOLE, Distribution, measure

NAMES = ("other", "road", "sky", "sign")


def test_by_hand() -> None:
    """Road has L* 10 and 30: mean 20, deviation 10 with ddof 0 (14.1 with ddof 1)."""
    colours = np.zeros((1, 4, 3), np.float32)
    colours[0, :, 0] = [10, 30, 80, 80]
    found = measure(colours, np.array([[1, 1, 2, 2]], np.uint8), NAMES)
    assert found.of("road") == Distribution((20.0, 0.0, 0.0), (10.0, 0.0, 0.0))
    assert found.of("sky") == Distribution((80.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    whole = found.of(WHOLE)
    assert whole is not None
    assert whole.mean[0] == 50.0
    assert whole.std[0] == pytest.approx(np.sqrt((40**2 + 20**2 + 30**2 + 30**2) / 4))
    assert found.of("sign") is None and found.of("no such area") is None
    assert found.present() == ("road", "sky")
    assert found.present(least_pixels=3) == ()
    assert found.pixels.tolist() == [0, 2, 2, 0, 4]
    assert np.isnan(found.mean[3]).all()


def test_as_numpy_and_opencv_have_it() -> None:
    random = np.random.default_rng(1)
    image = random.integers(0, 256, (90, 110, 3), np.uint8)
    index = random.integers(0, 4, (90, 110), np.uint8)
    lab = bgr_to_lab(image)
    found = measure(lab, index, NAMES)
    for row in range(4):
        chosen = lab[index == row].astype(np.float64)
        assert np.allclose(found.mean[row], chosen.mean(axis=0), rtol=0, atol=1e-9)
        assert np.allclose(found.std[row], chosen.std(axis=0, ddof=0), rtol=0, atol=1e-9)
        mean, std = cv2.meanStdDev(lab, mask=(index == row).astype(np.uint8))
        assert np.allclose(found.std[row], std[:, 0], atol=1e-3)
    assert np.allclose(found.std[4], lab.reshape(-1, 3).astype(np.float64).std(axis=0))


def test_one_pixel_and_one_colour_have_no_deviation() -> None:
    image = np.full((50, 60, 3), (13, 77, 201), np.uint8)
    index = np.full((50, 60), 2, np.uint8)
    index[7, 8] = 1
    found = measure(bgr_to_lab(image), index, NAMES)
    assert found.pixels[1] == 1
    assert (found.std[[1, 2, 4]] == 0.0).all()


def test_a_distribution_as_a_parameter_and_back() -> None:
    one = Distribution((50.0, 1.0, 2.0), (10.0, 3.0, 4.0))
    assert one.vector.tolist() == [50.0, 10.0, 1.0, 3.0, 2.0, 4.0]
    assert Distribution.of_vector(one.vector) == one


def test_an_index_image_that_does_not_fit_is_refused() -> None:
    colours = np.zeros((4, 6, 3), np.float32)
    with pytest.raises(InputError, match=r"expected 6x4 px as the image, found 5x4 px"):
        measure(colours, np.zeros((4, 5), np.uint8), NAMES)
    with pytest.raises(InputError, match=r"labels: expected 0 other, .* 3 sign, found 9"):
        measure(colours, np.full((4, 6), 9, np.uint8), NAMES)
