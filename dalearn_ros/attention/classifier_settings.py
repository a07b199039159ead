"""Settings of a plain classifier or regressor with an attention branch."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.attention.learning_settings import LearningSettings
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.classification.augment import AugmentationSettings
from dalearn_ros.classification.settings import ClassificationSettings
from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import field


@dataclass(frozen=True)
class ImageSettings(ClassificationSettings):
    """A plain classifier or regressor, its attention branch, and how they learn."""

    augmentation: AugmentationSettings = field(
        AugmentationSettings(shear=0.1, stroke=0.0, blur=0.3, turn_deg=8.0, scale=0.2),
        "Random changes of the images learnt from; a corrected map moves along.",
    )
    mirror: float = field(
        0.0, "Share of images learnt from that are mirrored.", minimum=0.0, maximum=1.0
    )
    split: int = field(
        2,
        "Stages that make the features; those after them, neck and head are the perception.",
        minimum=1,
        maximum=64,
    )
    value_tolerance: float = field(
        0.1,
        "Largest error of a regressor's value that is right.",
        minimum=1e-9,
        maximum=1e9,
    )
    branch: BranchSettings = field(
        BranchSettings, "The attention branch of a network that gets one."
    )
    attention: LearningSettings = field(LearningSettings, "What is learnt.")


def check_image_settings(settings: ImageSettings) -> None:
    """Raise SettingsError if values that must fit together do not."""
    stages = len(settings.network.widths)
    if settings.split > stages:
        expected = f"at most {stages}, the stages of network.widths"
        raise SettingsError.at("settings", "key 'split'", expected, str(settings.split))
    if settings.attention.map_teachers != "none":
        expected = "'none': labels without outlines ask for no map"
        found = f"'{settings.attention.map_teachers}'"
        raise SettingsError.at("settings", "key 'attention.map_teachers'", expected, found)
