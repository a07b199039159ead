"""Location channels: half-pixel rule, every lens, and the same meaning after any change."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.location import CHANNELS, location_at, location_map, log_focal, ray_angles
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.geometry.camera import Camera

K = np.array([[700.0, 0, 639.5], [0, 700.0, 359.5], [0, 0, 1]])
FISHEYE = np.array([-0.013, 0.006, -0.0041, 0.0008])
BARREL = np.array([-0.32, 0.11, 0.0012, -0.0007, -0.018])
PIXELS = np.random.default_rng(0).uniform([0, 0], [1279, 719], (200, 2))


def pinhole() -> Camera:
    return Camera(1280, 720, K)


def test_hand_numbers_on_the_axis_and_at_45_degrees():
    at = location_at(pinhole(), [[639.5, 359.5], [639.5 + 700.0, 359.5 - 700.0]])
    np.testing.assert_allclose(at, [[0, 0, 0], [np.pi / 4, -np.pi / 4, 0]], atol=1e-12)


def test_a_cell_is_where_the_grid_says_it_is():
    cells = location_map(pinhole(), 8, (1280, 736))
    assert cells.shape == (CHANNELS, 92, 160) and cells.dtype == np.float32
    centre = Grid(8).centers_px(37, 101)
    np.testing.assert_allclose(cells[:, 37, 101], location_at(pinhole(), centre), atol=1e-6)
    assert cells[0, 0, 0] == pytest.approx(np.arctan((3.5 - 639.5) / 700), abs=1e-6)


def test_fisheye_as_opencv_has_it():
    camera = Camera(1280, 720, K, FISHEYE, "equidistant")
    rays = cv2.fisheye.undistortPoints(PIXELS[:, None], K, FISHEYE)[:, 0]
    np.testing.assert_allclose(ray_angles(camera, PIXELS), np.arctan(rays), atol=1e-6)


def test_barrel_as_opencv_has_it():
    near = PIXELS[np.hypot(*(PIXELS - K[:2, 2]).T) < 450]
    angles = ray_angles(Camera(1280, 720, K, BARREL), near)
    rays = np.column_stack([np.tan(angles), np.ones(len(near))])
    seen = cv2.projectPoints(rays, np.zeros(3), np.zeros(3), K, BARREL)[0][:, 0]
    np.testing.assert_allclose(seen, near, atol=1e-5)
    middle = np.hypot(*(near - K[:2, 2]).T) < 150
    rough = cv2.undistortPoints(near[middle][:, None], K, BARREL)[:, 0]
    np.testing.assert_allclose(angles[middle], np.arctan(rough), atol=1e-4)


def test_outside_of_the_lens_field_all_is_finite():
    camera = Camera(1280, 720, K, np.array([-0.5, 0.0, 0, 0]))
    cells = location_map(camera, 8, (4096, 4096))
    assert np.isnan(camera.unproject([[4000.0, 4000.0]])[0, 0])
    assert np.isfinite(cells).all()


def test_padding_moves_nothing():
    small, padded = (location_map(pinhole(), 8, size) for size in ((1280, 704), (1312, 736)))
    np.testing.assert_array_equal(padded[:, :88, :160], small)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.3, 3.0), st.floats(-200, 900), st.floats(-200, 500), st.floats(-0.3, 0.3),
    st.booleans(),
)  # fmt: skip
def test_crop_resize_turn_and_mirror_keep_the_meaning(scale, left, top, turn, mirrored):
    mapping = PixelMap.turn(turn, (160, 96)) @ PixelMap.crop(left, top) @ PixelMap.resize(scale)
    if mirrored:
        mapping = PixelMap.mirror(320) @ mapping
    cells = location_map(pinhole(), 8, (320, 192), mapping)
    row, column = 5, 31
    x, y = np.tan(cells[:2, row, column].astype(np.float64))
    seen = K @ [x, y, 1.0]
    np.testing.assert_allclose(
        mapping.apply(seen[:2]), [column * 8 + 3.5, row * 8 + 3.5], atol=2e-2
    )
    assert cells[2, row, column] == pytest.approx(np.log(scale), abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.4, 2.5))
def test_a_resized_image_is_that_of_a_resized_camera(scale):
    by_map = location_map(pinhole(), 8, (320, 192), PixelMap.resize(scale))
    by_camera = location_map(pinhole().scaled(scale), 8, (320, 192))
    np.testing.assert_allclose(by_map, by_camera, atol=1e-6)


def test_twice_the_focal_length_is_ln_2_more_and_half_the_tangent():
    double = Camera(1280, 720, K * [[2.0], [2.0], [1.0]] - [[0, 0, 639.5], [0, 0, 359.5], [0] * 3])
    assert log_focal(double) == pytest.approx(np.log(2.0))
    ratio = np.tan(ray_angles(double, PIXELS)) / np.tan(ray_angles(pinhole(), PIXELS))
    np.testing.assert_allclose(ratio, 0.5, atol=1e-9)
