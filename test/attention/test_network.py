"""The branch, the synthesis and the detector that has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dalearn_ros.attention.branch import AttentionBranch, synthesise
from dalearn_ros.attention.network import LandmarkAttention, merged_attention
from dalearn_ros.attention.run import start_landmark_run
from dalearn_ros.attention.settings import SYNTHESES, BranchSettings
from dalearn_ros.attention.viewing import LandmarkViewer
from dalearn_ros.datasets.store import Dataset


def network(path: Path, **settings: object) -> LandmarkAttention:
    return start_landmark_run(path, BranchSettings(**settings), 3).network  # type: ignore[arg-type]


def image(rows: int = 64, columns: int = 96) -> torch.Tensor:
    return torch.randint(0, 255, (2, rows, columns, 3), dtype=torch.uint8)


def test_the_synthesis_by_hand() -> None:
    g, m = torch.tensor([[[[2.0, -4.0]]]]), torch.tensor([[[[0.5, 0.0]]]])
    assert synthesise(g, m, "multiply").flatten().tolist() == [1.0, 0.0]
    assert synthesise(g, m, "add").flatten().tolist() == [2.5, -4.0]
    assert synthesise(g, m, "residual").flatten().tolist() == [3.0, -4.0]


def test_a_cell_of_the_map_depends_on_its_surroundings_alone() -> None:
    branch = AttentionBranch(8, 3, BranchSettings(depth=2)).eval()
    with torch.no_grad():
        for block in branch.blocks:
            torch.nn.init.ones_(block.norm.weight)  # type: ignore[union-attr, arg-type]
    g = torch.randn(1, 8, 9, 9)
    moved = g.clone()
    moved[..., 0, 0] += 5.0
    changed = (branch(g).attention != branch(moved).attention)[0, 0]
    assert changed[:3, :3].any()
    assert not changed[3:].any()
    assert not changed[:, 3:].any()


def test_a_fixed_place_is_the_sum_of_the_responses_and_never_learns() -> None:
    branch = AttentionBranch(4, 3, BranchSettings(fixed_place=True, start=0.8)).eval()
    nothing = torch.zeros(1, 4, 5, 6)
    assert torch.allclose(branch(nothing).attention, torch.tensor(0.8))
    g = torch.randn(1, 4, 5, 6)
    responses = branch.responses(branch.blocks(g))
    expected = torch.sigmoid(responses.sum(dim=1, keepdim=True))
    assert torch.allclose(branch(g).attention, expected)
    assert torch.allclose(branch(g).scores, branch.scores(responses).mean(dim=(2, 3)))
    assert not branch.place.weight.requires_grad


@pytest.mark.parametrize("synthesis", SYNTHESES)
def test_the_own_map_given_as_override_changes_nothing(detector_path: Path, synthesis: str) -> None:
    model, pixels = network(detector_path, synthesis=synthesis).eval(), image()
    with torch.no_grad():
        own = model(pixels)
        same = model(pixels, own.attention)
        other = model(pixels, torch.rand_like(own.attention))
        exported = model.maps_and_attention(pixels)
    assert torch.equal(own.answer.class_logits, same.answer.class_logits)
    assert not torch.equal(own.answer.class_logits, other.answer.class_logits)
    assert torch.equal(other.attention, own.attention)
    assert torch.equal(exported[0], own.answer.class_logits.flatten(1, 2))
    assert torch.equal(exported[4], own.attention[:, 0])
    assert own.scores.shape == (2, model.detector.classes - 1)


def test_an_empty_map_leaves_no_trace_of_the_image(detector_path: Path) -> None:
    model = network(detector_path).eval()
    with torch.no_grad():
        empty = torch.zeros(2, 1, 8, 12)
        one, other = (model(image(), empty).answer.class_logits for _ in range(2))
    assert torch.equal(one, other)


def test_every_weight_belongs_to_one_part(detector_path: Path) -> None:
    model = network(detector_path)
    by_part = [
        [id(p) for module in modules for p in module.parameters()]
        for modules in model.parts().values()
    ]
    every = [number for part in by_part for number in part]
    assert sorted(every) == sorted(id(p) for p in model.parameters())
    assert len(set(every)) == len(every)


def test_merging_the_backbones_branches_keeps_the_answers(detector_path: Path) -> None:
    model, pixels = network(detector_path).eval(), image()
    with torch.no_grad():
        expected, found = model(pixels), merged_attention(model)(pixels)
    assert torch.allclose(found.answer.class_logits, expected.answer.class_logits, atol=1e-4)


def test_a_viewer_answers_under_its_own_map_as_the_network_does(
    detector_path: Path, roads: Dataset
) -> None:
    viewer = LandmarkViewer(start_landmark_run(detector_path, BranchSettings(), 3))
    picture = roads.image(0)
    view = viewer.see(picture)
    height, width = picture.shape[:2]
    assert view.size_px == (width, height)
    rows, columns = view.attention.shape
    cell = viewer.metadata.grid.cell_px
    assert view.covered_px == (columns * cell, rows * cell)
    own, same = viewer.answer(view).observations, viewer.answer(view, view.attention).observations
    assert own is not None and same is not None
    assert np.array_equal(own.point_px, same.point_px)
