"""The settings of the stages: their classes, and the files that they are read from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
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
from dalearn_ros.recipe.settings import STAGES, RecipeSettings, stage_of

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


def settled(settings: RecipeSettings) -> RecipeSettings:
    """The recipe with the values of its stages' files in it, so that no file is read again.

    Raises:
        SettingsError: One cannot be used.
    """
    read = {}
    for name in STAGES:
        stage = stage_of(settings, name)
        if stage is not None:
            values = dump_settings(load_settings(SETTINGS[name], stage.config, stage.settings))
            read[name] = dataclasses.replace(stage, config=None, settings=values)
    return dataclasses.replace(settings, **read)
