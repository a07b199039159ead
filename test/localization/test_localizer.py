"""The localizer on a simulated street: accuracy, honesty, wrong matches, refusals."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.steps import difference, moved
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.localizer import Localizer
from dalearn_ros.localization.settings import LocalizerSettings


def local_error(estimate: Pose, truth: Transform) -> np.ndarray:
    step = difference(estimate.map_from_base, truth)
    ahead = truth.rotation.T @ step[:3]
    return np.array([ahead[0], ahead[1], np.degrees(step[5])])


def drive(street: Any, seed: int, frames: int, **detector: float) -> Any:
    localizer = Localizer(street.landmarks, street.camera, street.mounting)
    for truth, rng in street.drive(seed, frames):
        observations, rows = street.observe(truth, rng, **detector)
        prior = street.prior(truth, rng)
        yield truth, prior, rows, localizer.update(observations, prior)


def test_it_is_much_better_than_the_prior_and_says_how_good(street: Any) -> None:
    errors, priors, nees, wrong = [], [], [], 0
    for truth, prior, rows, result in drive(street, 1, 150):
        assert result.pose is not None, result.reason
        errors.append(np.abs(local_error(result.pose, truth)))
        priors.append(np.abs(local_error(prior, truth)))
        step = difference(result.pose.map_from_base, truth)
        nees.append(step @ np.linalg.solve(result.pose.covariance, step) / 6)
        wrong += int((rows[result.matches[:, 0]] != result.matches[:, 1]).sum())
    error, before = np.median(errors, axis=0), np.median(priors, axis=0)
    assert error[1] < 0.12 and error[1] < 0.5 * before[1]  # lateral
    assert error[0] < 0.5 * before[0] and error[2] < 0.5 * before[2]  # longitudinal, heading
    assert 0.7 < np.mean(nees) < 1.5
    assert wrong == 0


def test_many_false_alarms_do_not_win(street: Any) -> None:
    worst, wrong, total = 0.0, 0, 0
    for truth, _, rows, result in drive(street, 2, 60, false_alarms=5.0, missed=0.3):
        wrong += int((rows[result.matches[:, 0]] != result.matches[:, 1]).sum())
        total += len(result.matches)
        if result.pose is not None:
            worst = max(worst, abs(local_error(result.pose, truth)[1]))
    assert total > 200 and wrong <= 0.01 * total
    assert worst < 1.0


def test_too_few_landmarks_is_said_in_a_sentence(street: Any) -> None:
    localizer = Localizer(street.landmarks, street.camera, street.mounting)
    truth, rng = next(street.drive(3, 1))
    observations, rows = street.observe(truth, rng, missed=0.0, false_alarms=0.0)
    one = localizer.update(observations.select([0]), street.prior(truth, rng, 0.2))
    assert one.pose is None
    assert one.reason == "not enough landmarks: 1 of at least 2"
    none = localizer.update(Observations.empty(0), street.prior(truth, rng))
    assert none.pose is None and "nothing was observed" in none.reason


def test_two_signals_that_cannot_be_told_apart_are_left_out(street: Any) -> None:
    """One observation exactly between two equal landmarks may be either."""
    gantry = np.flatnonzero(street.landmarks.class_id == 5)[:3]
    two = street.landmarks.select(gantry[:2])
    localizer = Localizer(two, street.camera, street.mounting)
    truth = street.pose(two.point_m[0, 0] - 40.0)
    full, _ = dataclasses.replace(
        street, landmarks=two, true_point_m=street.true_point_m[gantry[:2]]
    ).observe(truth, np.random.default_rng(0), missed=0.0, false_alarms=0.0)
    middle = dataclasses.replace(full.select([0]), point_px=full.point_px.mean(axis=0)[None])
    covariance = np.diag([1.0, 4.0, 0.01, 1e-6, 1e-6, 1e-4])
    result = localizer.update(middle, Pose(0, truth, covariance))
    assert result.pose is None and result.doubtful == 1
    assert "may be one landmark or another" in result.reason


def test_landmarks_that_contradict_the_prior_give_no_pose(street: Any) -> None:
    strict = LocalizerSettings(prior_gate=3.0)
    localizer = Localizer(street.landmarks, street.camera, street.mounting, strict)
    truth, rng = next(street.drive(4, 1))
    observations, _ = street.observe(truth, rng, false_alarms=0.0)
    covariance = np.diag([0.8, 0.5, 0.05, 0.002, 0.002, 0.012]) ** 2
    off = Pose(0, moved(truth, np.array([1.6, -0.9, 0, 0, 0, 0.015])), covariance)
    result = localizer.update(observations, off)
    assert result.pose is None and "contradict the prior" in result.reason


@pytest.mark.parametrize("covariance", [None, np.zeros((6, 6))])
def test_a_prior_without_covariance_gets_the_one_of_the_settings(
    street: Any, covariance: Any
) -> None:
    localizer = Localizer(street.landmarks, street.camera, street.mounting)
    truth, rng = next(street.drive(5, 1))
    observations, _ = street.observe(truth, rng)
    start = moved(truth, np.array([0.5, 0.4, 0, 0, 0, 0.01]))
    result = localizer.update(observations, Pose(5, start, covariance))
    assert result.pose is not None and result.pose.stamp_ns == 5
    assert abs(local_error(result.pose, truth)[1]) < 0.4


@pytest.mark.parametrize("broken", ["pose", "covariance", "negative"])
def test_a_broken_prior_is_refused_in_a_sentence(street: Any, broken: str) -> None:
    localizer = Localizer(street.landmarks, street.camera, street.mounting)
    truth, rng = next(street.drive(6, 1))
    observations, _ = street.observe(truth, rng)
    prior = street.prior(truth, rng)
    if broken == "pose":
        place = dataclasses.replace(prior.map_from_base, translation=np.array([np.nan, 0, 0]))
        prior = dataclasses.replace(prior, map_from_base=place)
    else:
        bad = -np.eye(6) if broken == "negative" else np.full((6, 6), np.nan)
        prior = dataclasses.replace(prior, covariance=bad)
    result = localizer.update(observations, prior)
    assert result.pose is None and "not usable" in result.reason


def test_planar_mode_keeps_the_height(street: Any) -> None:
    flat = Localizer(
        street.landmarks, street.camera, street.mounting, LocalizerSettings(planar=True)
    )
    truth, rng = next(street.drive(7, 1))
    observations, _ = street.observe(truth, rng)
    prior = street.prior(truth, rng)
    result = flat.update(observations, prior)
    assert result.pose is not None
    height = prior.map_from_base.translation[2]
    assert result.pose.map_from_base.translation[2] == pytest.approx(height, abs=1e-12)
    assert abs(local_error(result.pose, truth)[1]) < 0.4


def test_matches_and_residuals_belong_together(street: Any) -> None:
    for _, _, rows, result in drive(street, 8, 10):
        assert len(result.matches) == len(result.residual_px) >= 2
        assert np.isfinite(result.residual_px).all() and result.chi2 >= 0.0
        assert len(np.unique(result.matches[:, 0])) == len(result.matches)
        assert len(np.unique(result.matches[:, 1])) == len(result.matches)
        assert result.matches[:, 0].max() < len(rows)
