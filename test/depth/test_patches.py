"""Local areas: constant radians per pixel, centred, at the border, and their location."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dalearn_ros.coding.location import REFERENCE_FOCAL_PX
from dalearn_ros.depth.patches import FILL, PatchCutter, pixels_per_radian
from dalearn_ros.depth.settings import PatchSettings
from dalearn_ros.geometry.camera import Camera

K = np.array([[700.0, 0, 639.5], [0, 700.0, 359.5], [0, 0, 1]])
CAMERA = Camera(1280, 720, K)
BLACK = np.zeros((720, 1280, 3), np.uint8)


def test_pixels_per_radian_of_a_pinhole() -> None:
    # A pixel at the angle a off the axis spans cos³(a) / f² steradian.
    off = np.array([0.0, 300.0, 600.0])
    cosine = np.cos(np.arctan(off / 700.0))
    found = pixels_per_radian(CAMERA, np.column_stack([639.5 + off, np.full(3, 359.5)]))
    np.testing.assert_allclose(found, 700.0 / cosine**1.5, rtol=1e-5)


def test_pixels_per_radian_of_a_fisheye_against_opencv() -> None:
    lens = np.array([-0.013, 0.006, -0.0041, 0.0008])
    camera = Camera(1280, 720, K, lens, "equidistant")
    places = np.array([[639.5, 359.5], [1000.0, 500.0], [200.0, 100.0]])
    step = 0.25
    around = places[:, None] + np.array([[step, 0], [-step, 0], [0, step], [0, -step]])
    flat = cv2.fisheye.undistortPoints(around.reshape(-1, 1, 2), K, lens)[:, 0]
    rays = np.column_stack([flat, np.ones(len(flat))])
    rays = (rays / np.linalg.norm(rays, axis=1, keepdims=True)).reshape(3, 4, 3)
    area = np.linalg.norm(np.cross(rays[:, 0] - rays[:, 1], rays[:, 2] - rays[:, 3]), axis=1)
    np.testing.assert_allclose(
        pixels_per_radian(camera, places), 2 * step / np.sqrt(area), rtol=1e-3
    )


def test_the_middle_of_a_patch_falls_on_its_centre() -> None:
    image = BLACK.copy()
    image[300:302, 500:502] = 255  # its middle is the pixel corner (500.5, 300.5)
    settings = PatchSettings(size_px=32, focal_px=700.0)
    patches, _, inside = PatchCutter(image, CAMERA, settings).cut([[500.5, 300.5]])
    assert inside.all()
    weight = patches[0, :, :, 0].astype(float)
    rows, columns = np.indices(weight.shape)
    middle = (rows * weight).sum() / weight.sum(), (columns * weight).sum() / weight.sum()
    np.testing.assert_allclose(middle, [15.5, 15.5], atol=0.02)


@pytest.mark.parametrize("focal", [350.0, 700.0, 1400.0])
def test_a_disc_has_the_same_size_in_every_camera(focal: float) -> None:
    # A disc of 0.04 rad, seen by cameras of other focal lengths.
    matrix = K.copy()
    matrix[0, 0] = matrix[1, 1] = focal
    image = BLACK.copy()
    cv2.circle(image, (640, 360), round(0.04 * focal), (255, 255, 255), -1, cv2.LINE_AA)
    camera = Camera(1280, 720, matrix)
    settings = PatchSettings(size_px=64, focal_px=700.0)
    patches, location, _ = PatchCutter(image, camera, settings).cut([[640.0, 360.0]])
    radius = np.sqrt((patches[0, :, :, 0] / 255.0).sum() / np.pi)
    assert radius == pytest.approx(0.04 * 700.0, rel=0.06)
    assert location[0, 2] == pytest.approx(np.log(700.0 / REFERENCE_FOCAL_PX), abs=1e-3)


def test_the_border_rules() -> None:
    image = np.full_like(BLACK, 255)
    places = [[2.0, 2.0], [640.0, 360.0], [-3.0, 10.0]]
    padded = PatchCutter(image, CAMERA, PatchSettings(border="pad"))
    patches, location, counts = padded.cut(places)
    assert counts.tolist() == [True, True, False]  # a place outside never counts
    assert (patches[0, :20, :20] == FILL).all() and (patches[1] == 255).all()
    assert np.isfinite(location).all()
    skipping = PatchCutter(image, CAMERA, PatchSettings(border="skip"))
    assert skipping.cut(places)[2].tolist() == [False, True, False]


def test_nothing_cut_is_nothing() -> None:
    patches, location, counts = PatchCutter(BLACK, CAMERA, PatchSettings()).cut(np.zeros((0, 2)))
    assert patches.shape == (0, 64, 64, 3) and location.shape == (0, 3) and not len(counts)
