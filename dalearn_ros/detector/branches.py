"""A 3x3 convolution with a 1x1 and an identity branch while it learns, and one 3x3 afterwards.

The form of RepVGG (Ding et al., CVPR 2021): all branches are linear up to their sum, so that
their kernels, each with its batch normalisation, add up to one kernel and one bias.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Branches(nn.Module):
    """What learns beside the 3x3 convolution of a block; adds nothing before any learning.

    Both branches end in a normalisation that starts at zero, so that a block with branches says
    what the block alone says, and weights learnt without branches can be gone on with.
    """

    def __init__(self, block: nn.Sequential) -> None:
        """Branches for one block.

        Args:
            block: Convolution 3x3 without bias, batch normalisation, ReLU.
        """
        super().__init__()
        conv = block[0]
        assert isinstance(conv, nn.Conv2d)
        inputs, outputs = conv.in_channels, conv.out_channels
        self._step = conv.stride[0]
        self.point = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.point_norm = nn.BatchNorm2d(outputs)
        nn.init.zeros_(self.point_norm.weight)
        self.same_norm: nn.BatchNorm2d | None = None
        if inputs == outputs and conv.stride == (1, 1):
            self.same_norm = nn.BatchNorm2d(outputs)
            nn.init.zeros_(self.same_norm.weight)

    def forward(self, image: Tensor, block: nn.Sequential) -> Tensor:
        """(N, inputs, H, W) to (N, outputs, H/s, W/s): the block with its branches."""
        # Every second pixel taken beforehand: the backward pass of a 1x1 convolution with stride 2
        # and three channels writes beyond its memory in torch 2.15's oneDNN.
        seen = image[:, :, :: self._step, :: self._step]
        total = block[1](block[0](image)) + self.point_norm(self.point(seen))
        if self.same_norm is not None:
            total = total + self.same_norm(image)
        return nn.functional.relu(total)


def merge(block: nn.Sequential, branches: Branches) -> nn.Sequential:
    """The block that says in one convolution what block and branches say in evaluation.

    Args:
        block: Convolution 3x3 without bias, batch normalisation, ReLU.
        branches: Its branches.

    Returns:
        Convolution 3x3 with bias and ReLU.
    """
    conv = block[0]
    assert isinstance(conv, nn.Conv2d)
    kernel, bias = _folded(conv.weight, block[1])
    more, shift = _folded(branches.point.weight, branches.point_norm)
    kernel[:, :, 1:2, 1:2] += more
    bias += shift
    if branches.same_norm is not None:
        same = torch.eye(conv.out_channels, device=bias.device)[:, :, None, None]
        more, shift = _folded(same, branches.same_norm)
        kernel[:, :, 1:2, 1:2] += more
        bias += shift
    whole = nn.Conv2d(conv.in_channels, conv.out_channels, 3, conv.stride, 1)  # type: ignore[arg-type]
    whole = whole.to(bias.device)
    with torch.no_grad():
        whole.weight.copy_(kernel)
        whole.bias.copy_(bias)  # type: ignore[union-attr]
    return nn.Sequential(whole, nn.ReLU(inplace=True)).train(block.training)


def _folded(weight: Tensor, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Kernel and bias (float64) of a convolution without bias followed by a normalisation."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None and norm.running_var is not None
    gain = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    kernel = weight.detach().double() * gain[:, None, None, None]
    return kernel, norm.bias.detach().double() - norm.running_mean.double() * gain
