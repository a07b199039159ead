"""The choice of a network without target labels."""

from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.adaptation.detector_settings import AdaptSettings, ChoiceSettings
from dalearn_ros.adaptation.selection import CRITERION, Candidate, agreement, choose
from dalearn_ros.coding.decode import Candidates


def _seen(classes, points):
    n = len(classes)
    ones = np.ones(n)
    places = np.array(points, float).reshape(n, 2)
    covariance = np.tile(np.eye(2), (n, 1, 1))
    return Candidates(np.array(classes, int), ones, ones, places, covariance, ones, ones)


def test_agreement_by_hand():
    one = [_seen([1, 2], [[0, 0], [50, 50]]), _seen([1], [[5, 5]])]
    other = [_seen([1, 2, 2], [[3, 4], [50, 70], [55, 50]]), _seen([2], [[5, 5]])]
    assert agreement(one, other, 5.0) == pytest.approx(2 * 2 / 7)
    assert agreement(one, one, 1.0) == 1.0
    assert agreement([_seen([], [])], [_seen([], [])], 5.0) == 0.0, "seeing nothing is no merit"


def _candidate(step, criterion, source):
    return Candidate(Path("x"), step, {CRITERION: criterion, "source/f1": source})


def _settings(**changes):
    return AdaptSettings(choice=ChoiceSettings(**changes))


def test_the_best_criterion_is_taken_the_later_one_of_equals():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.7, 0.8), _candidate(20, 0.7, 0.8)]
    chosen, refused = choose(found, _settings())
    assert chosen.step == 20
    assert refused == ""


def test_adaptation_that_does_not_help_is_refused():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.52, 0.8)]
    chosen, refused = choose(found, _settings(margin=0.05))
    assert chosen.step == 0
    assert refused == "adaptation did not help by target/agreement: 0.520 at best, 0.500 without"


def test_a_network_that_forgets_the_source_is_not_taken():
    found = [_candidate(0, 0.5, 0.8), _candidate(10, 0.9, 0.6), _candidate(20, 0.6, 0.75)]
    assert choose(found, _settings(source_loss=0.1))[0].step == 20
    chosen, refused = choose(found[:2], _settings(source_loss=0.1))
    assert chosen.step == 0
    assert "0.700 on source" in refused
