"""Settings of `dalearn retrain-attention` for a detector; ``config/retrain_attention.yaml``."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.attention.learning_settings import LearningSettings
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.core.settings import field
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.training.settings import LoopSettings


@dataclass(frozen=True)
class RetrainSettings(TrainSettings):
    """A detector's training, the branch, and what is learnt from corrected maps."""

    loop: LoopSettings = field(
        LoopSettings(steps=1500, learning_rate=0.0005, average_ramp=False, validate_every=0),
        "Length and rate.",
    )
    branch: BranchSettings = field(
        BranchSettings, "The attention branch of a start that has none; one that has keeps its own."
    )
    attention: LearningSettings = field(LearningSettings, "What is learnt, and by which parts.")
