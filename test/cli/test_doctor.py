"""``dalearn doctor``: whole drives, broken ones, and the machine itself."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.small_drive import (
    BASE_FROM_CAMERA,
    CAMERA,
    POSE_TOPIC,
    jpeg,
    pose_at,
    write_bag,
    write_street,
)

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.cli.main import main
from dalearn_ros.core.checks import FAIL, NOTE, OK, Check, attempt, lines_of
from dalearn_ros.geometry.camera import Camera

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    write_street(tmp_path / "map")
    write_bag(tmp_path / "bag")
    return tmp_path


def doctor(drive: Path, bag: str = "bag", *more: str) -> int:
    return main(["doctor", "--bag", f"{drive}/{bag}", "--map", f"{drive}/map", *more])


def write_other(
    folder: Path, camera: Camera = CAMERA, x_m: float = 10.0, poses: bool = True, start: int = 0
) -> None:
    """A bag of three frames whose camera_info, place, poses or clock can be wrong."""
    with BagWriter(folder) as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        for number in range(15):
            pose = pose_at(number, x_m)
            if poses:
                bag.pose(POSE_TOPIC, dataclasses.replace(pose, stamp_ns=pose.stamp_ns + start))
            if number % 5 == 0:
                bag.camera_info("/camera/camera_info", pose.stamp_ns, camera)
                topic = "/camera/image_raw/compressed"
                bag.compressed_image(topic, pose.stamp_ns, jpeg(number), CAMERA.name)


def test_a_good_drive_gets_its_picture_and_its_command(drive: Path, capsys: Captured) -> None:
    assert doctor(drive) == 0
    told = capsys.readouterr()
    assert FAIL not in told.out
    assert "6 frames, 10" in told.out
    assert "base_link -> camera_optical: x 1.50, y 0.00, z 1.50 m" in told.out
    assert "30 at 50.0 Hz over 6 m" in told.out
    assert "100 % of the drive has a landmark within 80 m" in told.out
    picture = cv2.imread(str(drive / "first_look.jpg"))
    assert picture.shape == (384, 640, 3)
    assert (
        np.abs(picture.astype(int) - cv2.imdecode(np.frombuffer(jpeg(0), np.uint8), 1)).max() > 99
    )
    command = shlex.split(told.out.strip().splitlines()[-1])
    assert command[:2] == ["dalearn", "label"]
    command[-1] = f"{drive}/dataset"
    assert main(command[1:]) == 0  # the command works


def test_a_time_offset_moves_the_picture_and_is_in_the_command(
    drive: Path, capsys: Captured
) -> None:
    assert doctor(drive, "bag", "--out", f"{drive}/plain.jpg") == 0
    capsys.readouterr()
    assert doctor(drive, "bag", "--out", f"{drive}/late.jpg", "--time-offset-s", "0.2") == 0
    command = shlex.split(capsys.readouterr().out.strip().splitlines()[-1])
    assert command[command.index("--time-offset-s") + 1] == "0.2"
    plain, late = (cv2.imread(f"{drive}/{name}.jpg").astype(int) for name in ("plain", "late"))
    assert np.abs(plain - late).max() > 99
    assert doctor(drive, "bag", "--time-offset-s", "200") == 1
    assert "seconds between -1 and 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    "missing, told",
    [
        ({"info": False}, "no sensor_msgs/CameraInfo in the bag"),
        ({"mounting": False}, "--frame-id base_link --child-frame-id camera_optical"),
    ],
)
def test_what_is_missing_is_one_line_with_what_to_do(
    drive: Path, capsys: Captured, missing: dict[str, bool], told: str
) -> None:
    write_bag(drive / "poor", **missing)  # type: ignore[arg-type]
    assert doctor(drive, "poor") == 1
    said = capsys.readouterr()
    assert said.out.count(FAIL) == 1
    assert told in said.out
    assert "-> " in said.out
    assert "100 % of the drive" in said.out  # the other checks went on
    assert "Traceback" not in said.err


def test_no_poses(drive: Path, capsys: Captured) -> None:
    write_other(drive / "lost", poses=False)
    assert doctor(drive, "lost") == 1
    assert "name another with --pose-topic" in capsys.readouterr().out


def test_poses_in_another_frame(drive: Path, capsys: Captured) -> None:
    with BagWriter(drive / "utm") as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        for number in range(15):
            pose = pose_at(number, 10.0)
            bag.pose("/localization/kinematic_state", pose, "utm")
            if number % 5 == 0:
                bag.camera_info("/camera/camera_info", pose.stamp_ns, CAMERA)
                bag.compressed_image("/camera/image/compressed", pose.stamp_ns, jpeg(), CAMERA.name)
    assert doctor(drive, "utm") == 1
    said = capsys.readouterr().out
    assert said.count(FAIL) == 1
    assert "found 'utm'" in said
    assert "--map-frame utm" in said
    assert doctor(drive, "utm", "--map-frame", "utm") == 0
    command = shlex.split(capsys.readouterr().out.strip().splitlines()[-1])
    assert command[command.index("--map-frame") + 1] == "utm"
    command[-1] = f"{drive}/dataset"
    assert main(command[1:]) == 0  # the command works


def test_a_map_elsewhere(drive: Path, capsys: Captured) -> None:
    write_other(drive / "away", x_m=300_010.0)
    assert doctor(drive, "away") == 1
    said = capsys.readouterr().out
    assert "the drive is 300.0 km from the nearest landmark" in said
    assert "-300 km and 0 km apart, whole MGRS squares" in said


def test_calibration_of_another_size(drive: Path, capsys: Captured) -> None:
    other = Camera(1280, 768, np.diag([2.0, 2.0, 1.0]) @ CAMERA.matrix, name=CAMERA.name)
    write_other(drive / "resized", camera=other)
    assert doctor(drive, "resized") == 1
    assert "images are 640x384, camera_info says 1280x768" in capsys.readouterr().out


def test_zero_focal_length(drive: Path, capsys: Captured) -> None:
    blind = Camera(640, 384, CAMERA.matrix, name=CAMERA.name)
    object.__setattr__(blind, "matrix", np.zeros((3, 3)))
    write_other(drive / "blind", camera=blind)
    assert doctor(drive, "blind") == 1
    said = capsys.readouterr().out
    assert "focal lengths above 0" in said
    assert "calibrate: ros2 run camera_calibration" in said


def test_two_clocks(drive: Path, capsys: Captured) -> None:
    write_other(drive / "clocks", start=90_000_000_000)
    assert doctor(drive, "clocks") == 1
    assert "stamps of images and poses lie 89.8 s apart" in capsys.readouterr().out


@pytest.mark.parametrize("bag", ["nowhere", "map"])
def test_no_bag_is_a_line(drive: Path, capsys: Captured, bag: str) -> None:
    assert doctor(drive, bag) == 1
    said = capsys.readouterr()
    assert "give the folder with metadata.yaml" in said.out
    assert "Traceback" not in said.err


def test_a_broken_map_does_not_hide_the_bag(drive: Path, capsys: Captured) -> None:
    (drive / "map" / "lanelet2_map.osm").write_text("<osm><node")
    assert doctor(drive) == 1
    said = capsys.readouterr().out
    assert said.count(FAIL) == 1
    assert "30 at 50.0 Hz" in said


def test_the_environment_without_torch() -> None:
    root = Path(__file__).resolve().parents[2]
    program = (
        "import sys; from dalearn_ros.cli.main import main; code = main(['doctor']);"
        "assert not {'torch', 'rclpy', 'tensorrt'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=False
    )
    assert done.returncode == 0, done.stderr
    for name in ("Python", "ROS 2", "messages", "ONNX Runtime", "TensorRT", "torch", "model"):
        assert f" {name} " in done.stdout
    assert "CPUExecutionProvider" in done.stdout
    assert "9 classes" in done.stdout


def test_whatever_a_look_raises_becomes_a_line() -> None:
    def broken() -> list[Check]:
        raise KeyError("frames")

    found = attempt("frames", broken, "record again")
    assert lines_of([Check("bag", OK, "fine", "nothing"), *found]) == [
        "ok    bag     fine",
        "FAIL  frames  KeyError: 'frames'",
        "              -> record again",
    ]
    assert NOTE != FAIL
