"""Feature extractors with outputs at strides 8, 16 and 32, or at 4 too (D8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dalearn_ros.core.errors import ModelError, SettingsError
from dalearn_ros.detector.branches import Branches, merge

PLAIN = "plain"
STRIDES = (8, 16, 32)
FINE_STRIDES = (4, *STRIDES)


def conv_bn_relu(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    """Convolution, batch normalisation and ReLU; (N, inputs, H, W) to (N, outputs, H/s, W/s)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Backbone(nn.Module):
    """A chain of blocks that hands out its last features at some strides.

    Attributes:
        channels: Channels of the feature maps, finest first.
        branches: One for each block that learns with branches; none or as many as blocks.
    """

    def __init__(
        self,
        blocks: Iterable[nn.Module],
        inputs: int,
        strides: Sequence[int] = STRIDES,
        branched: bool = False,
    ) -> None:
        """A chain.

        Args:
            blocks: One after the other.
            inputs: Channels of the image.
            strides: Where to hand out features, rising.
            branched: Learn with branches; the blocks are then convolution, normalisation, ReLU.

        Raises:
            SettingsError: There are no features at one of the strides.
        """
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.branches = nn.ModuleList(
            Branches(block)  # type: ignore[arg-type]
            for block in (self.blocks if branched else ())
        )
        self._taps, self.channels = _find_taps(self.blocks, inputs, strides)

    def forward(self, image: Tensor) -> list[Tensor]:
        """(N, C, H, W), sides multiples of 32, to the features at the strides, finest first."""
        found = []
        for index, block in enumerate(self.blocks):
            image = self.branches[index](image, block) if self.branches else block(image)
            if index in self._taps:
                found.append(image)
            if index == self._taps[-1]:
                break
        return found

    def merge_branches(self) -> None:
        """Make each block and its branches one convolution; the answers in evaluation stay."""
        if self.branches:
            pairs = zip(self.blocks, self.branches, strict=True)
            self.blocks = nn.ModuleList(merge(*pair) for pair in pairs)  # type: ignore[arg-type]
            self.branches = nn.ModuleList()


def plain_blocks(inputs: int, widths: Sequence[int], depths: Sequence[int]) -> list[nn.Module]:
    """3x3 convolutions with batch normalisation and ReLU, each stage at half the size before.

    Args:
        inputs: Channels of the image.
        widths: Channels of the five stages (strides 2, 4, 8, 16, 32).
        depths: Convolutions of each stage.
    """
    blocks: list[nn.Module] = []
    for width, depth in zip(widths, depths, strict=True):
        blocks.append(conv_bn_relu(inputs, width, stride=2))
        blocks += [conv_bn_relu(width, width) for _ in range(depth - 1)]
        inputs = width
    return blocks


def build_backbone(
    name: str,
    inputs: int,
    widths: Sequence[int],
    depths: Sequence[int],
    weights: Path | None,
    strides: Sequence[int] = STRIDES,
    branched: bool = False,
) -> Backbone:
    """A backbone by name.

    Args:
        name: ``plain``, or the name of a torchvision classification network.
        inputs: Channels of the image, 1 or 3.
        widths: Stages of ``plain``.
        depths: Stages of ``plain``.
        weights: A safetensors file with the torchvision network's weights, or None.
        strides: Where it hands out features.
        branched: Let ``plain`` learn with branches.

    Raises:
        SettingsError: torchvision has no such network, it has no features at one of the strides,
            or it is to learn with branches.
        ModelError: The weights cannot be read or do not fit.
    """
    if name == PLAIN:
        if weights is not None:
            raise SettingsError(f"{weights}: 'plain' takes no backbone weights; use --init.")
        return Backbone(plain_blocks(inputs, widths, depths), inputs, strides, branched)
    if branched:
        place = "key 'network.branches'"
        raise SettingsError.at("settings", place, "false with a torchvision backbone", "true")
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        expected = f"plain or a torchvision network ({', '.join(known)})"
        raise SettingsError.at("settings", "key 'network.backbone'", expected, f"'{name}'")
    network = torchvision.models.get_model(name, weights=None)
    if weights is not None:
        _load(network, weights)
    blocks = _trunk(network)
    if inputs != 3:
        _change_inputs(blocks, inputs)
    return Backbone(blocks, inputs, strides)


def _load(network: nn.Module, weights: Path) -> None:
    try:
        network.load_state_dict(load_file(str(weights)))
    except (OSError, SafetensorError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"{weights}: are no weights for this backbone ({first}).") from None


def _trunk(network: nn.Module) -> list[nn.Module]:
    """The chain of blocks before pooling and classifier."""
    blocks: list[nn.Module] = []
    for child in network.children():
        if isinstance(child, (nn.AdaptiveAvgPool2d, nn.Linear, nn.Dropout)):
            break
        if isinstance(child, nn.Sequential):
            blocks += list(child.children())
        else:
            blocks.append(child)
    while blocks and isinstance(blocks[-1], (nn.Linear, nn.Dropout)):
        blocks.pop()
    return blocks


def _change_inputs(blocks: list[nn.Module], inputs: int) -> None:
    """Let the first convolution take another number of channels: the mean of its weights."""
    for module in nn.ModuleList(blocks).modules():
        if isinstance(module, nn.Conv2d):
            mean = module.weight.data.mean(1, keepdim=True)
            module.weight = nn.Parameter(
                (mean * module.in_channels / inputs).repeat(1, inputs, 1, 1)
            )
            module.in_channels = inputs
            return


def _find_taps(
    blocks: nn.ModuleList, inputs: int, strides: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Index and channels of the last block at each stride, found by running a small image."""
    size = 64
    image = torch.zeros(1, inputs, size, size)
    last: dict[int, tuple[int, int]] = {}
    training = blocks.training
    blocks.eval()
    with torch.no_grad():
        for index, block in enumerate(blocks):
            try:
                image = block(image)
            except (RuntimeError, TypeError, ValueError, AssertionError):
                break
            if not isinstance(image, Tensor) or image.ndim != 4:
                break
            last[size // image.shape[-1]] = (index, image.shape[1])
    blocks.train(training)
    missing = [stride for stride in strides if stride not in last]
    if missing:
        raise SettingsError(
            f"settings, key 'network.backbone': has no features at stride {missing[0]}; "
            "take a convolutional network such as mobilenet_v3_small or resnet18."
        )
    return [last[s][0] for s in strides], [last[s][1] for s in strides]
