"""Settings of domain adaptation by names and numbers; the U numbers are those of the method."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import field

BALANCED_ENTROPY = math.log(2.0)  # of a domain classifier that cannot tell the domains apart


@dataclass(frozen=True)
class DomainSettings:
    """The domain classifier D and how its loss reaches the features (U1, U2)."""

    weight: float = field(
        0.1, "θ_d, weight of the domain loss; 0: none.", minimum=0.0, maximum=1000.0
    )
    levels: str = field(
        "both",
        "What D looks at (U14); a classifier of whole images has only 'image'.",
        choices=("image", "subregion", "both"),
    )
    reversal: bool = field(
        True, "Reverse the gradient that features get from the domain loss (U2)."
    )
    strength: float = field(
        1.0, "Largest factor of the reversed gradient.", minimum=0.0, maximum=100.0
    )
    ramp: float = field(
        10.0,
        "γ of the factor 2/(1+exp(-γ·progress)) - 1; 0: the largest from the first step on.",
        minimum=0.0,
        maximum=1000.0,
    )
    hidden: int = field(64, "Width of D's hidden layer.", minimum=1, maximum=4096)


@dataclass(frozen=True)
class StartSettings:
    """When self-training starts (U4)."""

    rule: str = field(
        "any",
        "'any': the source loss no longer falls, or the share is done; 'all': both; 'threshold': "
        "the source loss is at most the threshold, or the share is done.",
        choices=("any", "all", "threshold"),
    )
    window: int = field(
        50, "Steps of each of the two windows of the trend.", minimum=1, maximum=1_000_000
    )
    tolerance: float = field(
        0.02, "Share by which the second window must be lower to fall.", minimum=0.0, maximum=1.0
    )
    share: float = field(0.1, "Share of the schedule.", minimum=0.0, maximum=1.0)
    source_threshold: float = field(
        0.1, "Source loss for the rule 'threshold'.", minimum=0.0, maximum=1e6
    )


@dataclass(frozen=True)
class StopSettings:
    """When self-training stops again (U5)."""

    source_threshold: float | None = field(
        None, "It stops at a source loss of this or more; null: never.", minimum=0.0, maximum=1e6
    )
    domain_threshold: float | None = field(
        None, "It stops at a domain loss of this or more; null: never.", minimum=0.0, maximum=1e6
    )
    restart: bool = field(True, "It may start again.")


@dataclass(frozen=True)
class PseudoLabelSettings:
    """Which target samples get a pseudo label, and what happens to the others (U6 to U9)."""

    threshold: float = field(
        0.8, "A score of this or more makes a pseudo label.", minimum=0.0, maximum=1.0
    )
    below: str = field(
        "ignore",
        "Below it: no loss; the label all the same; loss against the masked largest logit; no "
        "gradient from it at all; either by two thresholds; or -log(1 - p).",
        choices=("ignore", "argmax", "mask_max", "mask_all", "two_thresholds", "negative"),
    )
    low_threshold: float | None = field(
        None,
        "For 'two_thresholds': below it mask_max, from it to the threshold mask_all.",
        minimum=0.0,
        maximum=1.0,
    )
    mask_value: float = field(
        0.0, "What a masked logit is set to, among logits of mean 0.", minimum=-1e4, maximum=1e4
    )
    class_cap: int | None = field(
        None, "At most so many of each class in a batch; null: no limit.", minimum=0, maximum=10**9
    )
    balance: str = field(
        "none",
        "'equal': of each class as many as of the rarest that the batch has.",
        choices=("none", "equal"),
    )
    total_share: float | None = field(
        None,
        "The pseudo-labelled share of a batch's target samples stays below it; null: no limit.",
        minimum=0.0,
        maximum=1.0,
    )
    scores_from: str = field(
        "average",
        "Which weights give the scores: those that learn, or their running average.",
        choices=("network", "average"),
    )


@dataclass(frozen=True)
class SelfTrainingSettings:
    """Self-training (U3 to U10)."""

    weight: float = field(
        1.0, "θ_p at its full value; 0: no self-training.", minimum=0.0, maximum=1000.0
    )
    rising: bool = field(
        True, "θ_p rises as the others fall, weight·(1 - f); false: it is constant (U3)."
    )
    fall_from: float = field(
        0.0, "λ_s: from this progress on the others fall.", minimum=0.0, maximum=1000.0
    )
    fall_to: float = field(
        2.0,
        "λ_max: at this progress they would be 0. Progress is 0 when self-training starts, 1 at "
        "the end of the schedule.",
        minimum=0.0,
        maximum=1000.0,
    )
    stages: int = field(
        1, "1: one step for all losses; 2: self-training steps apart (U10).", choices=(1, 2)
    )
    start: StartSettings = field(StartSettings, "When it starts.")
    stop: StopSettings = field(StopSettings, "When it stops.")
    pseudo: PseudoLabelSettings = field(PseudoLabelSettings, "Pseudo labels.")


@dataclass(frozen=True)
class AdaptationSettings:
    """The four losses and all that belongs to them."""

    source_weight: float = field(
        1.0, "θ_s, weight of the source loss.", minimum=0.0, maximum=1000.0
    )
    few_shot_weight: float = field(
        1.0, "θ_m, weight of the loss of labelled target images.", minimum=0.0, maximum=1000.0
    )
    domain: DomainSettings = field(DomainSettings, "Telling the domains apart.")
    self_training: SelfTrainingSettings = field(SelfTrainingSettings, "Self-training.")


def check_adaptation(settings: AdaptationSettings, source: str = "settings") -> list[str]:
    """See that values that must fit together do.

    Args:
        settings: All of them.
        source: Where they are from, for the sentence of an error.

    Returns:
        Sentences to warn with.

    Raises:
        SettingsError: A combination that makes no sense; the sentence says why.
    """
    own = settings.self_training
    _check_pseudo(own.pseudo, source)
    if own.fall_from >= own.fall_to:
        found = f"fall_from {own.fall_from:g} and fall_to {own.fall_to:g}"
        place = "key 'self_training.fall_from'"
        raise SettingsError.at(source, place, "a value below fall_to", found)
    _check_stop(settings, source)
    if settings.source_weight == 0.0 and own.weight == 0.0:
        found = "source_weight 0 and self_training.weight 0"
        raise SettingsError.at(source, "key 'source_weight'", "a loss for the classes", found)
    if own.weight > 0.0 and own.fall_to <= 1.0:
        return [
            f"self_training.fall_to is {own.fall_to:g}: towards the end nothing is learnt from "
            "labels any more; a value above 1 keeps a share of them."
        ]
    return []


def _check_pseudo(pseudo: PseudoLabelSettings, source: str) -> None:
    place = "key 'self_training.pseudo.low_threshold'"
    two = pseudo.below == "two_thresholds"
    if two and (pseudo.low_threshold is None or pseudo.low_threshold >= pseudo.threshold):
        found = "none" if pseudo.low_threshold is None else f"{pseudo.low_threshold:g}"
        expected = f"a value below the threshold {pseudo.threshold:g} for 'two_thresholds'"
        raise SettingsError.at(source, place, expected, found)
    if not two and pseudo.low_threshold is not None:
        expected = "null, because only 'two_thresholds' has a second threshold"
        raise SettingsError.at(source, place, expected, f"{pseudo.low_threshold:g}")
    if pseudo.below.startswith("mask") and pseudo.threshold == 0.0:
        place = "key 'self_training.pseudo.threshold'"
        expected = f"a value above 0, because '{pseudo.below}' masks what is below it"
        raise SettingsError.at(source, place, expected, "0")
    for name in ("class_cap", "total_share"):
        if getattr(pseudo, name) == 0:
            place = f"key 'self_training.pseudo.{name}'"
            hint = "No pseudo label at all is self_training.weight 0."
            raise SettingsError.at(source, place, "a limit above 0, or null for none", "0", hint)


def _check_stop(settings: AdaptationSettings, source: str) -> None:
    start, stop = settings.self_training.start, settings.self_training.stop
    watched, least = stop.domain_threshold, BALANCED_ENTROPY
    if watched is not None and settings.domain.weight == 0.0:
        place = "key 'self_training.stop.domain_threshold'"
        raise SettingsError.at(source, place, "null without a domain loss", f"{watched:g}")
    if watched is not None and settings.domain.reversal and watched < least:
        place = "key 'self_training.stop.domain_threshold'"
        expected = (
            f"at least {least:.4f} (ln 2), the loss of a D that success has left unable to tell "
            "the domains apart"
        )
        raise SettingsError.at(source, place, expected, f"{watched:g}")
    highest = stop.source_threshold
    if highest is not None and start.rule == "threshold" and highest <= start.source_threshold:
        place = "key 'self_training.stop.source_threshold'"
        expected = f"a value above the one at which it starts, {start.source_threshold:g}"
        raise SettingsError.at(source, place, expected, f"{highest:g}")
