"""Scores become probabilities, covariances true."""

import numpy as np
import pytest

from dalearn_ros.coding.calibration import (
    FEATURES,
    Calibration,
    features_of,
    fit_covariance,
    fit_probability,
    sigmoid,
)

WEIGHTS = np.array([0.8, 0.4, -1.2, 0.3])
BIAS = np.array([-0.5, 0.5, 1.0])


def _simulated(count=20000, seed=2):
    random = np.random.default_rng(seed)
    features = random.normal(0, 1, (count, 4)) * [2.0, 1.0, 0.7, 0.5] + [1.0, 3.0, 1.0, 3.0]
    class_id = random.integers(1, 4, count)
    chance = sigmoid(features @ WEIGHTS - 1.0 + BIAS[class_id - 1])
    return features, class_id, random.random(count) < chance, chance


def test_features_by_hand():
    covariance = np.array([[[4.0, 1.0], [1.0, 2.0]]])  # determinant 7
    found = features_of(np.array([0.8]), np.array([12.0]), covariance, np.array([3.0]))
    assert found[0] == pytest.approx([np.log(4.0), np.log(12.0), 0.5 * np.log(7.0), 3.0])
    assert len(FEATURES) == found.shape[1]


def test_features_are_finite_at_the_ends():
    flat = np.zeros((2, 2, 2))
    found = features_of(np.array([0.0, 1.0]), np.zeros(2), flat, np.array([-np.inf, np.inf]))
    assert np.isfinite(found).all()


def test_probability_by_hand():
    calibration = Calibration((1.0, 0.0, 0.0, 0.0), (0.0, np.log(3.0)))
    features = np.array([[np.log(4.0), 9.0, 9.0, 9.0], [0.0, 0.0, 0.0, 0.0]])
    assert calibration.probability(features, np.array([1, 2])) == pytest.approx([0.8, 0.75])


def test_known_coefficients_are_recovered():
    features, class_id, hit, chance = _simulated()
    found = fit_probability(features, class_id, hit, 3)
    assert found is not None
    assert found.weights == pytest.approx(WEIGHTS, abs=0.1)
    assert np.array(found.class_bias) == pytest.approx(BIAS - 1.0, abs=0.4)
    assert np.diff(found.class_bias) == pytest.approx(np.diff(BIAS), abs=0.2)
    assert np.abs(found.probability(features, class_id) - chance).mean() < 0.01


def test_a_class_that_never_occurs_is_taken_as_the_others():
    features, class_id, hit, _ = _simulated(4000)
    found = fit_probability(features, class_id, hit, 4)
    assert found is not None
    assert min(found.class_bias[:3]) < found.class_bias[3] < max(found.class_bias[:3])


def test_hits_that_a_feature_tells_apart_still_have_finite_weights():
    features, class_id, _, _ = _simulated(400)
    found = fit_probability(features, class_id, features[:, 0] > 1.0, 3)
    assert found is not None and np.isfinite(found.weights).all()
    chance = found.probability(features, class_id)
    assert ((chance > 0.5) == (features[:, 0] > 1.0)).mean() > 0.95


def test_too_little_to_fit_to():
    features, class_id, hit, _ = _simulated(400)
    few = np.flatnonzero(hit)[19:]
    rest = np.setdiff1d(np.arange(400), few)
    assert fit_probability(features[rest], class_id[rest], hit[rest], 3) is None


def test_factor_and_floor_of_simulated_errors_are_recovered():
    random = np.random.default_rng(5)
    count = 20000
    root = random.normal(0, 1, (count, 2, 2)) * random.uniform(0.3, 3.0, (count, 1, 1))
    covariance = root @ root.transpose(0, 2, 1)
    truth = random.uniform(0.0, 4.0, (count, 1, 1)) * np.eye(2)
    total = 0.4 * covariance + 0.7 * np.eye(2) + truth
    error = (np.linalg.cholesky(total) @ random.normal(0, 1, (count, 2, 1)))[:, :, 0]
    scale, floor = fit_covariance(error, covariance, truth)
    assert scale == pytest.approx(0.4, rel=0.05)
    assert floor == pytest.approx(0.7, rel=0.1)


def test_the_likeliest_covariance_of_equal_errors():
    # With C = I and errors (3, 4) the likeliest isotropic variance is 25 / 2.
    error = np.tile([3.0, 4.0], (30, 1))
    eye, none = np.tile(np.eye(2), (30, 1, 1)), np.zeros((30, 2, 2))
    assert sum(fit_covariance(error, eye, none)) == pytest.approx(12.5, rel=1e-3)


def test_no_errors_change_nothing():
    empty = np.zeros((0, 2, 2))
    assert fit_covariance(np.zeros((0, 2)), empty, empty) == (1.0, 0.0)
