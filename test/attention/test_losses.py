"""Losses by hand numbers, their gradients by autograd's check, and their balance."""

from __future__ import annotations

import math

import pytest
import torch

from dalearn_ros.attention.learning_settings import NORMS
from dalearn_ros.attention.losses import (
    class_attention_loss,
    landmark_attention_loss,
    map_loss,
    value_attention_loss,
)
from dalearn_ros.attention.objective import Objective


def test_losses_of_the_branch_by_hand() -> None:
    scores = torch.tensor([[0.0, math.log(3.0)]])
    assert float(class_attention_loss(scores, torch.tensor([1]))) == pytest.approx(-math.log(0.75))
    occurs = torch.tensor([[1.0, float("nan")], [0.0, 1.0]])
    many = torch.tensor([[0.0, 5.0], [0.0, math.log(3.0)]])
    expected = (math.log(2) + math.log(2) - math.log(0.75)) / 3
    assert float(landmark_attention_loss(many, occurs)) == pytest.approx(expected)
    values = value_attention_loss(torch.tensor([[0.5, 3.0]]), torch.tensor([[0.0, 0.0]]))
    assert float(values) == pytest.approx((0.125 + 2.5) / 2)


def test_nothing_known_is_no_loss() -> None:
    unknown = torch.full((2, 3), float("nan"))
    assert float(landmark_attention_loss(torch.randn(2, 3), unknown)) == 0.0


@pytest.mark.parametrize(
    ("norm", "expected"), [("l2", (5.0 + 1.0) / 2), ("squared", 26 / 2), ("mse", (25 / 4 + 1) / 2)]
)
def test_norms_of_the_maps_by_hand(norm: str, expected: float) -> None:
    predicted = torch.zeros(3, 1, 2, 2)
    wanted = torch.tensor([[[3.0, 4], [0, 0]], [[1, 7], [7, 7]], [[9, 9], [9, 9]]])
    weight = torch.tensor([[[1.0, 1], [1, 1]], [[1, 0], [0, 0]], [[0, 0], [0, 0]]])
    assert float(map_loss(predicted, wanted, weight, norm)) == pytest.approx(expected)


@pytest.mark.parametrize("norm", NORMS)
def test_gradients_of_the_maps_loss(norm: str) -> None:
    torch.manual_seed(0)
    predicted = torch.rand(2, 1, 3, 3, dtype=torch.float64, requires_grad=True)
    wanted, weight = torch.rand(2, 3, 3).double(), torch.ones(2, 3, 3).double()
    assert torch.autograd.gradcheck(lambda m: map_loss(m, wanted, weight, norm), predicted)
    at = wanted[:, None].clone().requires_grad_()
    map_loss(at, wanted, weight, norm).backward()
    assert at.grad is not None
    assert torch.isfinite(at.grad).all()
    assert at.grad.abs().max() == 0.0


def test_images_without_a_map_have_no_gradient() -> None:
    predicted = torch.rand(2, 1, 3, 3, requires_grad=True)
    weight = torch.stack([torch.ones(3, 3), torch.zeros(3, 3)])
    map_loss(predicted, torch.ones(2, 3, 3), weight, "l2").backward()
    assert predicted.grad is not None
    assert predicted.grad[0].abs().min() > 0
    assert predicted.grad[1].abs().max() == 0.0
    map_loss(predicted, torch.ones(2, 3, 3), torch.zeros(2, 3, 3), "l2").backward()


def terms(attention: float, perception: float, own: float) -> dict[str, torch.Tensor]:
    values = {"attention": attention, "perception": perception, "map": own}
    return {name: torch.tensor(value) for name, value in values.items()}


def test_gamma_makes_the_third_term_as_large_as_the_others() -> None:
    balance = Objective(("attention", "perception", "map"), None)
    one = balance.join(terms(2.0, 4.0, 12.0), torch.tensor(4.0), torch.tensor(1))
    assert float(one["gamma"]) == pytest.approx(3.0 / 12.0)
    assert float(one["total"]) == pytest.approx(9.0)
    balance.watch({name: float(value) for name, value in one.items()})
    two = balance.join(terms(1.0, 1.0, 6.0), torch.tensor(1.0), torch.tensor(1))
    assert float(two["gamma"]) == pytest.approx(3.0 / 12.0)
    balance.watch({name: float(value) for name, value in two.items()})
    others, own = 0.98 * 6.0 + 0.02 * 2.0, 0.98 * 12.0 + 0.02 * 6.0
    three = balance.join(terms(1.0, 1.0, 1.0), torch.tensor(1.0), torch.tensor(1))
    assert float(three["gamma"]) == pytest.approx(others / 2 / own)
    resumed = Objective(("attention", "perception", "map"), None)
    resumed.restore(balance.state())
    again = resumed.join(terms(1.0, 1.0, 1.0), torch.tensor(1.0), torch.tensor(1))
    assert float(again["total"]) == float(three["total"])


def test_steps_without_maps_leave_the_balance() -> None:
    balance = Objective(("attention", "perception", "map"), None)
    found = balance.join(terms(2.0, 4.0, 0.0), torch.tensor(4.0), torch.tensor(0))
    assert float(found["total"]) == 6.0
    balance.watch({name: float(value) for name, value in found.items()})
    assert balance.state() == {}


def test_a_fixed_gamma_and_single_losses() -> None:
    found = Objective(("attention", "map"), 0.5)
    total = found.join(terms(2.0, 4.0, 12.0), torch.tensor(4.0), torch.tensor(1))["total"]
    assert float(total) == 8.0
    alone = Objective(("map",), None)
    total = alone.join(terms(2.0, 4.0, 12.0), torch.tensor(4.0), torch.tensor(1))["total"]
    assert float(total) == 12.0
