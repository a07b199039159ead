"""CameraInfo to camera: regions of interest, binning, rectified images, and what is wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera_info import (
    camera_from_info,
    is_rectified,
    rectified_from_optical,
)

K = np.array([[1000.0, 0, 639.5], [0, 1010.0, 359.5], [0, 0, 1]])
D = [-0.3, 0.1, 1e-3, -5e-4, 0.0]
POINTS = np.array([[0.3, -0.2, 4.0], [-1.0, 0.4, 9.0], [0.0, 0.0, 3.0]])


def info(**changes: Any) -> SimpleNamespace:
    zero = SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0, do_rectify=False)
    fields = {
        "header": SimpleNamespace(frame_id="/cam_optical"),
        "width": 1280, "height": 720, "distortion_model": "plumb_bob",
        "k": K.ravel(), "d": np.array(D), "r": np.eye(3).ravel(),
        "p": np.hstack([K * [[0.8], [0.8], [1.0]], np.zeros((3, 1))]).ravel(),
        "binning_x": 0, "binning_y": 0, "roi": zero,
    }  # fmt: skip
    return SimpleNamespace(**{**fields, **changes})


def roi(x: int, y: int, width: int, height: int) -> SimpleNamespace:
    return SimpleNamespace(x_offset=x, y_offset=y, width=width, height=height, do_rectify=False)


def test_a_raw_image_has_k_and_d() -> None:
    camera = camera_from_info(info())
    assert (camera.width, camera.height, camera.name) == (1280, 720, "cam_optical")
    np.testing.assert_allclose(camera.distortion, D)
    np.testing.assert_allclose(camera_from_info(info(binning_x=1)).matrix, K)


def test_a_region_of_interest_moves_the_pixels() -> None:
    full, _ = camera_from_info(info()).project(POINTS)
    part = camera_from_info(info(roi=roi(320, 100, 640, 400)))
    assert (part.width, part.height) == (640, 400)
    np.testing.assert_allclose(part.project(POINTS)[0], full - [320, 100])


def test_binning_puts_a_pixel_in_the_middle_of_those_it_combines() -> None:
    full, _ = camera_from_info(info(roi=roi(320, 100, 640, 400))).project(POINTS)
    binned = camera_from_info(info(roi=roi(320, 100, 640, 400), binning_x=2, binning_y=4))
    assert (binned.width, binned.height) == (320, 100)
    # Full pixels 0 and 1 become 0 (centre 0.5); rows 4 to 7 (centre 5.5) become 1.
    expected = np.stack([(full[:, 0] - 0.5) / 2.0, (full[:, 1] - 1.5) / 4.0], axis=1)
    np.testing.assert_allclose(binned.project(POINTS)[0], expected)


def test_rectified_images_have_p_and_the_axes_of_r() -> None:
    turn = cv2.Rodrigues(np.array([0.01, -0.02, 0.003]))[0]
    message = info(r=turn.ravel())
    camera = camera_from_info(message, rectified=True)
    assert not camera.distortion.any()
    seen = rectified_from_optical(message).apply(POINTS)
    # OpenCV's own way: the raw pixel, undistorted with R and P.
    raw = camera_from_info(message).project(POINTS)[0]
    expected = cv2.undistortPoints(
        raw.reshape(-1, 1, 2), K, np.array(D), R=turn, P=message.p.reshape(3, 4)
    )
    np.testing.assert_allclose(camera.project(seen)[0], expected.reshape(-1, 2), atol=1e-3)


def test_the_right_camera_of_a_stereo_pair_is_shifted_by_its_baseline() -> None:
    """Both CameraInfo name the left camera's frame; P times the turned point is the pixel."""
    turn = cv2.Rodrigues(np.array([0.01, -0.02, 0.003]))[0]
    projection = np.array([[800.0, 0, 630, -96], [0, 808, 355, 0], [0, 0, 1, 0]])
    message = info(r=turn.ravel(), p=projection.ravel())
    placed = rectified_from_optical(message)
    # Its centre lies 0.12 m to the right.
    np.testing.assert_allclose(placed.inverse().translation, turn.T @ [0.12, 0, 0], atol=1e-12)
    seen = camera_from_info(message, rectified=True).project(placed.apply(POINTS))[0]
    homogeneous = np.c_[POINTS @ turn.T, np.ones(len(POINTS))] @ projection.T
    np.testing.assert_allclose(seen, homogeneous[:, :2] / homogeneous[:, 2:], atol=1e-9)
    projection[0, 3] = np.nan
    with pytest.raises(InputError, match="P: expected a finite fourth column"):
        rectified_from_optical(info(p=projection.ravel()))


def test_a_rotation_of_zeros_is_none() -> None:
    assert np.allclose(rectified_from_optical(info(r=np.zeros(9))).matrix, np.eye(4))


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("/camera/image_rect", True),
        ("/camera/image_rect_color/compressed", True),
        ("/camera/image_raw/compressed", False),
        ("/image_rect/left/image_raw", False),
    ],
)
def test_the_name_of_a_topic_says_whether_it_is_rectified(topic: str, expected: bool) -> None:
    assert is_rectified(topic) is expected


@pytest.mark.parametrize(
    ("changes", "rectified", "text"),
    [
        ({"k": np.zeros(9)}, False, "K: expected finite values, focal lengths above 0"),
        ({"k": np.full(9, np.nan)}, False, "Is the camera calibrated"),
        ({"d": np.zeros(7)}, False, r"D: expected 0, 4 or 5 values for plumb_bob, found 7"),
        ({"distortion_model": "omni"}, False, "distortion_model: expected plumb_bob or"),
        ({"roi": roi(1000, 0, 400, 720)}, False, r"roi: expected a region inside 1280x720 pixels"),
        ({"roi": roi(1280, 0, 0, 0)}, False, "before binning"),
        ({"binning_x": 2000}, False, "binning: expected at most 1280x720, found 2000x1"),
        ({"p": np.zeros(12)}, True, "Use the raw images"),
    ],
)
def test_a_wrong_message_is_a_sentence(changes: dict[str, Any], rectified: bool, text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        camera_from_info(info(**changes), rectified)
    assert "cam_optical" in str(caught.value)
