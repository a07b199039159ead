"""The attention branch and how its map meets the features (A1, A2)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.detector.backbone import conv_bn_relu


class BranchOutputs(NamedTuple):
    """What the attention branch says.

    Attributes:
        attention: (N, 1, h, w) the map M, 0 to 1.
        scores: (N, K) its own recognition before softmax or sigmoid; of a regression its values.
    """

    attention: Tensor
    scores: Tensor


class SeparableResidual(nn.Module):
    """x + BN(1x1(ReLU(BN(3x3 by channel)))), which is x before any learning; (N, C, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.wide = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        )
        self.mix = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        """One block on top."""
        found: Tensor = features + self.norm(self.mix(self.wide(features)))
        return found


class AttentionBranch(nn.Module):
    """Features to the attention map and the branch's own recognition; stride 1 throughout.

    No layer before the map joins places, so that each cell of it speaks of its own surroundings.
    """

    def __init__(self, channels: int, outputs: int, settings: BranchSettings) -> None:
        """Build it with random weights.

        Args:
            channels: Of the features.
            outputs: K, classes or values.
            settings: Its make; see :class:`BranchSettings`.
        """
        super().__init__()
        make = SeparableResidual if settings.blocks == "residual" else _plain
        self.blocks = nn.Sequential(*(make(channels) for _ in range(settings.depth)))
        self.responses = nn.Conv2d(channels, outputs, 1)
        self.scores = nn.Conv2d(outputs, outputs, 1)
        self.place = nn.Conv2d(outputs, 1, 1)
        start = math.log(settings.start / (1.0 - settings.start))
        if settings.fixed_place:
            nn.init.ones_(self.place.weight)
            nn.init.zeros_(self.place.bias)  # type: ignore[arg-type]
            self.place.requires_grad_(False)
            nn.init.constant_(self.responses.bias, start / outputs)  # type: ignore[arg-type]
        else:
            nn.init.constant_(self.place.bias, start)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> BranchOutputs:
        """(N, channels, h, w) to the map and the scores."""
        responses = self.responses(self.blocks(features))
        attention = torch.sigmoid(self.place(responses))
        return BranchOutputs(attention, self.scores(responses).mean(dim=(2, 3)))


def synthesise(features: Tensor, attention: Tensor, synthesis: str) -> Tensor:
    """Features after the synthesis, g', of features g and map M (A1).

    Args:
        features: (N, c, h, w).
        attention: (N, 1, h, w), 0 to 1.
        synthesis: ``multiply``: M g; ``add``: M + g; ``residual``: (1 + M) g.

    Returns:
        (N, c, h, w).
    """
    if synthesis == "multiply":
        return features * attention
    if synthesis == "add":
        return features + attention
    return features * (1.0 + attention)


def can_suppress(synthesis: str) -> bool:
    """Whether erasing the map takes features away; with M + g and (1 + M) g it leaves them (A5)."""
    return synthesis == "multiply"


def _plain(channels: int) -> nn.Module:
    return conv_bn_relu(channels, channels)
