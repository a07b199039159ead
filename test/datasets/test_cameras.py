"""The camera that a dataset keeps with an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.cameras import camera_of, common_focal_px
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels

CAMERA = Camera(160, 96, np.array([[120.0, 0, 79.5], [0, 125.0, 31.5], [0, 0, 1.0]]), np.ones(4))
META = {
    "width": 160,
    "height": 96,
    "camera": {
        "matrix": CAMERA.matrix.tolist(),
        "distortion": CAMERA.distortion.tolist(),
        "model": CAMERA.model,
        "name": "front",
    },
}


def test_it_is_the_one_that_was_kept() -> None:
    camera = camera_of(META, "here")
    np.testing.assert_array_equal(camera.matrix, CAMERA.matrix)
    np.testing.assert_array_equal(camera.distortion, CAMERA.distortion)
    assert (camera.width, camera.height, camera.model, camera.name) == (
        160, 96, "plumb_bob", "front",
    )  # fmt: skip


def test_none_and_a_damaged_one_are_sentences() -> None:
    with pytest.raises(DatasetError, match="here: expected the camera's calibration, found none"):
        camera_of({"width": 160, "height": 96}, "here")
    for change in ({"matrix": np.zeros((3, 3))}, {"distortion": "x"}, {"model": "none"}):
        damaged = {**META, "camera": {**META["camera"], **change}}
        with pytest.raises(DatasetError, match="calibration, found another one"):
            camera_of(damaged, "here")


def test_the_focal_length_that_all_images_share(tmp_path: Path) -> None:
    def data(name: str, *focal: float | None) -> Dataset:
        with DatasetWriter(tmp_path / name, LabelSpace.load(), {}) as writer:
            for number, px in enumerate(focal):
                meta: dict[str, Any] = {"name": f"{number}", "width": 64, "height": 48}
                if px is not None:
                    matrix = np.array([[px, 0, 31.5], [0, 1.21 * px, 23.5], [0, 0, 1]])
                    meta["camera"] = {"matrix": matrix, "distortion": [], "model": "plumb_bob"}
                writer.add(np.zeros((48, 64, 3), np.uint8), Labels.empty(), meta)
        return Dataset.open(tmp_path / name)

    one, near = data("one", 100.0, 100.0), data("near", 101.0)
    assert common_focal_px([one, near]) == pytest.approx(1.1 * 100.0)
    assert common_focal_px([one, data("far", 110.0)]) == 0.0
    assert common_focal_px([one, data("none", None)]) == 0.0
    assert common_focal_px([]) == 0.0
