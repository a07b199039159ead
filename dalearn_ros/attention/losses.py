"""The losses of the attention branch and of its map, L_att and L_map (A3, A7)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_EPSILON = 1e-6  # the gradient of a norm at zero is finite


def class_attention_loss(scores: Tensor, label: Tensor) -> Tensor:
    """Softmax cross entropy of scores (N, K) with the class (N,) int64."""
    return functional.cross_entropy(scores, label)


def landmark_attention_loss(scores: Tensor, occurs: Tensor) -> Tensor:
    """Sigmoid cross entropy of each class of landmarks, averaged over what is known.

    Args:
        scores: (N, K) before the sigmoid.
        occurs: (N, K) 1: the class occurs, 0: it does not, NaN: unknown.
    """
    known = torch.isfinite(occurs)
    each = functional.binary_cross_entropy_with_logits(
        scores, occurs.nan_to_num(), reduction="none"
    )
    return (each * known).sum() / known.sum().clamp(min=1)


def value_attention_loss(scores: Tensor, values: Tensor) -> Tensor:
    """Smooth L1 of values (N, K), which are of the size of 1."""
    return functional.smooth_l1_loss(scores, values)


def map_loss(predicted: Tensor, wanted: Tensor, weight: Tensor, norm: str) -> Tensor:
    """How far maps are from corrected ones: a norm per image, averaged over those that have one.

    Args:
        predicted: (N, 1, h, w) M.
        wanted: (N, h, w) M'; any value where there is none.
        weight: (N, h, w) 1 where there is an M', 0 where there is none; all 0 of an image without.
        norm: ``l2``: sqrt(sum (M' - M)^2 + 1e-12); ``squared``: sum (M' - M)^2; ``mse``: that over
            the number of cells.

    Returns:
        A number; 0, which depends on the map all the same, if no image has an M'.
    """
    cells = weight.sum(dim=(1, 2))
    has = (cells > 0).to(predicted.dtype)
    squares = ((wanted - predicted[:, 0]).square() * weight).sum(dim=(1, 2))
    if norm == "l2":
        each = torch.sqrt(squares + _EPSILON**2)
    elif norm == "squared":
        each = squares
    else:
        each = squares / cells.clamp(min=1.0)
    return (each * has).sum() / has.sum().clamp(min=1.0)
