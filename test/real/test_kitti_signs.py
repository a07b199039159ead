"""Bearings to mapped signs: the residuals that the data's description states."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import kitti_signs as signs
from dalearn_ros.core.errors import DatasetError


@pytest.fixture(scope="module")
def boxes(real_data: Path) -> signs.Boxes:
    path = real_data / "kitti_signs" / "train_sign_id_GT.json"
    if not path.is_file():
        pytest.skip("real data: no kitti_signs")
    return signs.read_boxes(path)


@pytest.mark.real_data
@pytest.mark.parametrize("lever_m, median_deg, close", [(0.0, 0.88, 0.78), (1.08, 1.84, 0.64)])
def test_residuals_over_all_drives(
    boxes: signs.Boxes, lever_m: float, median_deg: float, close: float
) -> None:
    median, share = signs.summary(signs.residual_deg(boxes, lever_m))
    assert median == pytest.approx(median_deg, abs=0.03)
    assert share == pytest.approx(close, abs=0.01)


@pytest.mark.real_data
def test_a_grid_north_taken_for_true_north_is_noticed(boxes: signs.Boxes) -> None:
    median, _ = signs.summary(signs.residual_deg(boxes, 0.0, "LocalCartesianUTM"))
    assert median > 0.88 + 0.03


def one_box(tmp_path: Path, u: float, yaw: float) -> signs.Boxes:
    """A sign 20 m north and 20 m east of the vehicle, on the sphere of the mean latitude."""
    per_degree = 111_132.954 - 559.822 * math.cos(math.radians(98.0))  # metres a degree at 49°
    radius = 6378137.0 / math.sqrt(1.0 - 0.00669438 * math.sin(math.radians(49.0)) ** 2)
    east = 20.0 / (math.radians(1.0) * radius * math.cos(math.radians(49.0)))
    frame = "2011_09_26_drive_0001_0000000000"
    entry = {
        "Geolocation": [49.0 + 20.0 / per_degree, 8.4 + east],
        "images": {frame: [u - 5.0, 10.0, u + 5.0, 20.0], frame + "a": [0.0, 0.0, 1.0, 1.0]},
        "image_geolocations": {frame: [49.0, 8.4]},
        "image_yaws": {frame: yaw},
    }
    path = tmp_path / "signs.json"
    path.write_text(json.dumps({"7": entry}))
    return signs.read_boxes(path)


def test_a_sign_to_the_north_east(tmp_path: Path) -> None:
    focal, centre = signs.FOCAL_AND_CENTRE["2011_09_26"]
    straight = one_box(tmp_path, centre, math.radians(45.0))
    assert signs.residual_deg(straight, 0.0)[0] == pytest.approx(0.0, abs=0.01)
    left = one_box(tmp_path, centre - focal * math.tan(math.radians(10.0)), math.radians(35.0))
    assert signs.residual_deg(left, 0.0)[0] == pytest.approx(0.0, abs=0.01)
    # Two metres ahead along east: 18 m of east for 20 m of north.
    ahead = signs.residual_deg(one_box(tmp_path, centre, 0.0), 2.0)[0]
    assert ahead == pytest.approx(math.degrees(math.atan2(20.0, 18.0)), abs=0.01)


def test_boxes_without_a_position_are_counted(tmp_path: Path) -> None:
    boxes = one_box(tmp_path, 600.0, 0.0)
    assert (len(boxes.u_px), boxes.without_vehicle) == (1, 1)
    assert list(boxes.drive) == ["2011_09_26_drive_0001"]


def test_summary_counts_absolute_degrees() -> None:
    assert signs.summary(np.array([-1.0, 2.0, -4.0])) == (2.0, pytest.approx(2 / 3))


def test_another_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("[1, 2]")
    with pytest.raises(DatasetError, match=r"x\.json"):
        signs.read_boxes(tmp_path / "x.json")
