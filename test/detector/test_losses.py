"""The loss against numbers by hand (D9 to D12, D21); equations of US 11,544,507 B2."""

import math

import numpy as np
import pytest
import torch

from dalearn_ros.core.settings import load_settings
from dalearn_ros.detector.losses import (
    LossSettings,
    class_loss,
    landmark_loss,
    localization_loss,
    point_distance,
)
from dalearn_ros.detector.network import Outputs

CENTRE = torch.zeros(1, 2)  # one node, in the middle of its cell


def _settings(**changes):
    selection = {"cells": "all", **changes.pop("selection", {})}
    plain = {"variance_weight": 0.0, "range_weight": 0.0, "selection": selection}
    return load_settings(LossSettings, None, {**plain, **changes})


def _outputs(logits, offset, log_range=0.0):
    """One image of 1 x n cells with K nodes; logits (n, K, 1+M), offset (n, K, 2) cells."""
    logits = torch.as_tensor(logits, dtype=torch.float32)
    offset = torch.as_tensor(offset, dtype=torch.float32)
    cells, nodes, _ = logits.shape
    return Outputs(
        logits.permute(1, 2, 0)[None, :, :, None],
        offset.permute(1, 2, 0)[None, :, :, None],
        torch.zeros(1, nodes, 2, 1, cells),
        torch.full((1, nodes, 1, cells), log_range),
    )


def _loss(outputs, class_id, points, settings, nodes=CENTRE, log_range=None):
    ids = torch.tensor(class_id)[None, None]
    points = torch.tensor(points, dtype=torch.float32)[None, None]
    ranges = torch.full(ids.shape, math.nan) if log_range is None else torch.tensor(log_range)
    return landmark_loss(outputs, ids, points, ranges.view(ids.shape), nodes, 8, settings)


def test_class_loss_by_hand():
    # Eq. 3: P = softmax(0, ln 3) = (1/4, 3/4); Eq. 2: -log P.
    logits = torch.tensor([[0.0, math.log(3.0)]] * 2)
    found = class_loss(logits, torch.tensor([1, 0]), _settings())
    assert found.tolist() == pytest.approx([-math.log(0.75), -math.log(0.25)], abs=1e-6)
    focal = class_loss(logits, torch.tensor([1, 0]), _settings(class_loss="focal", focal_gamma=2.0))
    expected = [-(0.25**2) * math.log(0.75), -(0.75**2) * math.log(0.25)]
    assert focal.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"beta": 1.0}, 0.5 * 0.5**2 + (2.0 - 0.5)),
        ({"beta": 0.25}, (0.5 - 0.125) + (2.0 - 0.125)),
        ({"beta": 4.0}, 0.5 * 0.25 / 4.0 + 0.5 * 4.0 / 4.0),
        ({"beta": 1.0, "unit": "px"}, (4.0 - 0.5) + (16.0 - 0.5)),
        ({"distance": "l2"}, 0.25 + 4.0),
        ({"distance": "l2", "unit": "px"}, 64.0 * 4.25),
    ],
)
def test_point_distance_by_hand(changes, expected):
    error = torch.tensor([[0.5, -2.0]])
    found = point_distance(error, _settings(**changes), cell_px=8)
    assert found.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "coupling, expected",
    [("none", 3.0), ("class_weighted", 0.2 * 3.0), ("squared_localization", 0.2 * 9.0)],
)
def test_couplings_by_hand(coupling, expected):
    # Eq. 5, Eq. 4 = 6, Eq. 7: the square of the sum over x and y, P^C not squared.
    found = localization_loss(torch.tensor(0.2), torch.tensor(3.0), _settings(coupling=coupling))
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("coupling, power", [("none", 1), ("class_weighted", 1),
                                             ("squared_localization", 2)])  # fmt: skip
