"""The choice of a network without target labels."""

from pathlib import Path

from dalearn_ros.adaptation.detector_settings import AdaptSettings, ChoiceSettings
from dalearn_ros.adaptation.selection import CONTROL, CRITERION, LANDMARKS, Candidate, choose


def _candidate(step, criterion, source, landmarks=4.0, control=0.8):
    figures = {
        CRITERION: criterion,
        CONTROL: control,
        "source/f1": source,
        LANDMARKS: landmarks,
    }
    return Candidate(Path("x"), step, figures)


def _settings(**changes):
    return AdaptSettings(choice=ChoiceSettings(**changes))


def test_the_best_criterion_is_taken_the_later_one_of_equals():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.7, 0.8), _candidate(20, 0.7, 0.8)]
    chosen, refused = choose(found, _settings(), 99)
    assert chosen.step == 20
    assert refused == ""


def test_adaptation_that_does_not_help_is_refused():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.52, 0.8)]
    chosen, refused = choose(found, _settings(margin=0.05), 99)
    assert chosen.step == 0
    assert refused == "adaptation did not help by target/agreement: 0.520 at best, 0.500 without"


def test_a_network_that_forgets_the_source_is_not_taken():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.9, 0.6), _candidate(20, 0.6, 0.75)]
    assert choose(found, _settings(source_loss=0.1), 99)[0].step == 20
    chosen, refused = choose(found[:2], _settings(source_loss=0.1), 99)
    assert chosen.step == 0
    assert "0.700 on source" in refused


def test_a_network_that_sees_far_more_or_fewer_landmarks_is_not_taken():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.9, 0.8, 7.0), _candidate(20, 0.6, 0.8, 5.0)]
    assert choose(found, _settings(factor=1.5), 99)[0].step == 20
    chosen, refused = choose(found[:2], _settings(factor=1.5), 99)
    assert chosen.step == 0
    assert "1.5 times as many landmarks" in refused
    taken = choose(found[:2], _settings(factor=1.5), 99, labelled=True)
    assert taken == (found[1], ""), "labels may teach it to see what the start could not"


def test_after_a_collapse_only_networks_before_it_count():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.6, 0.8), _candidate(20, 0.9, 0.8)]
    assert choose(found, _settings(), 15)[0].step == 10
    chosen, refused = choose(found, _settings(), 5)
    assert chosen.step == 0
    assert "ran away" in refused


def test_agreement_that_rises_on_target_images_and_falls_on_source_ones_is_self_confirmation():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.9, 0.8, control=0.7)]
    chosen, refused = choose(found, _settings(control_loss=0.01), 99)
    assert chosen.step == 0
    assert refused == "adaptation did not help by source/agreement: 0.700 at best, 0.790 needed"
    found.append(_candidate(20, 0.7, 0.8, control=0.795))
    assert choose(found, _settings(control_loss=0.01), 99)[0].step == 20


def test_with_a_few_labels_of_the_target_agreement_must_only_rise():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.51, 0.8, control=0.7)]
    assert choose(found, _settings(), 99, labelled=True) == (found[1], "")
    assert choose(found, _settings(), 99)[0].step == 0
    same = [found[0], _candidate(10, 0.5, 0.8)]
    assert choose(same, _settings(), 99, labelled=True)[0].step == 0
