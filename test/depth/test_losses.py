"""Losses by hand numbers; reading of maps at cells and places."""

from __future__ import annotations

import math

import pytest
import torch

from dalearn_ros.coding.grid import Grid
from dalearn_ros.core.settings import load_settings
from dalearn_ros.depth.local import DepthOutputs
from dalearn_ros.depth.losses import at_cells, at_places, distillation_loss, value_loss
from dalearn_ros.depth.settings import WeightSettings


def outputs(values: list[float], log_variance: float = 0.0) -> DepthOutputs:
    depth = torch.tensor([values], requires_grad=True)
    return DepthOutputs(depth, torch.full_like(depth, log_variance).detach().requires_grad_())


def test_value_loss_is_the_weighted_mean() -> None:
    target, weight = torch.zeros(1, 3), torch.tensor([[1.0, 3.0, 0.0]])
    value, variance = value_loss(outputs([1.0, 2.0, 99.0]), target, weight)
    assert value.item() == pytest.approx((1 + 6) / 4)
    assert variance.item() == pytest.approx(0.5 * (1 + 3 * 4) / 4)


def test_the_variance_is_best_at_the_square_of_error_and_teacher() -> None:
    # d/ds of (e² + v) exp(-s) / 2 + s / 2 is 0 at s = ln(e² + v).
    best = math.log(0.3**2 + 0.05)
    said = outputs([0.3], best)
    _, variance = value_loss(said, torch.zeros(1, 1), torch.ones(1, 1), 0.05)
    variance.backward()
    assert said.log_variance.grad is not None and abs(said.log_variance.grad.item()) < 1e-6
    assert said.log_depth.grad is None  # no gradient into the value


def test_no_truth_is_no_loss() -> None:
    value, variance = value_loss(outputs([5.0]), torch.zeros(1, 1), torch.zeros(1, 1))
    assert value.item() == variance.item() == 0.0


def test_an_uncertain_teacher_counts_less() -> None:
    settings = load_settings(WeightSettings, None, {"sigma": 0.1})
    variances = torch.log(torch.tensor([[0.01, 0.09]]))  # weights 1/2 and 1/10
    taught = DepthOutputs(torch.zeros(1, 2), variances)
    value, _ = distillation_loss(outputs([1.0, 2.0]), taught, torch.ones(1, 2), settings)
    assert value.item() == pytest.approx((0.5 * 1 + 0.1 * 2) / 0.6)
    same = load_settings(WeightSettings, None, {"uncertainty": False})
    value, _ = distillation_loss(outputs([1.0, 2.0]), taught, torch.ones(1, 2), same)
    assert value.item() == pytest.approx(1.5)


def test_no_loss_where_no_patch_was_cut() -> None:
    taught = outputs([0.0, 0.0])
    said = outputs([1.0, 7.0])
    counts = torch.tensor([[1.0, 0.0]])
    value, _ = distillation_loss(said, taught, counts, WeightSettings())
    value.backward()
    assert value.item() == pytest.approx(1.0)
    assert said.log_depth.grad is not None and said.log_depth.grad[0, 1] == 0.0
    assert taught.log_depth.grad is None  # the teacher is not moved


def test_cells_are_numbered_row_by_row() -> None:
    values = torch.arange(12.0).reshape(1, 3, 4)
    found = at_cells(DepthOutputs(values, -values), torch.tensor([[0, 5, 11]]))
    assert found.log_depth.tolist() == [[0.0, 5.0, 11.0]]
    assert found.log_variance.tolist() == [[0.0, -5.0, -11.0]]


def test_places_are_bilinear_about_the_centres_of_the_cells() -> None:
    grid = Grid(8)
    rows, columns = torch.meshgrid(torch.arange(4.0), torch.arange(5.0), indexing="ij")
    plane = (10.0 * rows + columns)[None]
    said = DepthOutputs(plane, plane)
    at = torch.tensor([[grid.centers_px(2, 3).tolist(), [11.5, 7.5], [0.0, 0.0]]])
    found = at_places(said, at, 8).log_depth[0]
    # (11.5, 7.5) is the centre of column 1, between rows 0 and 1; (0, 0) takes the first cell.
    torch.testing.assert_close(found, torch.tensor([23.0, 6.0, 0.0]))
