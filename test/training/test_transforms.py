"""Transforms move points and outlines with the picture."""

import dataclasses

import numpy as np
import pytest
from helpers.tiny_training import one_label

from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.training.transforms import (
    ColourSettings,
    CropSettings,
    change_colours,
    choose_crop,
    cut,
    mirror,
    move_labels,
)

STILL = CropSettings(width=96, height=64, scale_jitter=0.0, turn_jitter_deg=0.0)


def _picture(point, size=(200, 150)):
    """A soft bright dot at a sub-pixel place on black."""
    v, u = np.mgrid[0 : size[1], 0 : size[0]]
    dot = 255 * np.exp(-((u - point[0]) ** 2 + (v - point[1]) ** 2) / (2 * 3.0**2))
    return np.repeat(dot[..., None].round().astype(np.uint8), 3, axis=2)


def _dot(image):
    """Centre of brightness, without what lies outside the image (grey 114)."""
    weight = image[..., 0].astype(float)
    weight[weight == 114] = 0.0
    v, u = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    return np.array([(weight * u).sum(), (weight * v).sum()]) / weight.sum()


@pytest.mark.parametrize(
    "mapping",
    [
        PixelMap.crop(60, 40),
        PixelMap.crop(30, 20) @ PixelMap.resize(0.8),
        PixelMap.resize(0.5),
        PixelMap.crop(100, 70) @ PixelMap.resize(1.3),
        PixelMap.turn(0.2, (48, 32)) @ PixelMap.crop(60, 40),
    ],
)
def test_the_point_stays_on_the_dot(mapping):
    point = (101.3, 75.8)
    image, labels = cut(_picture(point), one_label(2, point), mapping, STILL)
    assert image.shape == (64, 96, 3)
    assert len(labels) == 1
    assert _dot(image) == pytest.approx(labels.point_px[0], abs=0.15)
    assert labels.outlines_px[0].mean(axis=0) == pytest.approx(labels.point_px[0])


@pytest.mark.parametrize("seed", range(4))
def test_chosen_crops_hold_their_landmark(seed):
    point = (101.3, 75.8)
    settings = dataclasses.replace(
        STILL, around_landmark=1.0, scale_jitter=0.2, turn_jitter_deg=3.0
    )
    mapping = choose_crop(one_label(2, point), (200, 150), settings, np.random.default_rng(seed))
    image, labels = cut(_picture(point), one_label(2, point), mapping, settings)
    assert (labels.point_px[0] > 0).all()
    assert (labels.point_px[0] < (96, 64)).all()
    assert image[tuple(labels.point_px[0].round().astype(int)[::-1])][0] > 200


def test_covariances_turn_and_grow_along():
    labels = dataclasses.replace(one_label(2, (10, 10)), covariance_px2=np.diag([4.0, 1.0])[None])
    turned = move_labels(labels, PixelMap.turn(np.pi / 2, (0, 0)))
    assert turned.covariance_px2[0] == pytest.approx(np.diag([1.0, 4.0]), abs=1e-9)
    grown = move_labels(labels, PixelMap.resize(2.0))
    assert grown.covariance_px2[0] == pytest.approx(np.diag([16.0, 4.0]))


def test_what_lies_wholly_outside_is_dropped_and_what_touches_stays():
    mapping = PixelMap.crop(60, 40)
    image = np.zeros((150, 200, 3), np.uint8)
    _, gone = cut(image, one_label(2, (40.0, 60.0)), mapping, STILL)
    assert len(gone) == 0
    _, kept = cut(image, one_label(2, (55.0, 60.0)), mapping, STILL)
    assert len(kept) == 1


def test_a_small_image_is_padded_grey():
    image, _ = cut(np.zeros((20, 30, 3), np.uint8), Labels.empty(), PixelMap.identity(), STILL)
    assert image.shape == (64, 96, 3)
    assert image[40, 60].tolist() == [114, 114, 114]


def test_a_mirror_exchanges_left_and_right():
    image, moved = mirror(_picture((20.0, 30.0), (96, 64)), one_label(2, (20.0, 30.0)))
    assert moved.point_px[0] == pytest.approx([75.0, 30.0])
    assert _dot(image) == pytest.approx([75.0, 30.0], abs=0.05)
    assert moved.outlines_px[0].mean(axis=0) == pytest.approx([75.0, 30.0])


def test_noise_is_as_strong_as_wanted_and_different_each_time():
    only_noise = ColourSettings(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 8.0, 0.0)
    image = np.full((200, 300, 3), 128, np.uint8)
    changes = [
        change_colours(image, only_noise, np.random.default_rng(seed)).astype(float) - 128
        for seed in range(6)
    ]
    for change in changes:
        assert 0.9 < change.std() < 8.1
        assert abs(change.mean()) < 0.15
    assert abs(np.corrcoef(changes[0].ravel(), changes[1].ravel())[0, 1]) < 0.02


def test_points_that_are_no_numbers_are_dropped_or_kept_by_their_outline():
    nowhere = dataclasses.replace(one_label(2, (50.0, 50.0)), point_px=np.full((1, 2), np.nan))
    settings = dataclasses.replace(STILL, around_landmark=1.0)
    mapping = choose_crop(nowhere, (200, 150), settings, np.random.default_rng(0))
    assert np.isfinite(mapping.matrix).all()
    _, kept = cut(np.zeros((150, 200, 3), np.uint8), nowhere, PixelMap.crop(10, 10), STILL)
    assert len(kept) == 1
    no_outline = dataclasses.replace(nowhere, outlines_px=Ragged.of([np.zeros((0, 2))], 2))
    _, gone = cut(np.zeros((150, 200, 3), np.uint8), no_outline, PixelMap.crop(10, 10), STILL)
    assert len(gone) == 0


def test_colours_change_light_and_no_place():
    everything = ColourSettings(blur=1.0, noise=1.0, jpeg=1.0, noise_sigma=2.0)
    image = _picture((40.0, 30.0), (96, 64)) // 2 + 40
    one, same = (change_colours(image, everything, np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(one, same)
    assert one.shape == image.shape
    assert one.dtype == np.uint8
    assert not np.array_equal(one, image)
    grey = one[..., 0].astype(float)
    bright = np.argwhere(grey > np.percentile(grey, 99))
    assert bright.mean(axis=0)[::-1] == pytest.approx([40.0, 30.0], abs=1.5)


def test_no_change_of_colour_is_no_change():
    still = ColourSettings(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert np.array_equal(change_colours(image, still, np.random.default_rng(0)), image)
