"""A small drive past warning signs whose pictures a hand-made model can read."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.maps.lanelet2_writer import Lanelet2Writer, Origin

START_NS = 1_700_000_000_000_000_000
CAMERA = Camera(640, 360, np.array([[575.0, 0, 319.5], [0, 575.0, 179.5], [0, 0, 1]]))
MOUNTING = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.0, 1.5]))
SIGNS = [(14.0 + 7.0 * i, 4.0 if i % 2 else -4.0, 2.6) for i in range(8)]  # centres, metres
PRIOR_COVARIANCE = np.diag([0.8, 0.5, 0.05, 0.003, 0.003, 0.012]) ** 2


@dataclass
class Drive:
    """Paths of a drive and its model."""

    bag: Path
    map: Path
    model: Path
    frames: int


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Drive:
    """20 pictures at 10 Hz, 8 m/s, with true pose and a prior that is 0.4 m and 0.5 m off."""
    return write_drive(tmp_path_factory.mktemp("drive"))


def write_drive(folder: Path, frames: int = 20, truth_topic: str = "/ground_truth/pose") -> Drive:
    writer = Lanelet2Writer(Origin(49.0, 8.4))
    for x, y, z in SIGNS:
        bottom = [[x, y + 0.45, z - 0.45], [x, y - 0.45, z - 0.45]]
        writer.way(bottom, {"type": "traffic_sign", "subtype": "de101", "height": 0.9})
    writer.write(folder / "map")
    with BagWriter(folder / "bag") as bag:
        bag.transforms("/tf_static", START_NS, {("base_link", "camera_optical"): MOUNTING})
        for i in range(-1, 5 * frames + 1):
            stamp, truth = (
                START_NS + i * 20_000_000,
                Transform.from_euler(0, 0, 0, [0.16 * i, 0, 0]),
            )
            bag.pose(truth_topic, Pose(stamp, truth))
            off = Transform.from_euler(0, 0, 0.008, truth.translation + np.array([0.5, 0.4, 0.0]))
            bag.pose_with_covariance("/localization/prior", Pose(stamp, off, PRIOR_COVARIANCE))
            bag.odometry("/odometry", stamp, truth, 8.0, 0.0)
            if i >= 0 and i % 5 == 0 and i < 5 * frames:
                image = picture(truth)
                _, encoded = cv2.imencode(".png", image)
                bag.compressed_image(
                    "/camera/image_raw/compressed", stamp, encoded.tobytes(), "camera_optical"
                )
                bag.camera_info("/camera/camera_info", stamp, CAMERA)
    return Drive(folder / "bag", folder / "map", tiny_model()(folder / "tiny.onnx"), frames)


def picture(map_from_base: Transform) -> np.ndarray:
    """Red squares on the grid cells in which the signs' centres lie."""
    image = np.full((360, 640, 3), 120, np.uint8)
    camera_from_map = (map_from_base @ MOUNTING).inverse()
    pixels, valid = CAMERA.project(camera_from_map.apply(np.array(SIGNS)))
    for u, v in pixels[valid & CAMERA.inside(pixels)]:
        column, row = int((u + 0.5) // 8) * 8, int((v + 0.5) // 8) * 8
        image[row : row + 8, column : column + 8] = (0, 0, 255)
    return image


def tiny_model():  # type: ignore[no-untyped-def]
    """The function that writes the hand-made model."""
    file = Path(__file__).parents[1] / "helpers" / "tiny_model.py"
    spec = importlib.util.spec_from_file_location("tiny_model", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.write_tiny_model


@pytest.fixture(scope="session")
def other_truth(tmp_path_factory: pytest.TempPathFactory) -> Drive:
    """The same drive, whose poses stand on the topic of a localization stack."""
    return write_drive(tmp_path_factory.mktemp("other"), 10, "/localization/kinematic_state")
