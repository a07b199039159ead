"""The local model: one patch and its location to the distance of what is at its centre (S1)."""

from __future__ import annotations

import copy
import hashlib
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dalearn_ros.coding.location import CHANNELS
from dalearn_ros.depth.settings import LocalSettings
from dalearn_ros.detector.network import LandmarkNetwork

START_LOG_DEPTH = 2.7  # 15 m: where both models start
START_LOG_VARIANCE = -2.0
LOG_VARIANCE = (-9.0, 4.0)  # limits of what both models say
PLACE_CHANNELS = 32


class DepthOutputs(NamedTuple):
    """What a depth model says; any shape, the same for both.

    Attributes:
        log_depth: Natural logarithm of the depth along the optical axis in metres.
        log_variance: Logarithm of the variance of that logarithm.
    """

    log_depth: Tensor
    log_variance: Tensor


class Stem(nn.Module):
    """The first blocks of a detector's backbone; a copy with weights of its own."""

    def __init__(self, detector: LandmarkNetwork, stride: int) -> None:
        """Copy the blocks.

        Args:
            detector: Whose backbone.
            stride: Up to the last block of this stride.
        """
        super().__init__()
        blocks, branches = stem_parts(detector, stride)
        self.inputs = detector.inputs
        self.blocks, self.branches = copy.deepcopy(blocks), copy.deepcopy(branches)
        side = 64
        with torch.no_grad():
            probe = torch.zeros(1, side, side, detector.inputs.channels, dtype=torch.uint8)
            self.channels = self.eval()(probe).shape[1]

    def forward(self, patches: Tensor) -> Tensor:
        """(P, S, S, C) uint8 to (P, channels, S / stride, S / stride)."""
        found: Tensor = (patches.float() - self.inputs.mean) * self.inputs.scale
        found = found.permute(0, 3, 1, 2)
        for index, block in enumerate(self.blocks):
            found = self.branches[index](found, block) if self.branches else block(found)
        return found


def digest_of(stem: Stem) -> str:
    """SHA-256 of the weights of a stem, by which it is known again."""
    found = hashlib.sha256()
    for name, value in sorted(stem.state_dict().items()):
        found.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


class LocalNetwork(nn.Module):
    """Patches and their locations to distances.

    Attributes:
        shared: Whether its stem is the detector's: ``none``, ``frozen`` or ``tuned``.
        location: It is told the location.
    """

    def __init__(
        self, detector: LandmarkNetwork, settings: LocalSettings, size_px: int, location: bool
    ) -> None:
        """Build it; all but a shared stem has random weights.

        Args:
            detector: Gives the stem, or only its make.
            settings: Width and stem.
            size_px: Side of a patch.
            location: Whether it is told the location.
        """
        super().__init__()
        self.shared, self.location = settings.shared, location
        self.stem = Stem(detector, settings.stem_stride)
        if settings.shared == "none":
            for module in self.stem.modules():
                if isinstance(module, (nn.Conv2d, nn.BatchNorm2d)):
                    module.reset_parameters()
        if settings.shared == "frozen":
            self.stem.requires_grad_(False)
        blocks: list[nn.Module] = []
        channels, width, side = self.stem.channels, settings.width, size_px // settings.stem_stride
        for _ in range(settings.depth):
            blocks.append(conv_relu(channels, width))
            channels = width
        while side > 4:
            blocks.append(conv_relu(channels, width, stride=2))
            channels, side = width, -(-side // 2)
        blocks.append(conv_relu(channels, width))
        self.body = nn.Sequential(*blocks, nn.Flatten())
        self.seen = nn.Sequential(nn.Linear(width * side * side, 128), nn.ReLU(inplace=True))
        self.place = PlaceEncoder() if location else None
        told = PLACE_CHANNELS if location else 0
        self.said = nn.Sequential(
            nn.Linear(128 + told, 128), nn.ReLU(inplace=True), nn.Linear(128, 2)
        )
        start_at(self.said[-1])

    def train(self, mode: bool = True) -> LocalNetwork:
        """As always; the statistics of a shared stem stay as they are."""
        super().train(mode)
        if self.shared != "none":  # it sees patches here and whole images there
            self.stem.eval()
        return self

    def forward(self, patches: Tensor, location: Tensor) -> DepthOutputs:
        """Distances at the centres of patches.

        Args:
            patches: (P, S, S, C) uint8.
            location: (P, :data:`CHANNELS`) of their centres.
        """
        found = self.seen(self.body(self.stem(patches)))
        if self.place is not None:
            told = self.place(location[:, :, None, None]).flatten(1)
            found = torch.cat([found, told], dim=1)
        return limited(self.said(found))


class PlaceEncoder(nn.Module):
    """Location channels to features, place by place."""

    def __init__(self, channels: int = PLACE_CHANNELS) -> None:
        super().__init__()
        self.scale: Tensor  # brings the channels to about -2 to 2
        self.register_buffer("scale", torch.tensor([4.0, 10.0, 2.0]).view(1, CHANNELS, 1, 1))
        self.layers = nn.Sequential(
            nn.Conv2d(CHANNELS, channels, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 1),
            nn.ReLU(inplace=True),
        )

    def forward(self, location: Tensor) -> Tensor:
        """(N, CHANNELS, h, w) to (N, channels, h, w)."""
        found: Tensor = self.layers(location * self.scale)
        return found


def conv_relu(
    inputs: int, outputs: int, stride: int = 1, size: int = 3, groups: int = 1
) -> nn.Sequential:
    """Convolution and ReLU, He's start; (N, inputs, H, W) to (N, outputs, H/s, W/s).

    Without batch normalisation: the patches or crops of a batch come from few images, whose
    statistics are not those of an image alone, and a distance must not change with them.
    """
    conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return nn.Sequential(conv, nn.ReLU(inplace=True))


def stem_parts(detector: LandmarkNetwork, stride: int) -> tuple[nn.ModuleList, nn.ModuleList]:
    """The first blocks of a detector's backbone and what learns beside them, not copied.

    Args:
        detector: The detector.
        stride: Up to the last block of this stride.
    """
    backbone = detector.backbone
    side, last = 64, 0
    probe = torch.zeros(1, detector.inputs.channels, side, side)
    modes = [(module, module.training) for module in backbone.modules()]
    backbone.eval()
    with torch.no_grad():
        for index, block in enumerate(backbone.blocks):
            probe = block(probe)
            if side // probe.shape[-1] > stride:
                break
            last = index + 1
    for module, mode in modes:
        module.training = mode
    return backbone.blocks[:last], backbone.branches[:last]


def start_at(layer: nn.Module) -> None:
    """Let a last layer with two outputs begin at a middle distance and its variance."""
    assert isinstance(layer, (nn.Linear, nn.Conv2d)) and layer.bias is not None
    with torch.no_grad():
        layer.weight.mul_(0.1)
        layer.bias.copy_(torch.tensor([START_LOG_DEPTH, START_LOG_VARIANCE]))


def limited(said: Tensor) -> DepthOutputs:
    """(N, 2, ...) raw numbers to :class:`DepthOutputs`."""
    return DepthOutputs(said[:, 0], said[:, 1].clamp(*LOG_VARIANCE))
