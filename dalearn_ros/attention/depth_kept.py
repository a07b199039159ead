"""The depth head of a detector that learns where to look: kept where its features stay (A7, S8).

The head was taught with the detector's features as they were. Backbone and fusion stay to the bit
while ``features`` are frozen; the mixing block after them learns, so the head takes the one it was
taught with along. The branch's map does not change what the head sees.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from dalearn_ros.attention.network import LandmarkAttention, merged_attention
from dalearn_ros.attention.run import LandmarkRun, has_attention, open_landmark_run
from dalearn_ros.depth.network import DepthHead, head_for
from dalearn_ros.depth.run import open_depth_run
from dalearn_ros.depth.taught import DEPTH, Taught, has_depth, load_head, taught_of
from dalearn_ros.training.checkpoint import (
    Checkpoint,
    State,
    load_checkpoint,
    load_weights,
    save_checkpoint,
)
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import read_run

MIX = "depth_mix"  # group of the weights: the mixing block that the head was taught with


class AttentiveDepth(nn.Module):
    """A detector with an attention branch, and a depth head on the same features.

    Attributes:
        looks: The detector with its branch.
        mix: The mixing block that the head was taught with.
        head: The depth head.
    """

    def __init__(self, looks: LandmarkAttention, head: DepthHead, mix: nn.Module) -> None:
        """Put them together; nothing is copied."""
        super().__init__()
        self.looks, self.head, self.mix = looks, head, mix

    def maps_depth_and_attention(self, image: Tensor, location: Tensor) -> tuple[Tensor, ...]:
        """Everything in one pass, as exported.

        Args:
            image: (N, H, W, C) uint8, sides multiples of 32.
            location: (N, 3, h, w) at the detector's grid.

        Returns:
            The four maps of :meth:`LandmarkNetwork.maps`, then log_depth, log_variance and the
            attention map (N, h, w) each.
        """
        detector = self.looks.detector
        levels = detector.backbone(detector.normalise(image))
        features = detector.fuse(levels)
        maps, seen = self.looks.maps_under(features)
        said = self.head(levels[-3:], self.mix(features), location)
        return (*maps, said.log_depth, said.log_variance, seen)


@dataclass(frozen=True)
class KeptDepth:
    """A depth head on its way from one run folder to the next.

    Attributes:
        about: The entry of ``run.json``.
        groups: Of the weights: the head's, and the mixing block's.
    """

    about: Mapping[str, Any]
    groups: Mapping[str, State]


@dataclass(frozen=True)
class AttentiveDepthRun:
    """A run with an attention branch and a depth head.

    Attributes:
        run: As one with an attention branch.
        network: All of it, in evaluation.
        taught: What the head was taught with.
    """

    run: LandmarkRun
    network: AttentiveDepth
    taught: Taught


def depth_of(start: Path, learns: Collection[str]) -> KeptDepth | None:
    """The depth head of a start, where it stays right; else None.

    Args:
        start: Run folder, with a depth head or without, with an attention branch or without.
        learns: Parts of the detector that are to learn.

    Raises:
        ModelError: The folder's files are damaged, or the head was taught with another location
            function than this version has.
    """
    if "features" in learns or not has_depth(start):
        return None
    head: nn.Module
    if has_attention(start):
        both = open_attentive_depth(start).network
        head, mix = both.head, both.mix
    else:
        alone = open_depth_run(start).network
        head, mix = alone.head, alone.detector.mix
    about = (read_run(start) or {})[DEPTH]
    return KeptDepth(about, {DEPTH: head.state_dict(), MIX: mix.state_dict()})


def keep_depth(run: Path, kept: KeptDepth) -> None:
    """Put a depth head beside the weights of a finished run; once more changes nothing."""
    found = load_checkpoint(run / WEIGHTS)
    save_checkpoint(run / WEIGHTS, Checkpoint({**found.groups, **kept.groups}, found.header))


def open_attentive_depth(path: Path) -> AttentiveDepthRun:
    """Open a run folder with an attention branch and a depth head.

    Raises:
        ModelError: Not such a folder, without one of the two, not finished, or damaged.
    """
    run, taught = open_landmark_run(path), taught_of(path)
    detector, weights = run.network.detector, path / WEIGHTS
    head = head_for(detector, taught.settings.whole.channels, taught.settings.location)
    load_head(head, path)
    mix = copy.deepcopy(detector.mix)
    load_weights(mix, dict(load_checkpoint(weights).groups.get(MIX, {})), weights)
    return AttentiveDepthRun(run, AttentiveDepth(run.network, head, mix).eval(), taught)


def merged_attentive_depth(network: AttentiveDepth) -> AttentiveDepth:
    """A copy in evaluation whose backbone has no branches; its answers are the network's."""
    copied = copy.deepcopy(network).eval()
    copied.looks = merged_attention(network.looks)
    return copied
