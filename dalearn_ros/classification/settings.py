"""Settings of a plain classifier's training."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.classification.augment import AugmentationSettings
from dalearn_ros.classification.network import NetworkSettings
from dalearn_ros.core.settings import field
from dalearn_ros.training.settings import LoopSettings


@dataclass(frozen=True)
class InputSettings:
    """What every image is brought to."""

    size: int = field(
        32, "Width and height of the network's input.", unit="px", minimum=8, maximum=512
    )
    channels: int = field(
        0,
        "1: grey; 3: blue, green, red; 0: 1 if all images are grey, else 3.",
        choices=(0, 1, 3),
    )


@dataclass(frozen=True)
class BatchSettings:
    """How batches are made."""

    size: int = field(64, "Labelled images per step.", minimum=2, maximum=65536)
    threads: int = field(0, "Threads of the network; 0: as many as cores.", minimum=0, maximum=256)


@dataclass(frozen=True)
class ClassificationSettings:
    """A plain classifier and how it learns."""

    network: NetworkSettings = field(NetworkSettings, "The network.")
    input: InputSettings = field(InputSettings, "Its input.")
    augmentation: AugmentationSettings = field(
        AugmentationSettings, "Random changes of the images learnt from."
    )
    batch: BatchSettings = field(BatchSettings, "Batches.")
    loop: LoopSettings = field(
        LoopSettings(steps=1200, validate_every=0, average_decay=0.998), "Length and rate."
    )
