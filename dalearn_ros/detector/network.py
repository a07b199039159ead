"""The network: a backbone, features of three strides fused at the grid, and four heads (D7)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.metadata import InputSettings
from dalearn_ros.core.settings import field
from dalearn_ros.detector.backbone import PLAIN, build_backbone, conv_bn_relu

MEAN_LOG_RANGE = 3.0  # 20 m: where the distance head starts


@dataclass(frozen=True)
class NetworkSettings:
    """What the network is made of."""

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
    head_channels: int = field(64, "Channels of the fused features.", minimum=8, maximum=512)
    refine: tuple[int, int, int] = field(
        (0, 0, 0), "Residual convolutions on the fused features of strides 8, 16 and 32."
    )


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
        )
        width, nodes = settings.head_channels, grid.nodes
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in self.backbone.channels)
        self.refine = nn.ModuleList(
            nn.Sequential(*(Residual(width) for _ in range(count))) for count in settings.refine
        )
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

    def heads(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(N, H, W, C) uint8 to the four maps, channels anchor by anchor (as exported)."""
        features = self.backbone(self.normalise(image))
        fused = self.refine[2](self.lateral[2](features[2]))
        for level in (1, 0):
            lateral = self.lateral[level](features[level])
            wider = functional.interpolate(fused, scale_factor=2.0, mode="nearest")
            fused = self.refine[level](lateral + wider)
        if self.grid.cell_px == 16:
            fused = functional.avg_pool2d(fused, 2)
        elif self.grid.cell_px == 4:
            fused = functional.interpolate(fused, scale_factor=2.0, mode="nearest")
        fused = self.mix(fused)
        return (
            self.class_head(fused),
            self.offset_head(fused),
            self.variance_head(fused),
            self.range_head(fused),
        )

    def forward(self, image: Tensor) -> Outputs:
        """(N, H, W, C) uint8, sides multiples of 32, to :class:`Outputs`."""
        logits, offset, variance, distance = self.heads(image)
        count, _, rows, columns = logits.shape
        shape = (count, self.grid.nodes, -1, rows, columns)
        return Outputs(
            logits.reshape(shape), offset.reshape(shape), variance.reshape(shape), distance
        )