@pytest.mark.parametrize("balance", [0.0, 1.0, 2.5])
def test_the_total_of_one_landmark_cell(coupling, power, balance):
    # P^C = 3/4; error (1, -2) cells with beta 0.5: 0.75 + 1.75 = 2.5.
    settings = _settings(coupling=coupling, balance=balance, beta=0.5)
    outputs = _outputs([[[0.0, math.log(3.0)]]], [[[1.5, -2.25]]])
    found = _loss(outputs, [1], [[0.5, -0.25]], settings)
    weight = 1.0 if coupling == "none" else 0.75
    assert found["class"].item() == pytest.approx(-math.log(0.75), abs=1e-6)
    assert found["localization"].item() == pytest.approx(weight * 2.5**power, rel=1e-6)
    assert found["localization_unweighted"].item() == pytest.approx(2.5, rel=1e-6)
    total = -math.log(0.75) + balance * weight * 2.5**power
    assert found["total"].item() == pytest.approx(total, rel=1e-6)
    convergence = -math.log(0.75) + balance * 2.5
    assert found["convergence"].item() == pytest.approx(convergence, rel=1e-6)


def test_the_weight_of_a_focal_loss_stays_the_softmax():
    settings = _settings(class_loss="focal", coupling="class_weighted", beta=0.5)
    found = _loss(_outputs([[[0.0, math.log(3.0)]]], [[[1.0, -2.0]]]), [1], [[0, 0]], settings)
    assert found["localization"].item() == pytest.approx(0.75 * 2.5, rel=1e-6)


def test_background_has_no_localization_loss():
    offset = torch.full((1, 1, 2), 7.0, requires_grad=True)
    found = _loss(_outputs([[[0.0, 1.0]]], offset), [0], [[0.0, 0.0]], _settings(balance=100.0))
    assert found["localization"].item() == 0.0
    assert found["total"].item() == pytest.approx(math.log(1 + math.e), rel=1e-6)
    found["total"].backward()
    assert offset.grad is not None
    assert not offset.grad.any()


def test_ignored_cells_are_nowhere():
    logits = [[[0.0, math.log(3.0)]], [[50.0, -50.0]]]
    offset = [[[0.0, 0.0]], [[9.0, 9.0]]]
    one = _loss(_outputs(logits[:1], offset[:1]), [1], [[0.0, 0.0]], _settings())
    both = _loss(_outputs(logits, offset), [1, -1], [[0.0, 0.0]] * 2, _settings())
    assert both["total"].item() == one["total"].item()


def test_every_anchor_points_from_its_own_node():
    nodes = torch.tensor([[0.0, 0.0], [0.25, -0.25]])
    point = torch.tensor([1.0, 2.0])
    right = (point - nodes)[None]
    found = _loss(_outputs(torch.zeros(1, 2, 2), right), [1], [[1.0, 2.0]], _settings(), nodes)
    assert found["localization"].item() == 0.0
    found = _loss(
        _outputs(torch.zeros(1, 2, 2), right + torch.tensor([[[0.0, 0.0], [1.0, 0.0]]])),
        [1], [[1.0, 2.0]], _settings(beta=0.5, coupling="none"), nodes,
    )  # fmt: skip
    assert found["localization"].item() == pytest.approx(0.75)  # only the second anchor


@pytest.mark.parametrize(
    "reduction, cells_class, cells_location",
    [("sum", 1, 1), ("mean", 4, 1), ("landmark_mean", 1, 1)],
)
def test_reductions_with_one_landmark_cell_of_four(reduction, cells_class, cells_location):
    # Two anchors a cell; class loss ln 2 an anchor; distance 0.75 an anchor of the landmark's.
    nodes = torch.zeros(2, 2)
    offset = torch.tensor([1.0, 0.0]).expand(4, 2, 2)
    settings = _settings(reduction=reduction, coupling="class_weighted", beta=0.5)
    found = _loss(_outputs(torch.zeros(4, 2, 2), offset), [1, 0, 0, 0], [[0.0, 0.0]] * 4, settings,
                  nodes)  # fmt: skip
    assert found["class"].item() == pytest.approx(8 * math.log(2) / cells_class, rel=1e-6)
    assert found["localization"].item() == pytest.approx(2 * 0.5 * 0.75 / cells_location, rel=1e-6)


@pytest.mark.parametrize(
    "reduction, cells_class, cells_location",
    [("sum", 1, 1), ("mean", 4, 2), ("landmark_mean", 2, 2)],
)
def test_each_term_is_divided_by_its_own_count(reduction, cells_class, cells_location):
    offset = torch.tensor([1.0, 0.0]).expand(4, 1, 2)
    settings = _settings(reduction=reduction, coupling="none", beta=0.5)
    found = _loss(_outputs(torch.zeros(4, 1, 2), offset), [1, 2 - 1, 0, 0], [[0.0, 0.0]] * 4,
                  settings)  # fmt: skip
    assert found["class"].item() == pytest.approx(4 * math.log(2) / cells_class, rel=1e-6)
    assert found["localization"].item() == pytest.approx(2 * 0.75 / cells_location, rel=1e-6)


