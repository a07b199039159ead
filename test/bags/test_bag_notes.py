"""What a bag's metadata note about it: its condition goes into labels and metrics."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform


def write(path: Path, condition: str = "") -> Path:
    with BagWriter(path) as bag:
        if condition:
            bag.note("condition", condition)
        bag.pose("/pose", Pose(5, Transform.from_euler(0, 0, 0, [0, 0, 0])))
    return path


def test_the_condition_is_read_again(tmp_path: Path) -> None:
    with BagReader(write(tmp_path / "bag", "heavy rain")) as reader:
        assert reader.condition == "heavy rain" and reader.bag.custom == {"condition": "heavy rain"}


@pytest.mark.parametrize("noted", [None, {}, [], "rain", {"weather": 3}])
def test_other_notes_or_none_are_no_condition(tmp_path: Path, noted: object) -> None:
    file = write(tmp_path / "bag") / "metadata.yaml"
    content = yaml.safe_load(file.read_text())
    content["rosbag2_bagfile_information"]["custom_data"] = noted
    file.write_text(yaml.safe_dump(content))
    with BagReader(tmp_path / "bag") as reader:
        assert reader.condition == ""


def test_a_bag_without_metadata_has_no_condition(tmp_path: Path) -> None:
    folder = write(tmp_path / "bag", "rain")
    (folder / "metadata.yaml").unlink()
    with BagReader(folder) as reader:
        assert reader.condition == ""
