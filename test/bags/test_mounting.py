"""Mountings on /tf_static and on /tf, fixed and moving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import BASE_FROM_CAMERA, CAMERA, STEP_NS, jpeg

from dalearn_ros.bags.inspect import camera_checks
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.checks import FAIL, NOTE
from dalearn_ros.core.errors import BagError
from dalearn_ros.geometry.transforms import Transform

TOPIC = "/camera/image_raw/compressed"


def write(path: Path, step: Transform, start_ns: int = 10**18) -> Path:
    """A camera on /tf alone, moved by ``step`` from sample to sample, below a mast."""
    mast = Transform(np.eye(3), np.array([0.5, 0.0, 1.0]))
    with BagWriter(path) as bag:
        mounted = mast.inverse() @ BASE_FROM_CAMERA
        bag.transforms("/tf_static", start_ns, {("base_link", "mast"): mast})
        for number in range(6):
            stamp = start_ns + number * STEP_NS
            bag.camera_info("/camera/camera_info", stamp, CAMERA)
            bag.compressed_image(TOPIC, stamp, jpeg(), CAMERA.name)
            bag.transforms(
                "/tf", stamp, {("mast", CAMERA.name): mounted, ("map", "base_link"): step}
            )
            mounted = mounted @ step
    return path


@pytest.mark.parametrize("start_ns", [0, 10**18])
def test_a_mounting_on_tf_that_stays_is_used_with_a_note(tmp_path: Path, start_ns: int) -> None:
    with BagReader(write(tmp_path / "bag", Transform.identity(), start_ns)) as reader:
        frames = list(reader.frames())
        checks = camera_checks(reader, TOPIC, reader.transforms())
    assert len(frames) == 6
    assert np.allclose(frames[0].base_from_camera.matrix, BASE_FROM_CAMERA.matrix)
    note = next(check for check in checks if check.name.startswith("mounting"))
    assert note.state == NOTE
    assert "base_link -> mast -> camera_optical" in note.found
    assert "expected on /tf_static" in note.found


@pytest.mark.parametrize("start_ns", [0, 10**18])
@pytest.mark.parametrize(
    "step, told",
    [
        (Transform(np.eye(3), np.array([0.1, 0.0, 0.0])), "by 0.50 m and 0.0 degrees"),
        (Transform.from_euler(0.0, np.radians(2.0), 0.0), "by 0.00 m and 10.0 degrees"),
    ],
)
def test_a_camera_that_moves_is_refused(
    tmp_path: Path, step: Transform, told: str, start_ns: int
) -> None:
    with BagReader(write(tmp_path / "bag", step, start_ns)) as reader:
        with pytest.raises(BagError, match=told):
            next(reader.frames())
        checks = camera_checks(reader, TOPIC, reader.transforms())
    assert [check.state for check in checks if check.name.startswith("mounting")] == [FAIL]
