"""Images with their cameras, and known distances; what is missing is a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_depth import depth_settings, write_roads

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.frames import (
    Frames,
    check_distances,
    draw_places,
    known_distances,
)
from dalearn_ros.depth.settings import TruthSettings
from dalearn_ros.landmarks.types import Distances


def test_no_calibration_is_a_sentence(tmp_path: Path) -> None:
    data = write_roads(tmp_path / "d", 1, camera=None)
    with pytest.raises(DatasetError, match=r"image 0: expected the camera's calibration"):
        Frames([data], 0, "order")


def test_only_the_kinds_and_the_range_that_are_asked_for(roads: Dataset) -> None:
    settings = load_settings(TruthSettings, None, {"kinds": ["depth"], "greatest_m": 6.0})
    known = known_distances(roads, 0, settings)
    assert len(known) and (known.kind == 3).all() and known.depth_m.max() <= 6.0


def test_no_known_distance_is_a_sentence(roads: Dataset, tmp_path: Path) -> None:
    plain = write_roads(tmp_path / "d", 1, distances=False)
    with pytest.raises(DatasetError, match="expected known distances"):
        check_distances([plain], TruthSettings())
    check_distances([plain, roads], TruthSettings())
    lidar = load_settings(TruthSettings, None, {"kinds": ["lidar"]})
    with pytest.raises(DatasetError, match=r"\(lidar\), found none"):
        check_distances([roads], lidar)


def test_kinds_are_drawn_as_often_and_distances_by_the_root() -> None:
    kind = np.repeat([0, 1], [10, 990]).astype(np.uint8)
    depth = np.concatenate([np.full(10, 30.0), np.full(900, 4.0), np.full(90, 40.0)])
    known = Distances(np.zeros((1000, 2)), depth, kind)
    rows = draw_places(known, 30_000, "balanced", np.random.default_rng(0))
    assert (kind[rows] == 0).mean() == pytest.approx(0.5, abs=0.02)
    road = depth[rows][kind[rows] == 1]
    near, far = np.sqrt(900), np.sqrt(90)
    assert (road == 4.0).mean() == pytest.approx(near / (near + far), abs=0.02)


def test_even_places_are_drawn_alike() -> None:
    kind = np.repeat([0, 1], [10, 990]).astype(np.uint8)
    known = Distances(np.zeros((1000, 2)), np.linspace(0.3, 50, 1000), kind)
    rows = draw_places(known, 30_000, "even", np.random.default_rng(0))
    assert (kind[rows] == 0).mean() == pytest.approx(0.01, abs=0.004)


def test_every_image_once_a_round(roads: Dataset) -> None:
    frames = Frames([roads], 5, "order", 1)
    seen = [frames.draw(number, []).index for number in range(8)]
    assert sorted(seen[:4]) == sorted(seen[4:]) == [0, 1, 2, 3]
    again = [Frames([roads], 5, "order", 1).draw(number, []).index for number in range(8)]
    assert seen == again


def test_an_image_of_another_size_is_passed_over(tmp_path: Path) -> None:
    data = write_roads(tmp_path / "d", 2)
    bad = data.image_path(0)
    import cv2

    cv2.imwrite(str(bad), np.zeros((10, 10, 3), np.uint8))
    skipped: list[str] = []
    frames = Frames([data], 0, "order", 0)
    assert {frames.draw(n, skipped).index for n in range(4)} == {1}
    assert any("expected the camera's size, 160x96, found 10x10" in text for text in skipped)


def test_the_tiny_settings_hold() -> None:
    assert depth_settings().patch.size_px == 32
