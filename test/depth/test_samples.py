"""Batches: the same place for teacher, student and truth, however an image is cut."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_depth import CAMERA, depth_settings, road_depth_m, write_roads
from helpers.tiny_training import tiny_settings

from dalearn_ros.coding.location import location_at, log_focal
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.samples import GlobalBatches, LocalBatches, choose_cells

BOTH = {"weights": {"truth": 1.0}}


def test_a_local_batch_tells_the_distance_at_the_ray(roads: Dataset) -> None:
    batch = LocalBatches([roads], depth_settings(), tiny_settings(), 1)[0]
    assert batch["patches"].shape == (8, 32, 32, 3) and batch["patches"].dtype == torch.uint8
    down = torch.tan(batch["location"][:, 1].double())
    # The road lies 1.5 m below the camera: z = h / tan(angle down).
    np.testing.assert_allclose(np.exp(batch["log_depth"]), 1.5 / down, rtol=1e-4)
    assert (batch["counts"] == 1).all()


def test_an_image_without_truth_does_not_count(roads: Dataset) -> None:
    settings = depth_settings({"truth": {"kinds": ["lidar"]}})
    batch = LocalBatches([roads], settings, tiny_settings(), 1)[0]
    assert not batch["counts"].any() and torch.isfinite(batch["location"]).all()


def test_the_same_step_is_the_same_batch(roads: Dataset) -> None:
    settings = depth_settings(BOTH)
    for kind in (0, 1):
        pair = []
        for _ in range(2):
            if kind:
                made = LocalBatches([roads], settings, tiny_settings(), 7)[5]
            else:
                made = GlobalBatches([roads], [roads], settings, tiny_settings(), 7)[5]["truth"]
            pair.append(made)
        for name, value in pair[0].items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, pair[1][name]), name


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_patch_and_cell_are_the_same_place(roads: Dataset, mirror: float) -> None:
    changes = {"crops": {"scale_jitter": 0.3, "turn_jitter_deg": 4.0, "mirror": mirror}}
    settings = depth_settings(changes)
    part = GlobalBatches([roads], [], settings, tiny_settings(), 2)[0]["target"]
    assert part["image"].shape == (2, 64, 96, 3) and part["location"].shape == (2, 3, 8, 12)
    cells = part["location"].flatten(2).gather(2, part["cells"][:, None].expand(-1, 3, -1))
    angles = part["patch_location"].permute(0, 2, 1)[:, :2]
    torch.testing.assert_close(cells[:, :2], angles, atol=1e-4, rtol=0)
    # The scale of a patch is its own: 120 px per radian on the axis.
    middle = part["patch_location"][..., 2][(angles.norm(dim=1) < 0.15)]
    assert torch.allclose(middle, torch.tensor(log_focal(CAMERA)), atol=0.05)


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_a_dot_is_in_the_cell_and_in_the_middle_of_its_patch(tmp_path, mirror: float) -> None:
    """Pixels, not angles: a bright dot that a cell's centre falls on is in its patch's middle."""
    data = write_roads(tmp_path / "dots", 1)
    image = np.zeros((96, 160, 3), np.uint8)
    image[20:90:12, 10:150:12] = 255
    image = cv2.dilate(image, np.ones((3, 3), np.uint8))
    data.image_path(0).write_bytes(cv2.imencode(".png", image)[1].tobytes())
    names = ("brightness", "contrast", "gamma", "cast", "saturation", "blur", "noise", "jpeg")
    settings = depth_settings(
        {
            "crops": {"scale_jitter": 0.0, "turn_jitter_deg": 3.0, "mirror": mirror},
            "colours": dict.fromkeys(names, 0.0),
            "sampling": {"per_crop": 96},
        }
    )
    part = GlobalBatches([data], [], settings, tiny_settings(), 2)[0]["target"]
    seen, there = [], []
    for crop in range(2):
        for place, cell in enumerate(part["cells"][crop].tolist()):
            row, column = divmod(cell, 12)
            block = part["image"][crop, row * 8 + 3 : row * 8 + 5, column * 8 + 3 : column * 8 + 5]
            patch = part["patches"][crop, place, 15:17, 15:17]
            if part["counts"][crop, place]:
                seen.append(block.float().mean().item())
                there.append(patch.float().mean().item())
    assert np.corrcoef(seen, there)[0, 1] > 0.9 and np.std(seen) > 20


def test_truth_moves_with_the_crop(roads: Dataset) -> None:
    settings = depth_settings({**BOTH, "crops": {"scale_jitter": 0.3, "mirror": 0.5}})
    part = GlobalBatches([roads], [roads], settings, tiny_settings(), 4)[1]["truth"]
    counted = 0
    for crop in range(2):
        rows = part["counts"][crop] > 0
        places, depth = part["places"][crop][rows], part["log_depth"][crop][rows]
        # The location of the cell next to a place gives nearly its ray.
        cell = torch.clamp((places / 8).long(), max=torch.tensor([11, 7]))
        angle = part["location"][crop, 1, cell[:, 1], cell[:, 0]]
        expected = np.log(1.5 / np.tan(angle.double().numpy()))
        near = angle.numpy() > 0.2
        counted += int(near.sum())
        np.testing.assert_allclose(depth.numpy()[near], expected[near], atol=0.25)
    assert counted > 20


def test_labels_of_the_target_are_not_looked_at(roads: Dataset, monkeypatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the target's labels were read")

    monkeypatch.setattr(Dataset, "labels", never)
    monkeypatch.setattr(Dataset, "distances", never)
    batch = GlobalBatches([roads], [], depth_settings(), tiny_settings(), 2)[0]
    assert "truth" not in batch and len(batch["names"]) == 2


def test_which_cells() -> None:
    random = np.random.default_rng(0)
    grid = depth_settings({"sampling": {"how": "grid", "step_cells": 4}})
    np.testing.assert_array_equal(choose_cells((8, 12), grid, random), [26, 30, 34, 74, 78, 82])
    few = choose_cells((8, 12), depth_settings(), random)
    assert len(few) == len(set(few.tolist())) == 6 and few.max() < 96
    assert len(choose_cells((1, 2), grid, random)) == 1
    assert len(choose_cells((1, 2), depth_settings(), random)) == 2


def test_the_helper_agrees_with_the_location() -> None:
    pixels = np.array([[10.0, 60.0]])
    angle = location_at(CAMERA, pixels)[0, 1]
    assert road_depth_m(pixels)[0] == pytest.approx(1.5 / np.tan(angle))
