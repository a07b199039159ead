"""Is the adapted classifier taken, or that of the source alone? Target labels have no say."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings
from dalearn_ros.adaptation.collapse import collapsed
from dalearn_ros.classification.augment import change, prepare
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.classification.task import classify

CRITERION = "target/agreement"


@dataclass(frozen=True)
class Judgement:
    """What the target images say without labels.

    Attributes:
        agreement: Share of target images whose class is the same after a strong change.
        source_only_agreement: Likewise of the network that learnt from the source alone.
        refused: Why the adapted network is not taken; empty if it is.
    """

    agreement: float
    source_only_agreement: float
    refused: str


def judge(
    adapted: ImageClassifier,
    source_only: ImageClassifier,
    images: Tensor,
    names: tuple[str, ...],
    settings: AdaptClassifierSettings,
    seed: int,
) -> Judgement:
    """Hold the two networks against each other on target images.

    The adapted one is refused if its classes agree less under changes that leave the truth alone,
    or if the share of one class has run away.

    Args:
        adapted: In evaluation mode.
        source_only: In evaluation mode.
        images: (n, c, H, W) uint8 target images.
        names: Of the classes.
        settings: Changes, number of images, margin, and what counts as a collapse.
        seed: Of the changes.
    """
    rows = torch.linspace(0, len(images) - 1, min(len(images), settings.choice.images)).long()
    plain = images[rows]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        strong = change(prepare(plain), settings.augmentation)
    changed = (strong * 255.0).round().to(torch.uint8)
    labels = [classify(network, plain).argmax(dim=1) for network in (adapted, source_only)]
    others = [classify(network, changed).argmax(dim=1) for network in (adapted, source_only)]
    own, base = [
        float((one == other).float().mean()) for one, other in zip(labels, others, strict=True)
    ]
    now, first = [torch.bincount(one + 1, minlength=len(names) + 1).numpy() for one in labels]
    why = collapsed(first, now, ("", *names), settings.collapse)
    if not why and own < base + settings.choice.margin:
        why = f"adaptation did not help by {CRITERION}: {own:.3f}, source only {base:.3f}"
    return Judgement(own, base, why)
