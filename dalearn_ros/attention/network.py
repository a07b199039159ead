"""Networks with an attention branch: features, map, synthesis, perception (A1, A4).

Nothing is kept on a network between calls: whoever edits a map holds features and map.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from dalearn_ros.attention.branch import AttentionBranch, BranchOutputs, synthesise
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.detector.network import LandmarkNetwork, Outputs, merged

PARTS = ("features", "attention", "perception")


@dataclass(frozen=True)
class Recognition:
    """One pass through a network with an attention branch.

    Attributes:
        attention: (N, 1, h, w) the map that the branch made, 0 to 1.
        scores: (N, K) of the attention branch, before softmax or sigmoid.
        answer: Of the perception branch: a landmark detector's :class:`Outputs`, a classifier's
            logits or a regressor's values (N, K).
    """

    attention: Tensor
    scores: Tensor
    answer: Any


class AttentionNetwork(nn.Module):
    """What all networks with an attention branch share.

    A network says how it makes features (:meth:`extract`), how it answers from them
    (:meth:`perceive`), and which modules belong to which of its :data:`PARTS`.

    Attributes:
        branch: The attention branch.
        synthesis: How the map meets the features.
    """

    def __init__(self, channels: int, outputs: int, settings: BranchSettings) -> None:
        super().__init__()
        self.branch = AttentionBranch(channels, outputs, settings)
        self.synthesis = settings.synthesis

    def extract(self, image: Tensor) -> Tensor:
        """Images as the network takes them to features g (N, c, h, w)."""
        raise NotImplementedError

    def perceive(self, features: Tensor) -> Any:
        """Features after the synthesis, (N, c, h, w), to the answer."""
        raise NotImplementedError

    def parts(self) -> Mapping[str, Sequence[nn.Module]]:
        """All modules by part: ``features``, ``attention``, ``perception``."""
        raise NotImplementedError

    def answer(self, features: Tensor, attention: Tensor) -> Any:
        """The answer from features (N, c, h, w) and a map (N, 1, h, w) that may be edited (A4)."""
        return self.perceive(synthesise(features, attention, self.synthesis))

    def look(self, image: Tensor) -> tuple[Tensor, BranchOutputs]:
        """Features (N, c, h, w), and what the attention branch says of them."""
        features = self.extract(image)
        return features, self.branch(features)

    def forward(self, image: Tensor, attention_override: Tensor | None = None) -> Recognition:
        """A whole pass.

        Args:
            image: As :meth:`extract` takes it.
            attention_override: (N, 1, h, w) the map to answer with instead of the branch's own.
        """
        features, seen = self.look(image)
        used = seen.attention if attention_override is None else attention_override
        return Recognition(seen.attention, seen.scores, self.answer(features, used))


class LandmarkAttention(AttentionNetwork):
    """A landmark detector with an attention branch on its fused features.

    Features are those of backbone and fusion at the grid's cells; perception is the mixing block
    and the four heads. The attention branch names the landmark classes that occur.

    Attributes:
        detector: The landmark detector.
    """

    def __init__(self, detector: LandmarkNetwork, settings: BranchSettings) -> None:
        """Put a new branch on a detector, which is kept, not copied."""
        channels = detector.class_head.in_channels
        super().__init__(channels, detector.classes - 1, settings)
        self.detector = detector

    def extract(self, image: Tensor) -> Tensor:
        """(N, H, W, C) uint8, sides multiples of 32, to (N, head_channels, h, w)."""
        detector = self.detector
        return detector.fuse(detector.backbone(detector.normalise(image)))

    def perceive(self, features: Tensor) -> Outputs:
        """(N, head_channels, h, w) to what every anchor says."""
        return self.detector.answers(self.detector.mix(features))

    def parts(self) -> Mapping[str, Sequence[nn.Module]]:
        """Backbone and fusion; the branch; mixing block and heads."""
        own = self.detector
        features = [own.backbone, own.lateral, own.refine]
        if own.fine is not None:
            features.append(own.fine)
        heads = [own.class_head, own.offset_head, own.variance_head, own.range_head]
        return {
            "features": features,
            "attention": [self.branch],
            "perception": [own.mix, *heads],
        }

    def heads(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(N, H, W, C) uint8 to the four maps, channels anchor by anchor."""
        maps = self.maps_and_attention(image)
        return maps[0], maps[1], maps[2], maps[3]

    def maps_and_attention(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The four maps of :meth:`LandmarkNetwork.maps`, and the map (N, h, w), as exported."""
        maps, attention = self.maps_under(self.extract(image))
        return (*maps, attention)

    def maps_under(self, features: Tensor) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor]:
        """The four maps, and the map (N, h, w) that they are answered under.

        Args:
            features: (N, head_channels, h, w) of :meth:`extract`.
        """
        attention = self.branch(features).attention
        used = synthesise(features, attention, self.synthesis)
        return self.detector.maps(self.detector.mix(used)), attention[:, 0]


def merged_attention(network: LandmarkAttention) -> LandmarkAttention:
    """A copy in evaluation whose backbone has no branches; its answers are the network's."""
    copied = copy.deepcopy(network).eval()
    copied.detector = merged(network.detector)
    return copied
