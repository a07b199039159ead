"""All settings of `dalearn adapt` for the landmark detector; ``config/adapt.yaml`` shows them."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.adaptation.collapse import CollapseSettings
from dalearn_ros.adaptation.oversampling import OversamplingSettings
from dalearn_ros.adaptation.settings import AdaptationSettings
from dalearn_ros.core.settings import field
from dalearn_ros.datasets.image_filter import FilterSettings
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.training.settings import LoopSettings
from dalearn_ros.training.transforms import ColourSettings


@dataclass(frozen=True)
class TargetSettings:
    """Images of the new city and what is believed of them."""

    crops: int = field(4, "Unlabelled target crops per step.", minimum=1, maximum=4096)
    few_shot_crops: int = field(
        2, "Crops per step of the few labelled target images.", minimum=1, maximum=4096
    )
    score: str = field(
        "calibrated",
        "A pseudo landmark's score: the largest softmax value of its votes (U6), or the "
        "probability of a hit that source images gave such votes.",
        choices=("softmax", "calibrated"),
    )
    background_threshold: float = field(
        0.9,
        "A subregion whose background reaches this probability is background.",
        minimum=0.0,
        maximum=1.0,
    )
    background: str = field(
        "hardest",
        "Which background subregions are learnt from: those it errs on most, or any. Random ones "
        "let false alarms grow.",
        choices=("random", "hardest"),
    )
    scan_images: int = field(
        2000,
        "At most so many images are looked at before the start, for where landmarks may be.",
        minimum=1,
        maximum=10_000_000,
    )
    colours: ColourSettings = field(
        ColourSettings(
            brightness=0.1,
            contrast=0.25,
            gamma=0.2,
            cast=0.08,
            saturation=0.3,
            blur=0.2,
            noise=0.25,
            jpeg=0.1,
        ),
        "How crops are changed for learning; pseudo labels come from the unchanged ones.",
    )
    colours_share: float = field(
        0.0,
        "Share of the source crops that take on the colours of a target crop: mean and spread in "
        "Lab.",
        minimum=0.0,
        maximum=1.0,
    )
    map_threshold: float = field(
        0.1,
        "With labels from a map: a pseudo landmark that the map explains needs this score only.",
        minimum=0.0,
        maximum=1.0,
    )
    map_radius_px: float = field(
        24.0,
        "With labels from a map: a pseudo label farther from a mapped landmark is doubtful.",
        unit="px",
        minimum=1.0,
        maximum=1000.0,
    )


@dataclass(frozen=True)
class ChoiceSettings:
    """Which of the networks along the way is taken, without target labels."""

    images: int = field(
        48, "Target images on which networks are compared.", minimum=2, maximum=100_000
    )
    margin: float = field(
        0.05,
        "By so much agreement on target images must rise over the start's; with few-shot labels "
        "it must only rise.",
        minimum=0.0,
        maximum=1.0,
    )
    control_loss: float = field(
        0.005,
        "Agreement on source images may fall by so much; with few-shot labels by any.",
        minimum=0.0,
        maximum=1.0,
    )
    factor: float = field(
        1.5,
        "The landmarks that a network sees in target images may differ from the start's by this "
        "factor; with few-shot labels by any.",
        minimum=1.0,
        maximum=1000.0,
    )
    source_loss: float = field(
        0.1, "F1 on source images may fall by so much.", minimum=0.0, maximum=1.0
    )


@dataclass(frozen=True)
class AdaptSettings(TrainSettings):
    """Settings of `dalearn adapt`: those of training, and these."""

    loop: LoopSettings = field(
        LoopSettings(learning_rate=0.0003, average_ramp=False, validate_every=500),
        "Length and rate.",
    )
    adaptation: AdaptationSettings = field(AdaptationSettings, "The four losses.")
    target: TargetSettings = field(TargetSettings, "Target images.")
    filter: FilterSettings = field(FilterSettings, "Images that are left out, of both cities.")
    oversampling: OversamplingSettings = field(
        OversamplingSettings, "Labelled images of rare classes are drawn more often."
    )
    choice: ChoiceSettings = field(ChoiceSettings, "Choice of the network.")
    collapse: CollapseSettings = field(CollapseSettings, "Watch against collapse.")