def test_variance_and_range_by_hand():
    # 0.5 * (e² / 1 + 0) summed over x, y = 0.5 * (1 + 4); |log range| off by 0.7, one unknown.
    settings = _settings(variance_weight=1.0, range_weight=1.0, reduction="sum")
    outputs = _outputs(torch.zeros(2, 1, 2), [[[1.0, -2.0]], [[0.0, 0.0]]], log_range=3.0)
    found = _loss(outputs, [1, 1], [[0.0, 0.0]] * 2, settings, log_range=[2.3, math.nan])
    assert found["variance"].item() == pytest.approx(2.5)
    assert found["range"].item() == pytest.approx(0.7, rel=1e-5)
    parts = found["class"] + found["localization"] + found["variance"] + found["range"]
    assert found["total"].item() == pytest.approx(parts.item(), rel=1e-6)


def _gradient(logits, error_cells, weight_gradient, balance, coupling="class_weighted"):
    """(gradient of the logits, P^C, distance) of one anchor whose true class is 2."""
    values = torch.tensor(logits, dtype=torch.float32, requires_grad=True)
    settings = _settings(
        weight_gradient=weight_gradient, balance=balance, coupling=coupling, beta=0.25,
        reduction="sum",
    )  # fmt: skip
    found = _loss(_outputs(values[None, None], [[[error_cells, 0.0]]]), [2], [[0.0, 0.0]], settings)
    found["total"].backward()
    assert values.grad is not None
    probability = torch.softmax(values.detach(), 0)[2].item()
    return values.grad.numpy(), probability, found["localization_unweighted"].item()


@pytest.mark.parametrize("error_cells", [0.0, 0.1, 1.0, 5.0, 40.0])
@pytest.mark.parametrize("balance", [0.5, 1.0, 3.0])
def test_the_gradient_through_the_weight(error_cells, balance):
    # D11: for one anchor dL/dp_C = -(1 - P)(1 - λ P ℓ), and -(1 - P) with a detached weight.
    logits = [0.3, -0.2, 0.9]
    through, p, distance = _gradient(logits, error_cells, True, balance)
    formula = -(1 - p) * (1 - balance * p * distance)
    assert through[2] == pytest.approx(formula, rel=1e-4, abs=1e-6)
    detached, p, _ = _gradient(logits, error_cells, False, balance)
    assert detached[2] == pytest.approx(-(1 - p), rel=1e-5)
    assert np.sum(through) == pytest.approx(0.0, abs=1e-4)


def test_the_sign_flips_when_the_localization_outweighs():
    logits = [0.0, 0.0, 0.0]  # P = 1/3: it flips at ℓ = 3, error 3.125 cells with beta 0.25
    below, p, distance = _gradient(logits, 3.0, True, 1.0)
    assert p * distance < 1
    assert below[2] < 0  # descending lifts the true class
    above, p, distance = _gradient(logits, 3.3, True, 1.0)
    assert p * distance > 1
    assert above[2] > 0  # descending pushes it down
    detached, _, _ = _gradient(logits, 3.3, False, 1.0)
    assert detached[2] < 0


def test_the_defaults_cannot_push_the_true_class_down():
    settings = LossSettings()
    assert settings.weight_gradient is False
    assert (settings.coupling, settings.unit) == ("class_weighted", "cell")


def test_no_gradient_of_the_variance_reaches_the_point():
    offset = torch.ones(1, 1, 2, requires_grad=True)
    settings = _settings(variance_weight=1.0, balance=0.0)
    _loss(_outputs(torch.zeros(1, 1, 2), offset), [1], [[0.0, 0.0]], settings)["total"].backward()
    assert offset.grad is not None
    assert not offset.grad.any()


def test_an_image_without_any_chosen_cell_has_loss_zero():
    settings = _settings(selection={"cells": "landmark"})
    logits = torch.zeros(2, 1, 3, requires_grad=True)
    found = _loss(_outputs(logits, torch.zeros(2, 1, 2)), [0, -1], [[0.0, 0.0]] * 2, settings)
    found["total"].backward()
    assert found["total"].item() == 0.0
