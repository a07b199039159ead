"""Which subregions and which of their anchors a training step learns from (D13, D14)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dalearn_ros.core.settings import field
from dalearn_ros.detector.targets import IGNORE


@dataclass(frozen=True)
class SelectionSettings:
    """Subregions and anchors by name."""

    cells: str = field(
        "landmark+background",
        "Which subregions are learnt from (D13).",
        choices=("all", "landmark", "landmark+background"),
    )
    background: str = field(
        "hardest",
        "Which background ones: those it errs on most, or any.",
        choices=("hardest", "random"),
    )
    background_ratio: float = field(
        3.0, "Background subregions per landmark subregion.", minimum=0.0, maximum=1000.0
    )
    background_floor: int = field(
        32, "At least so many background subregions per image.", minimum=0, maximum=100000
    )
    anchors: str = field(
        "all", "Which anchors of a selected subregion (D14).", choices=("all", "best", "top")
    )
    top_anchors: int = field(3, "How many for 'top'.", minimum=1, maximum=9)
    anchor_threshold: float = field(
        0.0,
        "Anchors of less confidence are not used; the best one always is.",
        minimum=0.0,
        maximum=1.0,
    )


def select_cells(class_id: Tensor, hardness: Tensor, settings: SelectionSettings) -> Tensor:
    """The subregions that a step learns from (D13).

    Args:
        class_id: (N, h, w) targets; -1 ignored, 0 background.
        hardness: (N, h, w) class loss of each subregion, no gradient.
        settings: Names and numbers.

    Returns:
        (N, h, w) bool.
    """
    landmark, background = class_id > 0, class_id == 0
    if settings.cells == "all":
        return class_id != IGNORE
    if settings.cells == "landmark":
        return landmark
    order = torch.rand_like(hardness) if settings.background == "random" else hardness
    order = torch.where(background, order, torch.full_like(order, -1.0)).flatten(1)
    ranks = order.argsort(dim=1, descending=True).argsort(dim=1)
    wanted = (landmark.flatten(1).sum(1) * settings.background_ratio).clamp(
        min=settings.background_floor
    )
    chosen = (ranks < wanted[:, None]).view_as(background) & background
    return landmark | chosen


def select_anchors(confidence: Tensor, settings: SelectionSettings) -> Tensor:
    """The anchors of selected subregions that a step learns from (D14).

    Args:
        confidence: (n, K) largest landmark probability of each anchor, no gradient.
        settings: Names and numbers.

    Returns:
        (n, K) bool; the best anchor of each row is always in.
    """
    rank = confidence.argsort(dim=1, descending=True).argsort(dim=1)
    best = rank == 0
    count = {"all": confidence.shape[1], "best": 1, "top": settings.top_anchors}[settings.anchors]
    return ((rank < count) & (confidence >= settings.anchor_threshold)) | best
