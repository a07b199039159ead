"""A running average of the weights, which is what is validated and exported."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class WeightAverage:
    """Exponential moving average of parameters and buffers.

    Attributes:
        network: A copy with the averaged values, in evaluation mode.
    """

    def __init__(self, network: nn.Module, decay: float, ramp: bool = True) -> None:
        """Begin with the network as it is.

        Args:
            network: Its weights are copied.
            decay: Of the average.
            ramp: The decay grows up to its value, so that a random start is forgotten.
        """
        self.ramp = ramp
        self.network = copy.deepcopy(network).eval()
        self.network.requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after ``step`` (from 0).

        With a ramp the decay is (1 + step) / (10 + step) until that is its value.
        """
        decay = min(self.decay, (1.0 + step) / (10.0 + step)) if self.ramp else self.decay
        own, other = self.network.state_dict(), network.state_dict()
        floats = [name for name, value in own.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [own[name] for name in floats], [other[name] for name in floats], 1.0 - decay
        )
        for name, value in own.items():
            if not value.is_floating_point():
                value.copy_(other[name])
