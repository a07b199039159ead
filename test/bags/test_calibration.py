"""Calibrations over a drive: late, changing, of another camera."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import BASE_FROM_CAMERA, CAMERA, STEP_NS, jpeg

from dalearn_ros.bags.calibration import calibration_at
from dalearn_ros.bags.inspect import camera_checks
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.checks import NOTE
from dalearn_ros.core.errors import BagError
from dalearn_ros.geometry.camera import Camera

TOPIC = "/camera/image_raw/compressed"
ZOOMED = dataclasses.replace(CAMERA, matrix=np.diag([2.0, 2.0, 1.0]) @ CAMERA.matrix)


def uncalibrated() -> Camera:
    """A camera of zeros, as a driver without a file publishes it."""
    camera = Camera(640, 384, CAMERA.matrix, name=CAMERA.name)
    object.__setattr__(camera, "matrix", np.zeros((3, 3)))
    return camera


def write(path: Path, cameras: list[Camera]) -> Path:
    """A bag with one CameraInfo and one image per camera, 20 ms apart."""
    with BagWriter(path) as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        for number, camera in enumerate(cameras):
            stamp = (1 + number) * STEP_NS
            bag.camera_info("/camera/camera_info", stamp, camera)
            bag.compressed_image(TOPIC, stamp, jpeg(), CAMERA.name)
    return path


def test_a_first_message_without_calibration_is_passed_over(tmp_path: Path) -> None:
    with BagReader(write(tmp_path / "bag", [uncalibrated(), CAMERA, CAMERA])) as reader:
        frames = list(reader.frames())
        assert len(reader.calibrations(TOPIC)) == 1
    assert [frame.camera.matrix[0, 0] for frame in frames] == [500.0] * 3


def test_no_usable_message_is_the_sentence_of_the_first(tmp_path: Path) -> None:
    with BagReader(write(tmp_path / "bag", [uncalibrated()] * 3)) as reader:
        with pytest.raises(BagError, match=r"/camera/camera_info: .*calibrated"):
            reader.camera()


def test_each_image_has_the_calibration_of_its_time(tmp_path: Path) -> None:
    said = [CAMERA, CAMERA, ZOOMED, uncalibrated(), ZOOMED, CAMERA]
    with BagReader(write(tmp_path / "bag", said)) as reader:
        found = [frame.camera.matrix[0, 0] for frame in reader.frames()]
        known = reader.calibrations(TOPIC)
        told = camera_checks(reader, TOPIC, reader.transforms())
    assert [check.found[:27] for check in told if check.state == NOTE] == [
        "camera_info changes 2 times"
    ]
    assert found == [500.0, 500.0, 1000.0, 1000.0, 1000.0, 500.0]
    assert [item.since_ns // STEP_NS for item in known] == [1, 3, 6]
    for when, number in ((0, 0), (2.9, 0), (3, 1), (5.5, 1), (9, 2)):
        assert calibration_at(known, int(when * STEP_NS)) is known[number]


def test_a_message_of_another_frame_is_passed_over(tmp_path: Path) -> None:
    other = dataclasses.replace(ZOOMED, name="other_optical")
    with BagReader(write(tmp_path / "bag", [CAMERA, other, CAMERA])) as reader:
        assert {frame.camera.matrix[0, 0] for frame in reader.frames()} == {500.0}
