"""Resizing, cutting, mirroring and turning move image and points alike."""

import cv2
import numpy as np
import pytest

from dalearn_ros.coding.pixels import PixelMap, padded_size


def _dot(size, at, radius=4.0):
    width, height = size
    v, u = np.mgrid[0:height, 0:width]
    value = 255 * np.exp(-((u - at[0]) ** 2 + (v - at[1]) ** 2) / (2 * radius**2))
    return np.round(value).astype(np.uint8)


def _centroid(image):
    weight = image.astype(float)
    v, u = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    return np.array([(u * weight).sum(), (v * weight).sum()]) / weight.sum()


def test_resizing_is_half_pixel_correct_by_hand():
    # The left edge of pixel 0 is at -0.5 and stays there: (0 + 0.5) * 2 - 0.5 = 0.5.
    np.testing.assert_allclose(PixelMap.resize(2.0).apply([0.0, 10.0]), [0.5, 20.5])
    np.testing.assert_allclose(PixelMap.resize(0.5).apply([[-0.5, 3.5]]), [[-0.5, 1.5]])


@pytest.mark.parametrize(
    "mapping",
    [
        PixelMap.resize(0.5),
        PixelMap.resize(1.7),
        PixelMap.resize(0.31, 0.44),
        PixelMap.crop(13, 7),
        PixelMap.crop(12.5, -3.25),
        PixelMap.turn(0.2, (60.0, 40.0)),
        PixelMap.turn(-0.1, (50.0, 30.0)) @ PixelMap.crop(5, 5) @ PixelMap.resize(1.2),
    ],
    ids=["half", "larger", "much smaller", "crop", "sub-pixel crop", "turn", "all"],
)
def test_a_dot_lands_where_its_point_lands(mapping):
    at = np.array([70.3, 51.6])
    image = _dot((140, 100), at)
    moved = mapping.warp(image, (260, 200))
    np.testing.assert_allclose(_centroid(moved), mapping.apply(at), atol=0.1)


def test_resizing_agrees_with_opencv():
    image = cv2.GaussianBlur(
        np.random.default_rng(0).integers(0, 256, (80, 120), np.uint8), (9, 9), 3
    )
    ours = PixelMap.resize(2.0).warp(image, (240, 160))
    theirs = cv2.resize(image, (240, 160), interpolation=cv2.INTER_LINEAR)
    assert np.abs(ours[4:-4, 4:-4].astype(int) - theirs[4:-4, 4:-4]).max() <= 1


def test_a_whole_pixel_crop_copies_pixels_and_pads():
    image = np.arange(60, dtype=np.uint8).reshape(6, 10)
    np.testing.assert_array_equal(PixelMap.crop(2, 1).warp(image, (4, 3)), image[1:4, 2:6])
    padded = PixelMap.crop(-1, 4).warp(image, (3, 4), fill=9)
    np.testing.assert_array_equal(padded[:2], [[9, 40, 41], [9, 50, 51]])
    assert (padded[2:] == 9).all()


def test_mirror_twice_is_the_identity_and_hits_the_mirrored_pixel():
    mirror = PixelMap.mirror(100)
    np.testing.assert_allclose(mirror.apply([0.0, 5.0]), [99.0, 5.0])
    np.testing.assert_allclose((mirror @ mirror).matrix, np.eye(2, 3), atol=1e-12)


def test_inverse_and_covariance():
    mapping = PixelMap.turn(0.4, (3.0, 8.0)) @ PixelMap.resize(2.0, 3.0)
    points = np.random.default_rng(1).uniform(0, 50, (20, 2))
    np.testing.assert_allclose(mapping.inverse().apply(mapping.apply(points)), points, atol=1e-9)
    np.testing.assert_allclose(
        PixelMap.resize(2.0, 3.0).apply_covariance(np.eye(2)), [[4.0, 0.0], [0.0, 9.0]]
    )


def test_padding_rounds_up():
    assert padded_size(1280, 720, 32) == (1280, 736)
    assert padded_size(1, 33, 32) == (32, 64)
