"""The global model: a head on the detector's own features, so one pass gives both (S2, S8)."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from dalearn_ros.depth.local import (
    PLACE_CHANNELS,
    DepthOutputs,
    LocalNetwork,
    PlaceEncoder,
    conv_relu,
    limited,
    start_at,
    stem_parts,
)
from dalearn_ros.detector.network import LandmarkNetwork, merged

COARSE_PX = 16  # where the head works most


class DepthHead(nn.Module):
    """Features of the backbone and of the detector, and locations, to distances."""

    def __init__(
        self, levels: Sequence[int], fused: int, cell_px: int, channels: int, location: bool
    ) -> None:
        """Build it with random weights.

        Args:
            levels: Channels of the backbone at strides 8, 16 and 32.
            fused: Channels of the detector's fused features.
            cell_px: Stride of those, and of the output.
            channels: Of the head.
            location: Whether it is told the location.
        """
        super().__init__()
        self.factor = COARSE_PX // cell_px  # 1, 2 or 4
        told = PLACE_CHANNELS if location else 0
        self.far = nn.Conv2d(levels[2], channels, 1)
        self.middle = nn.Conv2d(levels[1], channels, 1)
        self.place = PlaceEncoder() if location else None
        self.mix = nn.Sequential(
            conv_relu(channels + told, channels), conv_relu(channels, channels)
        )
        self.near = nn.Conv2d(fused, channels, 1)
        self.fine = nn.Conv2d(levels[0], channels, 1)
        self.join = conv_relu(channels, channels, groups=channels)
        self.last = conv_relu(channels + told, channels, size=1)
        self.out = nn.Conv2d(channels, 2, 1)
        start_at(self.out)

    def forward(self, levels: Sequence[Tensor], fused: Tensor, location: Tensor) -> DepthOutputs:
        """Distances at every cell.

        Args:
            levels: (N, C, ·, ·) at strides 8, 16 and 32.
            fused: (N, C, h, w) the detector's.
            location: (N, 3, h, w).

        Returns:
            (N, h, w) each.
        """
        found = self.middle(levels[1]) + _larger(self.far(levels[2]), 2)
        place = None if self.place is None else self.place(location)
        if place is not None:
            coarse = functional.avg_pool2d(place, self.factor) if self.factor > 1 else place
            found = torch.cat([found, coarse], dim=1)
        here = self.near(fused) + self._at_the_grid(self.fine(levels[0]))
        found = self.join(_larger(self.mix(found), self.factor) + here)
        if place is not None:
            found = torch.cat([found, place], dim=1)
        return limited(self.out(self.last(found)))

    def _at_the_grid(self, features: Tensor) -> Tensor:
        """Features of stride 8 at the output's."""
        if self.factor == 1:
            return functional.avg_pool2d(features, 2)
        return _larger(features, self.factor // 2)


def head_for(detector: LandmarkNetwork, channels: int, location: bool) -> DepthHead:
    """A head with random weights that fits the features of a detector."""
    fused = detector.class_head.in_channels
    levels = detector.backbone.channels[-3:]
    return DepthHead(levels, fused, detector.grid.cell_px, channels, location)


class DepthNetwork(nn.Module):
    """A detector and a depth head on its features.

    Attributes:
        detector: The landmark detector.
        head: The depth head.
        learns: Which part of the detector learns: ``none`` or ``stem``.
    """

    def __init__(
        self, detector: LandmarkNetwork, channels: int, location: bool, learns: str = "none",
        stem_stride: int = 8,
    ) -> None:  # fmt: skip
        """Put a head with random weights on a detector, which is kept, not copied.

        Args:
            detector: Its statistics are frozen whatever learns.
            channels: Of the head.
            location: Whether the head is told the location.
            learns: ``none``: the detector's weights stay; ``stem``: its first blocks learn.
            stem_stride: Up to where the stem reaches.
        """
        super().__init__()
        self.detector, self.learns = detector, learns
        self.head = head_for(detector, channels, location)
        detector.requires_grad_(False)
        if learns == "stem":
            for part in stem_parts(detector, stem_stride):
                part.requires_grad_(True)

    def train(self, mode: bool = True) -> DepthNetwork:
        """As always; the detector's statistics stay as they are."""
        super().train(mode)
        self.detector.eval()
        return self

    def features(self, image: Tensor) -> tuple[list[Tensor], Tensor]:
        """(N, H, W, C) uint8 to the backbone's levels and the detector's fused features."""
        detector = self.detector
        levels = detector.backbone(detector.normalise(image))
        return levels[-3:], detector.mix(detector.fuse(levels))

    def forward(self, image: Tensor, location: Tensor) -> DepthOutputs:
        """Distances alone.

        Args:
            image: (N, H, W, C) uint8, sides multiples of 32.
            location: (N, 3, h, w) at the detector's grid.

        Returns:
            (N, h, w) each.
        """
        if self.learns == "none":
            with torch.no_grad():
                levels, fused = self.features(image)
        else:
            levels, fused = self.features(image)
        said: DepthOutputs = self.head(levels, fused, location)
        return said

    def maps_and_depth(
        self, image: Tensor, location: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The four maps of :meth:`LandmarkNetwork.maps`, and :class:`DepthOutputs`, in one pass."""
        levels, fused = self.features(image)
        maps = self.detector.maps(fused)
        said = self.head(levels, fused, location)
        return (*maps, said.log_depth, said.log_variance)

    def take_stem(self, local: LocalNetwork, stem_stride: int) -> None:
        """Put the stem's weights of a local model into the detector (S6)."""
        blocks, branches = stem_parts(self.detector, stem_stride)
        blocks.load_state_dict(local.stem.blocks.state_dict())
        branches.load_state_dict(local.stem.branches.state_dict())


def merged_depth(network: DepthNetwork) -> DepthNetwork:
    """A copy in evaluation whose backbone has no branches; its answers are the network's."""
    copied = copy.deepcopy(network).eval()
    copied.detector = merged(network.detector)
    return copied


def _larger(features: Tensor, factor: int) -> Tensor:
    if factor == 1:
        return features
    return functional.interpolate(features, scale_factor=float(factor), mode="nearest")
