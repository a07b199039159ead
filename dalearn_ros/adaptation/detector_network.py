"""The landmark detector with domain classifiers beside it: F and C are the detector's own (U1)."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from dalearn_ros.adaptation.domain import DomainClassifier, domain_loss
from dalearn_ros.adaptation.settings import DomainSettings
from dalearn_ros.detector.network import LandmarkNetwork, Outputs


class Answers(NamedTuple):
    """What F and C say of N images: the fields of :class:`Outputs`, and F's features."""

    class_logits: Tensor
    offset: Tensor
    log_variance: Tensor
    log_range: Tensor
    features: Tensor

    def split(self, sizes: list[int]) -> list[Outputs]:
        """The answers to the first images, to those after them, and so on."""
        pieces = (tensor.split(sizes) for tensor in self[:-1])
        return [Outputs(*piece) for piece in zip(*pieces, strict=True)]


class AdaptNetwork(nn.Module):
    """Feature extractor and classes of a detector, and D for images and for subregions.

    Attributes:
        detector: F and C; what is exported.
        image_domain: D for the mean of an image's features; None if it is not wanted.
        subregion_domain: D for the features of a subregion; None if it is not wanted.
    """

    def __init__(self, detector: LandmarkNetwork, settings: DomainSettings) -> None:
        super().__init__()
        self.detector = detector
        channels = detector.class_head.in_channels
        wanted = settings.levels if settings.weight > 0.0 else "none"
        self.image_domain = (
            DomainClassifier(channels, settings) if wanted in ("image", "both") else None
        )
        self.subregion_domain = (
            DomainClassifier(channels, settings) if wanted in ("subregion", "both") else None
        )

    def forward(self, image: Tensor) -> Answers:
        """(N, H, W, C) uint8 to the detector's answers and its features (N, channels, h, w)."""
        features = self.detector.features(image)
        return Answers(*self.detector.answers(features), features)

    def domain_losses(
        self, features: Tensor, is_target: Tensor, progress: float
    ) -> dict[str, Tensor]:
        """Losses of D on images and on subregions, each if wanted (U14).

        Args:
            features: (N, channels, h, w).
            is_target: (N,) bool, pseudo-labelled and few labelled ones included (U20).
            progress: 0 to 1, for the strength of the reversal.

        Returns:
            ``domain_image`` and ``domain_subregion``.
        """
        found: dict[str, Tensor] = {}
        if self.image_domain is not None:
            logits = self.image_domain(features.mean(dim=(2, 3)), progress)
            found["domain_image"] = domain_loss(logits, is_target)
        if self.subregion_domain is not None:
            cells = features.permute(0, 2, 3, 1).flatten(1, 2)  # (N, h*w, channels)
            logits = self.subregion_domain(cells.flatten(0, 1), progress)
            found["domain_subregion"] = domain_loss(
                logits, is_target.repeat_interleave(cells.shape[1])
            )
        return found
