"""Write the settings files in ``config/`` that list all defaults."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.attention.retrain_settings import RetrainSettings
from dalearn_ros.core.settings_file import settings_file
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.detector.run import OF_THE_START
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.hard_examples.search_settings import HardenSettings

CONFIG = Path(__file__).resolve().parents[1] / "config"
_DEFAULTS = "all with their defaults. A file needs only what differs."
FILES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "train.yaml": (TrainSettings, (f"Settings of `dalearn train`, {_DEFAULTS}",)),
    "adapt.yaml": (
        AdaptSettings,
        (
            f"Settings of `dalearn adapt`, {_DEFAULTS}",
            "A start that is a run folder brings its own "
            f"{', '.join(OF_THE_START[:-1])} and {OF_THE_START[-1]}, whatever stands here.",
        ),
    ),
    "harden.yaml": (
        HardenSettings,
        (
            f"Settings of `dalearn harden`, {_DEFAULTS}",
            "A start that is a run folder brings its own "
            f"{', '.join(OF_THE_START[:-1])} and {OF_THE_START[-1]}, whatever stands here.",
        ),
    ),
    "retrain_attention.yaml": (
        RetrainSettings,
        (
            f"Settings of `dalearn retrain-attention`, {_DEFAULTS}",
            f"The start brings its own {', '.join(OF_THE_START[:-1])} and {OF_THE_START[-1]}, "
            "whatever stands here.",
        ),
    ),
    "distill.yaml": (DistillSettings, (f"Settings of `dalearn distill`, {_DEFAULTS}",)),
}


def text_of(name: str) -> str:
    """What the file in ``config/`` should hold."""
    settings, head = FILES[name]
    return settings_file(settings(), head)


if __name__ == "__main__":
    for name in FILES:
        (CONFIG / name).write_text(text_of(name), encoding="utf-8")
