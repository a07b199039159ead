"""A plain classifier or regressor with an attention branch between two of its stages (A8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from dalearn_ros.attention.network import AttentionNetwork
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.classification.network import ImageClassifier, NetworkSettings


class ImageAttention(AttentionNetwork):
    """An image classifier, or a regressor of the same make, with an attention branch.

    Features are those of the first stages; perception is the other stages, neck and head.

    Attributes:
        classifier: The network without the branch.
    """

    def __init__(
        self,
        classifier: ImageClassifier,
        network: NetworkSettings,
        split: int,
        branch: BranchSettings,
    ) -> None:
        """Put a new branch on a classifier, which is kept, not copied.

        Args:
            classifier: The network.
            network: What it is made of.
            split: How many of its stages make the features, at least 1.
            branch: Make of the branch.
        """
        super().__init__(network.widths[split - 1], classifier.head.out_features, branch)
        self.classifier = classifier
        self._layers = 1 + (split - 1) * network.depth

    def extract(self, image: Tensor) -> Tensor:
        """(N, image channels, H, W) of 0 to 1 to features (N, c, h, w)."""
        own = self.classifier
        features: Tensor = own.stages[: self._layers](own.normalise(image))
        return features

    def perceive(self, features: Tensor) -> Tensor:
        """Features after the synthesis, (N, c, h, w), to logits or values (N, K)."""
        own = self.classifier
        answer: Tensor = own.head(own.neck(own.stages[self._layers :](features)))
        return answer

    def parts(self) -> Mapping[str, Sequence[nn.Module]]:
        """The first stages; the branch; other stages, neck and head."""
        own = self.classifier
        return {
            "features": [own.stages[: self._layers]],
            "attention": [self.branch],
            "perception": [own.stages[self._layers :], own.neck, own.head],
        }
