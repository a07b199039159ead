"""Settings that contradict each other are refused with the reason."""

import dataclasses

import pytest

from dalearn_ros.adaptation.settings import (
    AdaptationSettings,
    DomainSettings,
    PseudoLabelSettings,
    SelfTrainingSettings,
    StartSettings,
    StopSettings,
    check_adaptation,
)
from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import load_settings

BASE = AdaptationSettings()


def _with(**changes):
    return dataclasses.replace(BASE, self_training=SelfTrainingSettings(**changes))


def _pseudo(**changes):
    return _with(pseudo=PseudoLabelSettings(**changes))


def test_the_defaults_make_sense():
    assert check_adaptation(BASE) == []


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (_pseudo(below="two_thresholds"), "found none"),
        (_pseudo(below="two_thresholds", low_threshold=0.9, threshold=0.9), "below the threshold"),
        (_pseudo(low_threshold=0.3), "only 'two_thresholds'"),
        (_pseudo(below="mask_max", threshold=0.0), "masks what is below"),
        (_pseudo(class_cap=0), "limit above 0"),
        (_pseudo(total_share=0.0), "limit above 0"),
        (_with(fall_from=1.0, fall_to=1.0), "below fall_to"),
        (_with(stop=StopSettings(domain_threshold=0.5)), "ln 2"),
        (
            _with(
                start=StartSettings(rule="threshold", source_threshold=0.5),
                stop=StopSettings(source_threshold=0.5),
            ),
            "above the one at which it starts",
        ),
        (
            dataclasses.replace(
                _with(stop=StopSettings(domain_threshold=0.9)), domain=DomainSettings(weight=0.0)
            ),
            "without a domain loss",
        ),
        (dataclasses.replace(_with(weight=0.0), source_weight=0.0), "a loss for the classes"),
    ],
)
def test_contradictions_are_refused(settings, word):
    with pytest.raises(SettingsError, match=word):
        check_adaptation(settings)


def test_a_domain_threshold_below_ln2_is_fine_without_reversal():
    settings = _with(stop=StopSettings(domain_threshold=0.5))
    settings = dataclasses.replace(settings, domain=DomainSettings(reversal=False))
    assert check_adaptation(settings) == []


def test_losing_all_labels_is_warned_of():
    assert "labels" in check_adaptation(_with(fall_to=1.0))[0]
    assert check_adaptation(_with(fall_to=1.0, weight=0.0)) == []


def test_a_cap_of_zero_in_a_file_gets_the_sentence(tmp_path):
    path = tmp_path / "adapt.yaml"
    path.write_text("self_training: {pseudo: {class_cap: 0}}\n")
    with pytest.raises(SettingsError, match="limit above 0"):
        check_adaptation(load_settings(AdaptationSettings, path), str(path))
