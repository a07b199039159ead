"""The network: a backbone, features of its strides fused at the grid, and four heads (D7)."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.metadata import InputSettings
from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import field
from dalearn_ros.detector.backbone import (
    FINE_STRIDES,
    PLAIN,
    STRIDES,
    build_backbone,
    conv_bn_relu,
)

MEAN_LOG_RANGE = 3.0  # 20 m: where the distance head starts
NEW_PARTS = ("refine.", "fine.", "backbone.branches.")  # add nothing before they learn
SIZES: dict[str, dict[str, Any]] = {
    "s": {"widths": (16, 32, 64, 128, 192), "depths": (1, 2, 2, 2, 2), "head_channels": 64},
    "m": {"widths": (24, 48, 96, 192, 288), "depths": (1, 2, 2, 2, 2), "head_channels": 96},
    "l": {"widths": (32, 64, 128, 256, 384), "depths": (1, 2, 3, 3, 2), "head_channels": 128},
}
SIZE_REFINE = (1, 2, 2)


@dataclass(frozen=True)
class NetworkSettings:
    """What the network is made of.

    A named size stands for widths, depths, head_channels and refine; the shipped model is an ``s``.

    Raises:
        SettingsError: A size is named, and one of these is set to something else.
    """

    size: str = field(
        "",
        "Named size: sets widths, depths, head_channels and refine; empty: as they are below.",
        choices=("", *SIZES),
    )
    backbone: str = field(PLAIN, "'plain' or the name of a torchvision network.")
    backbone_weights: Path | None = field(None, "Pretrained torchvision weights, safetensors.")
    widths: tuple[int, ...] = field((16, 32, 64, 128, 192), "Channels of the stages of 'plain'.")
    depths: tuple[int, ...] = field((1, 2, 2, 2, 2), "Convolutions per stage of 'plain'.")
    background_logit: float = field(
        0.0,
        "Where the background's logit starts; high if most subregions learnt from are it.",
        minimum=-20.0,
        maximum=20.0,
    )
    branches: bool = field(
        False, "Branches beside the convolutions of 'plain' while it learns; one when exported."
    )
    head_channels: int = field(64, "Channels of the fused features.", minimum=8, maximum=512)
    refine: tuple[int, int, int] = field(
        (0, 0, 0), "Residual convolutions on the fused features of strides 8, 16 and 32."
    )

    def __post_init__(self) -> None:
        if not self.size:
            return
        defaults = {f.name: f.default for f in dataclasses.fields(self)}
        for name, value in {**SIZES[self.size], "refine": SIZE_REFINE}.items():
            given = getattr(self, name)
            if given not in (defaults[name], value):
                expected = f"{value}, as size '{self.size}' says, or no network.size"
                raise SettingsError.at("settings", f"key 'network.{name}'", expected, f"{given}")
            object.__setattr__(self, name, value)


class Outputs(NamedTuple):
    """What the anchors say; K anchors, M landmark classes, h by w cells.

    Attributes:
        class_logits: (N, K, 1+M, h, w), background first.
        offset: (N, K, 2, h, w) from the node to the reference point, cells.
        log_variance: (N, K, 2, h, w) log of the variance of the offset, cells².
        log_range: (N, K, h, w) log of the distance in metres.
    """

    class_logits: Tensor
    offset: Tensor
    log_variance: Tensor
    log_range: Tensor


class Residual(nn.Module):
    """x + BN(conv(ReLU(x))), which is x before any learning; (N, C, h, w) as it came."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        """One convolution on top."""
        return features + self.norm(self.conv(functional.relu(features)))


class LandmarkNetwork(nn.Module):
    """Image in numbers to what every anchor says."""

    def __init__(
        self, settings: NetworkSettings, grid: Grid, inputs: InputSettings, classes: int
    ) -> None:
        """Build it with random weights.

        Args:
            settings: Backbone and width.
            grid: Subregions and nodes; the stride of the output.
            inputs: Channels and normalisation.
            classes: 1 + M, background included.
        """
        super().__init__()
        self.grid, self.inputs, self.classes = grid, inputs, classes
        self.backbone = build_backbone(
            settings.backbone,
            inputs.channels,
            settings.widths,
            settings.depths,
            settings.backbone_weights,
            FINE_STRIDES if grid.cell_px == 4 else STRIDES,
            settings.branches,
        )
        width, nodes = settings.head_channels, grid.nodes
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in self.backbone.channels[-3:])
        self.refine = nn.ModuleList(
            nn.Sequential(*(Residual(width) for _ in range(count))) for count in settings.refine
        )
        self.fine = nn.Conv2d(self.backbone.channels[0], width, 1) if grid.cell_px == 4 else None
        if self.fine is not None:
            nn.init.zeros_(self.fine.weight)
            nn.init.zeros_(self.fine.bias)  # type: ignore[arg-type]
        self.mix = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            conv_bn_relu(width, width, size=1),
        )
        self.class_head = nn.Conv2d(width, nodes * classes, 1)
        self.offset_head = nn.Conv2d(width, nodes * 2, 1)
        self.variance_head = nn.Conv2d(width, nodes * 2, 1)
        self.range_head = nn.Conv2d(width, nodes, 1)
        self.class_head.bias.data[::classes] = settings.background_logit  # type: ignore[union-attr]
        nn.init.constant_(self.range_head.bias, MEAN_LOG_RANGE)  # type: ignore[arg-type]

    def normalise(self, image: Tensor) -> Tensor:
        """(N, H, W, C) uint8 to (N, C, H, W) float: Cast, Sub, Mul, Transpose (D24)."""
        return ((image.float() - self.inputs.mean) * self.inputs.scale).permute(0, 3, 1, 2)

    def fuse(self, features: list[Tensor]) -> Tensor:
        """Features of the backbone, finest first, to (N, head_channels, h, w) at the grid."""
        last = features[-3:]
        fused = self.refine[2](self.lateral[2](last[2]))
        for level in (1, 0):
            fused = self.refine[level](self.lateral[level](last[level]) + _twice(fused))
        if self.grid.cell_px == 16:
            return functional.avg_pool2d(fused, 2)
        if self.fine is not None:
            return self.fine(features[0]) + _twice(fused)
        return fused

    def features(self, image: Tensor) -> Tensor:
        """(N, H, W, C) uint8, sides multiples of 32, to (N, head_channels, h, w)."""
        fused: Tensor = self.mix(self.fuse(self.backbone(self.normalise(image))))
        return fused

    def maps(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(N, head_channels, h, w) to the four maps, channels anchor by anchor."""
        return (
            self.class_head(features),
            self.offset_head(features),
            self.variance_head(features),
            self.range_head(features),
        )

    def heads(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(N, H, W, C) uint8 to the four maps, channels anchor by anchor (as exported)."""
        return self.maps(self.features(image))

    def forward(self, image: Tensor) -> Outputs:
        """(N, H, W, C) uint8, sides multiples of 32, to :class:`Outputs`."""
        return self.answers(self.features(image))

    def answers(self, features: Tensor) -> Outputs:
        """(N, head_channels, h, w) of :meth:`features` to :class:`Outputs`."""
        logits, offset, variance, distance = self.maps(features)
        count, _, rows, columns = logits.shape
        shape = (count, self.grid.nodes, -1, rows, columns)
        return Outputs(
            logits.reshape(shape), offset.reshape(shape), variance.reshape(shape), distance
        )


def merged(network: LandmarkNetwork) -> LandmarkNetwork:
    """A copy in evaluation whose backbone has no branches; its answers are the network's."""
    copied = copy.deepcopy(network).eval()
    copied.backbone.merge_branches()
    return copied


def _twice(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
