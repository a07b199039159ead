"""Labels find their target images by content."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_adaptation import write_city

from dalearn_ros.adaptation.map_labels import labels_by_content
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset


def test_by_content_whatever_the_names(tmp_path: Path) -> None:
    data = Dataset.open(write_city(tmp_path / "labelled", range(3)))
    folder = tmp_path / "images"
    folder.mkdir()
    for number in (0, 2):
        shutil.copyfile(data.image_path(number), folder / f"{9 - number}.jpg")
    other = Dataset.open(write_city(tmp_path / "other", range(7, 8)))
    shutil.copyfile(other.image_path(0), folder / "0.jpg")
    data.image_path(1).unlink()
    images = ImageList.open([folder])
    found, matched = labels_by_content(data, images)
    assert matched == 2
    for i in range(len(images)):
        number = {"9.jpg": 0, "7.jpg": 2}.get(images.path(i).name)
        if number is None:
            assert found[i] is None
        else:
            np.testing.assert_array_equal(found[i].point_px, data.labels(number).point_px)
    with pytest.raises(DatasetError, match="3 other images"):
        labels_by_content(data, ImageList.open([tmp_path / "other"]))
