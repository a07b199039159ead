"""A real drive as bag and map: the label of the mapped sign lies on its box in the image."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from helpers.small_kitti import write_small_kitti

from dalearn_ros.bags.reader import BagReader
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets import Dataset
from dalearn_ros.datasets.from_bag import label_bag
from dalearn_ros.datasets.kitti import COLOUR_CAMERA_M, PERIOD_NS, START_NS, import_kitti
from dalearn_ros.maps import load_map


@pytest.fixture(scope="module")
def drive(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real drive, imported and labelled once."""
    out = tmp_path_factory.mktemp("kitti") / "drive"
    assert import_kitti(real_data / "kitti_drive", out) == {"frames": 51, "signs": 1}
    label_bag(out / "bag", out / "map", out / "dataset")
    return out


@pytest.mark.real_data
def test_the_sign_lies_on_its_box(real_data: Path, drive: Path) -> None:
    """Within 6 px horizontally in frames 14 to 24 and 10 px in frame 25.

    The boxes were drawn in the colour camera, 6 cm to the left of the grey one: there everything
    lies f * 0.06 / z further to the right.
    """
    content = json.loads((real_data / "kitti_drive" / "signs.json").read_text())
    boxes = next(iter(content.values()))["images"]
    dataset = Dataset.open(drive / "dataset")
    errors = {}
    for i in range(len(dataset)):
        frame = (dataset.meta(i)["stamp_ns"] - START_NS) // PERIOD_NS
        labels = dataset.labels(i)
        box = boxes.get(f"2011_09_30_drive_0020_{frame:010d}")
        if box is None or not len(labels):
            continue
        matrix = np.array(dataset.meta(i)["camera"]["matrix"])
        ray = np.linalg.solve(matrix, [*labels.point_px[0], 1.0])
        z = labels.range_m[0] / np.linalg.norm(ray)
        colour_u = labels.point_px[0, 0] + matrix[0, 0] * COLOUR_CAMERA_M / z
        errors[frame] = abs(colour_u - (box[0] + box[2]) / 2)
        assert labels.class_id.tolist() == [3]
    assert set(range(14, 26)) <= set(errors)
    assert max(errors[frame] for frame in range(14, 25)) <= 6.0
    assert errors[25] <= 10.0


@pytest.mark.real_data
def test_bag_and_map_are_ordinary(drive: Path) -> None:
    landmarks = load_map(drive / "map")
    assert landmarks.tags.tolist() == ["traffic_sign:de306"]
    with BagReader(drive / "bag") as reader:
        frames = list(reader.frames(pose_topic="/localization/kinematic_state"))
        assert len(frames) == 51
        assert reader.skipped == {}
        poses = [frame.pose.map_from_base for frame in frames if frame.pose is not None]
    assert frames[0].image.shape == (370, 1226, 3)
    speeds = [np.linalg.norm(b.translation - a.translation) / 0.1 for a, b in pairwise(poses)]
    assert min(speeds) > 10.0  # about 12 m/s, no leap where GPS positions begin
    assert max(speeds) < 14.0
    # Heading -3.05497 rad from true east; the grid of UTM zone 32 is turned by -0.455 degrees.
    assert poses[0].yaw_rad == pytest.approx(-3.05497 + np.radians(-0.4555), abs=0.002)


def test_a_small_drive(tmp_path: Path) -> None:
    assert import_kitti(write_small_kitti(tmp_path / "k"), tmp_path / "out") == {
        "frames": 3,
        "signs": 1,
    }
    assert load_map(tmp_path / "out" / "map").tags.tolist() == ["traffic_sign:de205"]


@pytest.mark.parametrize(
    "name, content, named",
    [
        ("calib.txt", "1 2 3", "rows of 12"),
        ("poses.txt", "1 0 0 0 0 1 0 0 0 0 1 0", "1 poses for 3 images"),
        ("poses.txt", "x", "rows of numbers"),
        ("signs.json", "{", "cannot be read as JSON"),
        ("signs.json", '{"9": {}}', "Geolocation"),
        ("signs.json", "{}", "one sign or more"),
    ],
)
def test_a_damaged_drive_is_a_sentence(tmp_path: Path, name: str, content: str, named: str) -> None:
    data = write_small_kitti(tmp_path / "k")
    (data / name).write_text(content)
    with pytest.raises(DatasetError, match=named) as caught:
        import_kitti(data, tmp_path / "out")
    assert name in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_no_images_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="image_0"):
        import_kitti(tmp_path, tmp_path / "out")
