"""The settings of a recipe with those of its stages: their classes, and reading their files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.attention.retrain_settings import RetrainSettings
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.export.precision import PrecisionSettings
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.recipe.settings import (
    STAGES,
    RecipeSettings,
    check_recipe,
    placed,
    stage_of,
)

SETTINGS: Mapping[str, type[Any]] = {
    "label": LabelSettings,
    "train": TrainSettings,
    "harden": HardenSettings,
    "adapt": AdaptSettings,
    "distill": DistillSettings,
    "retrain": RetrainSettings,
    "export": PrecisionSettings,
    "evaluate": LocalizerSettings,
}


def load_recipe(path: Path) -> RecipeSettings:
    """Read and check the settings file of a recipe, and those of its stages.

    The values of the stages' files stand in the recipe then, so that no file is read again.

    Args:
        path: The YAML file; its own folder is where all relative paths begin.

    Raises:
        SettingsError: Not readable, an unknown key, or values that do not fit together.
    """
    folder = path.resolve().parent
    settings = placed(load_settings(RecipeSettings, path), folder)
    check_recipe(settings, str(path))
    read = {}
    for name in STAGES:
        stage = stage_of(settings, name)
        if stage is not None:
            values = placed(load_settings(SETTINGS[name], stage.config, stage.settings), folder)
            read[name] = dataclasses.replace(stage, config=None, settings=dump_settings(values))
    return dataclasses.replace(settings, **read)
