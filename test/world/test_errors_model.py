"""The errors that a drive carries are those of the protocol."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from dalearn_ros.core.randomness import generator
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world import errors_model as em


def test_ornstein_uhlenbeck_has_its_sigma_and_correlation_time() -> None:
    rng = np.random.default_rng(0)
    dt, n = 0.5, 400_000
    series = em.ornstein_uhlenbeck(rng, n, dt, 0.5, 20.0)
    # The standard deviation of the estimate from n·dt/(2·tau) independent samples is 0.7 %.
    assert abs(series.std() / 0.5 - 1.0) < 0.03
    for lag_s in (5.0, 20.0, 40.0):
        lag = int(lag_s / dt)
        correlation = np.mean(series[:-lag] * series[lag:]) / series.var()
        assert abs(correlation - math.exp(-lag_s / 20.0)) < 0.04


def test_the_prior_is_of_the_declared_covariance_over_many_drives() -> None:
    yaw = 0.7
    truth = Transform.from_euler(0.0, 0.0, yaw, (10.0, 20.0, 1.0))
    rows = []
    for seed in range(4000):
        errors = em.PriorErrors.draw(generator(seed, "errors"), 1, 0.02)
        prior = errors.apply(truth, 0)
        turned = math.remainder(prior.yaw_rad - yaw, 2 * math.pi)
        rows.append([*(prior.translation - truth.translation)[:2], turned])
    sample = np.cov(np.array(rows).T)
    declared = em.prior_covariance(yaw)
    np.testing.assert_allclose(sample[:2, :2], declared[:2, :2], atol=0.04)
    assert abs(sample[2, 2] / declared[5, 5] - 1.0) < 0.1
    # Along the vehicle 0.8 m, across it 0.5 m: by hand from the rotation by 0.7 rad.
    c, s = math.cos(0.7), math.sin(0.7)
    assert math.isclose(declared[0, 0], c * c * 0.64 + s * s * 0.25)
    assert math.isclose(declared[0, 1], c * s * (0.64 - 0.25))
    assert math.isclose(declared[5, 5], math.radians(0.7) ** 2)


def test_the_declared_covariance_is_consistent_over_time() -> None:
    """Mean normalised error squared per degree of freedom, one sample per 5 s (protocol)."""
    values = []
    for seed in range(60):
        errors = em.PriorErrors.draw(np.random.default_rng(seed), 1500, 0.02)
        pick = slice(None, None, 250)
        values += list((errors.lateral[pick] / 0.5) ** 2 + (errors.longitudinal[pick] / 0.8) ** 2)
    assert 0.85 < np.mean(values) / 2.0 < 1.15


def test_odometry_stretches_and_drifts_as_declared() -> None:
    truth = [Transform.from_euler(0, 0, 0, (0.2 * i, 0.0, 0.0)) for i in range(501)]  # 10 s, 10 m/s
    poses, scale, drift = em.odometry(np.random.default_rng(3), truth, 0.02)
    assert abs(scale) == 0.01
    assert math.isclose(abs(drift), math.radians(0.05))
    assert math.isclose(poses[-1].yaw_rad, drift * 10.0, rel_tol=1e-6)
    length = sum(np.linalg.norm(b.translation - a.translation) for a, b in pairwise(poses))
    assert math.isclose(length, 100.0 * (1.0 + scale), rel_tol=1e-6)


def test_map_noise_is_five_centimetres() -> None:
    noise = em.map_noise(np.random.default_rng(0), 20_000)
    np.testing.assert_allclose(noise.std(axis=0), 0.05, rtol=0.03)
    np.testing.assert_allclose(noise.mean(axis=0), 0.0, atol=0.002)
