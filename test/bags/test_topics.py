"""Which topics belong to a camera, and which belong to another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import CAMERA, jpeg

from dalearn_ros.bags.storage import Bag
from dalearn_ros.bags.topics import camera_topics, choose_camera_topic, find_info_topic
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.errors import BagError

LEFT, RIGHT = "/left/image_raw/compressed", "/right/image_raw/compressed"


def two_cameras(path: Path, right_frame: str) -> Path:
    """Two cameras, and a calibration beside the left one alone."""
    with BagWriter(path) as bag:
        bag.camera_info("/left/camera_info", 0, CAMERA)
        bag.compressed_image(LEFT, 0, jpeg(), CAMERA.name)
        bag.compressed_image(RIGHT, 0, jpeg(), right_frame)
    return path


@pytest.mark.parametrize("frame", ["right_optical", ""])
def test_the_calibration_of_another_camera_is_refused(tmp_path: Path, frame: str) -> None:
    with Bag(two_cameras(tmp_path / "bag", frame)) as bag:
        assert find_info_topic(bag, LEFT) == "/left/camera_info"
        with pytest.raises(BagError, match=r"on /right/camera_info, found /left/camera_info"):
            find_info_topic(bag, RIGHT)


def test_the_only_calibration_of_the_same_frame_is_taken(tmp_path: Path) -> None:
    with Bag(two_cameras(tmp_path / "bag", f"/{CAMERA.name}")) as bag:
        assert find_info_topic(bag, RIGHT) == "/left/camera_info"


def test_the_only_calibration_of_the_only_camera_is_taken(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.camera_info("/calibration", 0, CAMERA)
        bag.compressed_image(LEFT, 0, jpeg(), "another_name")
        bag.image("/left/image_raw", 0, np.zeros((4, 4, 3), np.uint8), "bgr8", "another_name")
    with Bag(tmp_path / "bag") as opened:
        for topic in (LEFT, "/left/image_raw"):
            assert find_info_topic(opened, topic) == "/calibration"


def test_compressed_depth_is_no_camera(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.compressed_image(LEFT, 0, jpeg(), CAMERA.name)
        kind = "32FC1; compressedDepth png"
        bag.compressed_image("/d/compressedDepth", 0, b"x", CAMERA.name, kind)
        bag.compressed_image("/other", 0, b"x", CAMERA.name, kind)
        bag.compressed_image("/depth/compressed", 0, b"x", CAMERA.name, "16UC1; png compressed ")
    with Bag(tmp_path / "bag") as opened:
        assert camera_topics(opened) == [LEFT]
        assert choose_camera_topic(opened) == LEFT
