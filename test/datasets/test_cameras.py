"""The camera that a dataset keeps with an image."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.cameras import camera_of
from dalearn_ros.geometry.camera import Camera

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
