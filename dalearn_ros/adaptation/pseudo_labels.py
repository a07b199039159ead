"""Scores to pseudo labels: thresholds and caps (U6, U7, U9, U19).

A sample is whatever is classified: a whole image, or a landmark that the detector decoded.
"""

from __future__ import annotations

import math
from enum import IntEnum

import torch
from torch import Tensor

from dalearn_ros.adaptation.settings import PseudoLabelSettings


class Role(IntEnum):
    """What a target sample is used for."""

    NEUTRAL = 0  # no loss: below the threshold, or removed by a cap
    LABEL = 1  # cross entropy with its pseudo label
    MASK_MAX = 2  # cross entropy with its pseudo label after masking that logit
    MASK_ALL = 3  # a constant loss, no gradient
    NEGATIVE = 4  # -log(1 - p) of its pseudo label


_BELOW = {
    "ignore": Role.NEUTRAL,
    "argmax": Role.LABEL,
    "mask_max": Role.MASK_MAX,
    "mask_all": Role.MASK_ALL,
    "negative": Role.NEGATIVE,
}


def choose_roles(score: Tensor, settings: PseudoLabelSettings) -> Tensor:
    """Roles by thresholds alone; a score equal to a threshold reaches it.

    Args:
        score: (n,) largest softmax values.
        settings: Thresholds, and what happens below.

    Returns:
        (n,) int64 of :class:`Role`.
    """
    role = torch.full_like(score, int(Role.LABEL), dtype=torch.int64)
    below = score < settings.threshold
    if settings.below == "two_thresholds":
        assert settings.low_threshold is not None  # see settings.check_adaptation
        low = score < settings.low_threshold
        role[below & ~low] = int(Role.MASK_ALL)
        role[low] = int(Role.MASK_MAX)
    else:
        role[below] = int(_BELOW[settings.below])
    return role


def apply_caps(
    score: Tensor, label: Tensor, role: Tensor, total: int, settings: PseudoLabelSettings
) -> Tensor:
    """Make the worst pseudo labels of too many neutral (U9).

    Args:
        score: (n,) of the samples.
        label: (n,) their classes.
        role: (n,) of :func:`choose_roles`.
        total: Target samples of the batch, of which a share may be labelled.
        settings: The caps.

    Returns:
        (n,) roles; equal scores in the order of the samples.
    """
    capped = role.clone()
    counts = torch.bincount(label[role == Role.LABEL])
    present = counts.nonzero()[:, 0].tolist()
    limit = math.inf if settings.class_cap is None else settings.class_cap
    if settings.balance == "equal" and present:
        limit = min(limit, int(counts[present].min()))
    if math.isfinite(limit):
        for class_id in present:
            _keep_best(score, capped, (role == Role.LABEL) & (label == class_id), int(limit))
    if settings.total_share is not None:
        most = max(0, math.ceil(settings.total_share * total) - 1)  # strictly below the share
        _keep_best(score, capped, capped == Role.LABEL, most)
    return capped


def _keep_best(score: Tensor, role: Tensor, among: Tensor, most: int) -> None:
    """All but the ``most`` best of some samples become neutral, in place."""
    rows = among.nonzero()[:, 0]
    order = score[rows].argsort(descending=True, stable=True)
    role[rows[order[most:]]] = int(Role.NEUTRAL)
