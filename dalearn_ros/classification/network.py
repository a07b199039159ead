"""A small convolutional classifier whose features can be looked at."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from dalearn_ros.core.settings import field
from dalearn_ros.detector.backbone import conv_bn_relu

_POOLED = 4  # cells a side that the features see
_LEAST_SPREAD = 1e-3  # of an image of one colour


@dataclass(frozen=True)
class NetworkSettings:
    """What the network is made of."""

    widths: tuple[int, ...] = field(
        (24, 48, 96), "Channels of its stages, each of which halves the size."
    )
    depth: int = field(2, "Convolutions per stage after the first.", minimum=1, maximum=16)
    features: int = field(128, "Features of an image.", minimum=1, maximum=65536)
    dropout: float = field(
        0.2, "Share of the features that is dropped while learning.", minimum=0.0, maximum=0.9
    )


class ImageClassifier(nn.Module):
    """Images to one logit for each class.

    Attributes:
        channels: Of the features, (n, channels).
    """

    def __init__(self, settings: NetworkSettings, image_channels: int, classes: int) -> None:
        """Build it with random weights.

        Args:
            settings: Widths and depth.
            image_channels: 1 or 3.
            classes: How many.
        """
        super().__init__()
        first, *others = settings.widths
        layers = [conv_bn_relu(image_channels, first, 2, 5)]
        width = first
        for out in others:
            for number in range(settings.depth):
                layers.append(conv_bn_relu(width, out, 1 if number else 2))
                width = out
        self.stages = nn.Sequential(*layers)
        self.channels = settings.features
        self.neck = nn.Sequential(
            nn.AdaptiveAvgPool2d(_POOLED),
            nn.Flatten(),
            nn.Linear(width * _POOLED**2, settings.features, bias=False),
            nn.BatchNorm1d(settings.features),
            nn.ReLU(),
            nn.Dropout(settings.dropout),
        )
        self.head = nn.Linear(settings.features, classes)

    def maps(self, images: Tensor) -> Tensor:
        """(n, image channels, H, W) of 0 to 1 to (n, C, h, w), h and w halved once a stage."""
        maps: Tensor = self.stages(self.normalise(images))
        return maps

    def normalise(self, images: Tensor) -> Tensor:
        """Each image (n, image channels, H, W) of 0 to 1 with mean 0 and spread 1.

        So its light does not matter.
        """
        mean = images.mean(dim=(1, 2, 3), keepdim=True)
        spread = images.std(dim=(1, 2, 3), keepdim=True).clamp(min=_LEAST_SPREAD)
        return (images - mean) / spread

    def features(self, images: Tensor) -> Tensor:
        """(n, image channels, H, W) of 0 to 1 to (n, channels)."""
        features: Tensor = self.neck(self.maps(images))
        return features

    def forward(self, images: Tensor) -> Tensor:
        """(n, image channels, H, W) of 0 to 1 to (n, classes) logits."""
        logits: Tensor = self.head(self.features(images))
        return logits
