"""What both models are taught by: differences of logarithms, and how uncertain they are.

The distillation step does not know what is predicted (S12): it compares two sets of numbers, each
with the logarithm of its variance.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from dalearn_ros.depth.local import DepthOutputs
from dalearn_ros.depth.settings import WeightSettings


def value_loss(
    said: DepthOutputs, target: Tensor, weight: Tensor, variance: Tensor | float = 0.0
) -> tuple[Tensor, Tensor]:
    """Absolute error, and the variance by the Gaussian likelihood of that error.

    The likelihood (Kendall and Gal 2017, without a gradient into the value) is
    (e² + v) exp(-s) / 2 + s / 2 with the log variance s and the variance v of the target itself.

    Args:
        said: Predictions, any shape.
        target: The same shape.
        weight: The same shape, 0 where there is no target.
        variance: Of the targets, the same shape or one number.

    Returns:
        Both means over the weights; 0 where all weights are 0.
    """
    total = weight.sum().clamp_min(1e-6)
    error = (said.log_depth - target).abs()
    square = error.detach() ** 2 + variance
    likelihood = 0.5 * (square * torch.exp(-said.log_variance) + said.log_variance)
    return (weight * error).sum() / total, (weight * likelihood).sum() / total


def distillation_loss(
    said: DepthOutputs, taught: DepthOutputs, counts: Tensor, settings: WeightSettings
) -> tuple[Tensor, Tensor]:
    """The difference to a teacher, each prediction weighted by how certain the teacher is (S7).

    Args:
        said: The global model's, any shape.
        taught: The local model's at the same places; no gradient flows into it (S14).
        counts: 1 where a patch was cut, 0 elsewhere (S13).
        settings: Whether and how to weigh.

    Returns:
        As :func:`value_loss`.
    """
    target, variance = taught.log_depth.detach(), torch.exp(taught.log_variance.detach())
    weight = counts
    if settings.uncertainty:
        square = settings.sigma**2
        weight = weight * square / (square + variance)
    return value_loss(said, target, weight, variance)


def at_cells(said: DepthOutputs, cells: Tensor) -> DepthOutputs:
    """Predictions (N, h, w) at cells (N, K), numbered row by row: (N, K)."""
    return DepthOutputs(*(value.flatten(1).gather(1, cells) for value in said))


def at_places(said: DepthOutputs, places: Tensor, stride: int) -> DepthOutputs:
    """Predictions (N, h, w) at pixels of the input (N, K, 2), bilinear: (N, K).

    Outside of the outermost cells' centres the nearest ones count.
    """
    stacked = torch.stack([said.log_depth, said.log_variance], dim=1)
    rows, columns = stacked.shape[-2:]
    size = torch.tensor([columns, rows], device=places.device, dtype=places.dtype) * stride
    grid = (2.0 * (places + 0.5) / size - 1.0)[:, None].to(stacked.dtype)
    found = functional.grid_sample(
        stacked, grid, mode="bilinear", padding_mode="border", align_corners=False
    )
    return DepthOutputs(found[:, 0, 0], found[:, 1, 0])
