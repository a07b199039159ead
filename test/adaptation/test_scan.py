"""The first look at target images: what is kept is what is found again, without another look."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.tiny_training import TINY, write_dataset

from dalearn_ros.adaptation import scan as scanning
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.coding.decode import Candidates
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import build_network


def test_a_run_that_goes_on_does_not_look_again(tmp_path, monkeypatch):
    space = Dataset.open(write_dataset(tmp_path / "data", count=3)).label_space
    images = ImageList.open([tmp_path / "data"])
    settings = load_settings(AdaptSettings, None, {**TINY, "target": {"scan_images": 2}})
    seen = iter([np.array([[3.0, 4.0], [5.5, 6.0]]), np.zeros((0, 2))])

    def claimed(*_: object) -> Candidates:
        points = next(seen)
        n = len(points)
        none, square = np.zeros(n), np.zeros((n, 2, 2))
        return Candidates(np.ones(n, np.int64), none, none, points, square, none, none)

    monkeypatch.setattr(scanning, "claimed", claimed)
    network = build_network(settings, space, 0)
    first = scanning.scan(network, settings, space, images, tmp_path / "places.npz")
    again = scanning.scan(network, settings, space, images, tmp_path / "places.npz")
    for places in (first, again):  # rows 0 and 2 of three are looked at
        assert [len(one) for one in places] == [2, 0, 0]
        np.testing.assert_array_equal(places[0].point_px, [[3.0, 4.0], [5.5, 6.0]])
    with pytest.raises(StopIteration):
        scanning.scan(network, settings, space, images, tmp_path / "other.npz")
