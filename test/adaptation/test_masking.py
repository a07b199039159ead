"""What each role does to loss and gradient."""

import math

import pytest
import torch
from torch.nn import functional

from dalearn_ros.adaptation.masking import (
    centred,
    masked_max_loss,
    negative_loss,
    self_training_loss,
)
from dalearn_ros.adaptation.pseudo_labels import Role

LOGITS = torch.tensor([[-0.5, -0.9, -1.0]])
FIRST = torch.tensor([0])


def test_masking_without_centring_would_make_the_loss_fall():
    """The example of the method's text: 0.82 becomes 0.57."""
    plain = functional.cross_entropy(LOGITS, FIRST)
    uncentred = functional.cross_entropy(torch.tensor([[0.0, -0.9, -1.0]]), FIRST)
    assert float(plain) == pytest.approx(0.82, abs=0.005)
    assert float(uncentred) == pytest.approx(0.57, abs=0.005)


def test_masking_by_hand():
    """Centred: 0.3, -0.1, -0.2; masked: 0, -0.1, -0.2."""
    assert centred(LOGITS)[0].tolist() == pytest.approx([0.3, -0.1, -0.2])
    by_hand = math.log(1.0 + math.exp(-0.1) + math.exp(-0.2))
    assert float(masked_max_loss(LOGITS, FIRST, 0.0)[0]) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("shift", [-7.0, 0.0, 40.0])
def test_the_masked_loss_does_not_depend_on_a_shift_and_is_larger(shift):
    torch.manual_seed(0)
    logits = torch.randn(50, 6)
    label = logits.argmax(dim=1)
    masked = masked_max_loss(logits + shift, label, 0.0)
    assert torch.allclose(masked, masked_max_loss(logits, label, 0.0), atol=1e-4)
    assert bool((masked > functional.cross_entropy(logits, label, reduction="none")).all())


def _gradient(role):
    logits = LOGITS.clone().requires_grad_()
    self_training_loss(logits, FIRST, torch.tensor([int(role)])).backward()
    return logits.grad[0].tolist()


def test_masking_lowers_the_other_logits_and_so_favours_the_pseudo_class():
    others = [math.exp(-0.1), math.exp(-0.2)]
    total = 1.0 + sum(others)
    by_hand = [0.0, others[0] / total, others[1] / total]
    assert _gradient(Role.MASK_MAX) == pytest.approx(by_hand, rel=1e-5)
    moved = LOGITS - 0.1 * torch.tensor([_gradient(Role.MASK_MAX)])
    assert moved.softmax(1)[0, 0] > LOGITS.softmax(1)[0, 0]


def test_the_true_negative_makes_the_pseudo_class_less_probable():
    moved = LOGITS - 0.1 * torch.tensor([_gradient(Role.NEGATIVE)])
    assert moved.softmax(1)[0, 0] < LOGITS.softmax(1)[0, 0]
    p = float(LOGITS.softmax(1)[0, 0])
    assert float(negative_loss(LOGITS, FIRST)[0]) == pytest.approx(-math.log(1.0 - p), rel=1e-6)
    assert math.isfinite(float(negative_loss(torch.tensor([[80.0, 0.0]]), FIRST)[0]))


@pytest.mark.parametrize("role", [Role.MASK_ALL, Role.NEUTRAL])
def test_samples_without_gradient_do_not_dilute_the_mean(role):
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
    label = logits.argmax(1)
    roles = torch.tensor([int(Role.LABEL), int(role), int(role), int(Role.LABEL)])
    loss = self_training_loss(logits, label, roles)
    alone = functional.cross_entropy(logits[[0, 3]], label[[0, 3]])
    assert float(loss) == pytest.approx(float(alone))
    loss.backward()
    assert bool((logits.grad[[1, 2]] == 0).all())


def test_nothing_to_learn_from_is_a_loss_of_zero_with_a_gradient_of_zero():
    logits = torch.randn(2, 3).requires_grad_()
    loss = self_training_loss(logits, torch.zeros(2).long(), torch.zeros(2).long())
    loss.backward()
    assert float(loss) == 0.0
    assert bool((logits.grad == 0).all())
