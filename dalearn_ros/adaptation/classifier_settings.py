"""All settings of `dalearn adapt --task classification`; ``config/adapt_digits.yaml`` has them."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.adaptation.collapse import CollapseSettings
from dalearn_ros.adaptation.oversampling import OversamplingSettings
from dalearn_ros.adaptation.settings import (
    AdaptationSettings,
    DomainSettings,
    PseudoLabelSettings,
    SelfTrainingSettings,
    StartSettings,
    check_adaptation,
)
from dalearn_ros.classification.settings import ClassificationSettings
from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import field
from dalearn_ros.datasets.image_filter import FilterSettings


@dataclass(frozen=True)
class TargetSettings:
    """Images without labels, and what is shown of them."""

    size: int = field(64, "Unlabelled target images per step.", minimum=2, maximum=65536)
    few_shot_size: int = field(
        16, "Images per step of the few labelled target ones.", minimum=1, maximum=65536
    )
    weak: float = field(
        0.2,
        "Share of the augmentation that the images get from which pseudo labels come.",
        minimum=0.0,
        maximum=1.0,
    )


@dataclass(frozen=True)
class ChoiceSettings:
    """When the adapted network is taken."""

    images: int = field(
        2000, "Target images on which the networks are compared.", minimum=2, maximum=10_000_000
    )
    margin: float = field(
        0.0,
        "By so much the agreement must be above that of the source alone.",
        minimum=-1.0,
        maximum=1.0,
    )


@dataclass(frozen=True)
class AdaptClassifierSettings(ClassificationSettings):
    """Settings of the adaptation of a classifier: those of its training, and these."""

    adaptation: AdaptationSettings = field(
        AdaptationSettings(
            domain=DomainSettings(levels="image"),
            self_training=SelfTrainingSettings(
                rising=False,
                start=StartSettings(share=0.1),
                pseudo=PseudoLabelSettings(threshold=0.9),
            ),
        ),
        "The four losses.",
    )
    target: TargetSettings = field(TargetSettings, "Target images.")
    oversampling: OversamplingSettings = field(
        OversamplingSettings, "Rare classes, also for the source alone."
    )
    filter: FilterSettings = field(
        FilterSettings(None, None, None, None, None),
        "Images that are left out of source, target and few-shot, judged at the network's size; "
        "all tests are off unless they are given a limit.",
    )
    choice: ChoiceSettings = field(ChoiceSettings, "Choice of the network.")
    collapse: CollapseSettings = field(
        CollapseSettings, "How far the classes' shares may move; only class_share matters here."
    )


def check_classifier(settings: AdaptClassifierSettings, source: str = "settings") -> list[str]:
    """See that values that must fit together do.

    Args:
        settings: All of them.
        source: Where they are from, for the sentence of an error.

    Returns:
        Sentences to warn with.

    Raises:
        SettingsError: A combination that makes no sense; the sentence says why.
    """
    domain = settings.adaptation.domain
    if domain.weight > 0.0 and domain.levels != "image":
        expected = "'image', because a classifier of whole images has no subregions"
        raise SettingsError.at(source, "key 'adaptation.domain.levels'", expected, domain.levels)
    if not settings.network.widths or min(settings.network.widths) < 1:
        expected = "at least one width, none below 1"
        raise SettingsError.at(
            source, "key 'network.widths'", expected, str(list(settings.network.widths))
        )
    return check_adaptation(settings.adaptation, source)
