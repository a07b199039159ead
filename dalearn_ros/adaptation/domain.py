"""The domain classifier D, the reversal of its gradient and its loss (U1, U2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from dalearn_ros.adaptation.settings import DomainSettings


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, features: Tensor, factor: float
    ) -> Tensor:
        ctx.factor = factor  # type: ignore[attr-defined]
        return features.view_as(features)

    @staticmethod
    def backward(  # type: ignore[override]
        ctx: torch.autograd.function.FunctionCtx, gradient: Tensor
    ) -> tuple[Tensor, None]:
        return -ctx.factor * gradient, None  # type: ignore[attr-defined]


def reverse_gradient(features: Tensor, factor: float) -> Tensor:
    """The same values; backwards the gradient is multiplied by ``-factor`` (Ganin 2015).

    Args:
        features: Any shape.
        factor: 0 lets nothing through.
    """
    reversed_: Tensor = _Reversal.apply(features, factor)  # type: ignore[no-untyped-call]
    return reversed_


def reversal_factor(progress: float, settings: DomainSettings) -> float:
    """Factor strength · (2 / (1 + exp(-ramp·progress)) - 1), from 0 to about ``strength``.

    Args:
        progress: 0 at the start of the schedule to 1 at its end.
        settings: Its ``strength`` and ``ramp``; a ramp of 0 gives the full strength at once.
    """
    if settings.ramp == 0.0:
        return settings.strength
    return settings.strength * (2.0 / (1.0 + math.exp(-settings.ramp * progress)) - 1.0)


class DomainClassifier(nn.Module):
    """Features of images or of subregions to one logit each: above 0 is the target domain."""

    def __init__(self, channels: int, settings: DomainSettings) -> None:
        """Build it with random weights.

        Args:
            channels: Of the features.
            settings: Width of the hidden layer, and what happens to the gradient.
        """
        super().__init__()
        self.settings = settings
        self.layers = nn.Sequential(
            nn.Linear(channels, settings.hidden), nn.ReLU(), nn.Linear(settings.hidden, 1)
        )

    def forward(self, features: Tensor, progress: float) -> Tensor:
        """(n, channels) features at a progress of 0 to 1; returns (n,) logits."""
        if self.settings.reversal:
            features = reverse_gradient(features, reversal_factor(progress, self.settings))
        logits: Tensor = self.layers(features)[:, 0]
        return logits


def domain_loss(logits: Tensor, is_target: Tensor) -> Tensor:
    """Cross entropy of D (U1), each domain with half of the weight.

    The halves make ln 2 the loss of a D that knows nothing, whatever the batch's shares.

    Args:
        logits: (n,) of :class:`DomainClassifier`.
        is_target: (n,) bool.

    Returns:
        A scalar; a domain without samples adds nothing.
    """
    each = functional.binary_cross_entropy_with_logits(
        logits, is_target.to(logits.dtype), reduction="none"
    )
    parts = [each[chosen].mean() for chosen in (~is_target, is_target) if bool(chosen.any())]
    return torch.stack(parts).mean() if parts else logits.sum() * 0.0
