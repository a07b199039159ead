"""Gradient reversal and the domain loss."""

import math

import pytest
import torch

from dalearn_ros.adaptation.domain import (
    DomainClassifier,
    domain_loss,
    reversal_factor,
    reverse_gradient,
)
from dalearn_ros.adaptation.settings import DomainSettings


def test_reversal_keeps_values_and_turns_the_gradient():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = reverse_gradient(x, 0.3)
    assert torch.equal(y, x)
    (3.0 * y).sum().backward()
    assert x.grad.tolist() == pytest.approx([-0.9, -0.9])


def test_factor_of_the_reversal_by_hand():
    settings = DomainSettings(strength=2.0, ramp=10.0)
    assert reversal_factor(0.0, settings) == 0.0
    assert reversal_factor(0.1, settings) == pytest.approx(2.0 * (2 / (1 + math.exp(-1)) - 1))
    assert reversal_factor(1.0, settings) == pytest.approx(2.0, rel=1e-3)
    assert reversal_factor(0.0, DomainSettings(strength=2.0, ramp=0.0)) == 2.0


def test_domain_loss_weighs_both_domains_alike():
    target = torch.tensor([True, False, False, False])
    assert float(domain_loss(torch.zeros(4), target)) == pytest.approx(math.log(2.0))
    logits = torch.tensor([2.0, -1.0, -1.0, -1.0])
    by_hand = 0.5 * (math.log1p(math.exp(-2.0)) + math.log1p(math.exp(-1.0)))
    assert float(domain_loss(logits, target)) == pytest.approx(by_hand)
    assert float(domain_loss(torch.tensor([2.0]), torch.tensor([True]))) == pytest.approx(
        math.log1p(math.exp(-2.0))
    )


@pytest.mark.parametrize("reversal", [True, False])
def test_features_get_the_gradient_that_the_setting_says(reversal):
    """With reversal D learns to tell the domains apart, and the features to be alike."""
    torch.manual_seed(0)
    settings = DomainSettings(reversal=reversal, ramp=0.0, strength=1.0, hidden=8)
    classifier = DomainClassifier(3, settings)
    features = torch.randn(6, 3, requires_grad=True)
    target = torch.arange(6) >= 3
    before = domain_loss(classifier(features, 1.0), target)
    before.backward()
    with torch.no_grad():
        moved = domain_loss(classifier(features - 0.1 * features.grad, 1.0), target)
        for parameter in classifier.parameters():
            parameter -= 0.01 * parameter.grad
        learnt = domain_loss(classifier(features, 1.0), target)
    assert (moved.item() > before.item()) is reversal
    assert learnt.item() < before.item()
