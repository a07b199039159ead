"""Class activation maps: where a network without an attention branch looks (A8, A12).

They are Grad-CAM: features weighted by the mean gradient of the answer's score, what is negative
left out, the largest cell 1. They can be learnt from; no answer depends on them, so there is
nothing to edit while the network is in use.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from dalearn_ros.attention.network import AttentionNetwork, Recognition
from dalearn_ros.detector.network import Outputs

Score = Callable[[Any], Tensor]
_LEAST = 1e-6


def landmark_score(outputs: Outputs) -> Tensor:
    """(N,) how much a detector is for landmarks, where it sees them.

    The log odds of a landmark at each anchor, weighted by its probability, which is held fixed.
    """
    logits = outputs.class_logits
    odds = logits[:, :, 1:].logsumexp(dim=2) - logits[:, :, 0]
    weighted: Tensor = (torch.sigmoid(odds).detach() * odds).flatten(1).sum(dim=1)
    return weighted


def class_score(logits: Tensor) -> Tensor:
    """(N,) the logit of the class that a classifier names, of (N, K)."""
    return logits.amax(dim=1)


def value_score(values: Tensor) -> Tensor:
    """(N,) the sum of a regressor's values (N, K)."""
    return values.sum(dim=1)


def activation_map(features: Tensor, score: Tensor) -> Tensor:
    """The class activation map of features.

    Args:
        features: (N, c, h, w), that ``score`` was computed from, with gradients.
        score: (N,).

    Returns:
        (N, 1, h, w) 0 to 1, which depends on the weights and can be learnt; its largest cell is 1,
        or all are 0 where no feature speaks for the answer.
    """
    (gradient,) = torch.autograd.grad(score.sum(), features, create_graph=True)
    weight = gradient.mean(dim=(2, 3), keepdim=True)
    seen = torch.relu((weight * features).sum(dim=1, keepdim=True))
    return seen / seen.amax(dim=(2, 3), keepdim=True).clamp(min=_LEAST)


class Cam:
    """A pass through a network without a branch, with its class activation map."""

    def __init__(self, shell: AttentionNetwork, score: Score) -> None:
        """Prepare it.

        Args:
            shell: A network that holds the one without a branch; its own branch is not used.
            score: Answer to (N,) what the map explains.
        """
        self._shell, self._score = shell, score

    def recognise(self, network: nn.Module, image: Tensor) -> Recognition:
        """Map and answer; ``scores`` is (N, 0), as there is no branch.

        Args:
            network: Not looked at: the shell holds it, and computes with 32 bits.
            image: As the network takes it.
        """
        return self.of(self._shell.extract(image))

    def answer(self, network: nn.Module, image: Tensor) -> Recognition:
        """As :meth:`recognise` without the map, which is (N, 1, 1, 1) of zeros.

        Args:
            network: The one without a branch, as it computes (with 16 bits, if it does).
            image: As the network takes it.
        """
        nothing = image.new_zeros(len(image), 1, 1, 1)
        return Recognition(nothing, nothing[:, :0, 0, 0], network(image))

    def of(self, features: Tensor) -> Recognition:
        """Map and answer of features (N, c, h, w)."""
        if not features.requires_grad:
            features = features.clone().requires_grad_()
        answer = self._shell.perceive(features)
        attention = activation_map(features, self._score(answer))
        return Recognition(attention, features.new_zeros(len(features), 0), answer)
