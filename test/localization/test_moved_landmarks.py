"""The mixture over which landmarks have moved, against the same computed without shortcuts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from dalearn_ros.localization.moved_landmarks import mixture

RATIO, SHARE = 30.0, 0.1
OTHERS = 2  # unknowns beside pose and landmarks


class Model:
    """A linear model: pixels = of the pose, two others and three errors of each landmark."""

    def __init__(self, landmarks: int, shifted: dict[int, np.ndarray], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.count, first = landmarks, 6 + OTHERS
        self.a = rng.standard_normal((6 * landmarks, first))
        self.b = np.zeros((6 * landmarks, 3 * landmarks))
        for k in range(landmarks):
            self.b[6 * k : 6 * k + 6, 3 * k : 3 * k + 3] = rng.standard_normal((6, 3))
        own = rng.standard_normal(3 * landmarks)
        for k, shift in shifted.items():
            own[3 * k : 3 * k + 3] = shift
        truth = rng.standard_normal(first)
        noise = rng.standard_normal(6 * landmarks)
        self.seen = self.a @ truth + self.b @ own + noise

    def sigma(self, moved: tuple[int, ...]) -> np.ndarray:
        """Standard deviation of all landmarks' errors."""
        return np.repeat([RATIO if k in moved else 1.0 for k in range(self.count)], 3)

    def estimate(self, moved: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Normal matrix and least-squares solution of a supposition."""
        whole = np.hstack([self.a, self.b])
        priors = np.concatenate([np.ones(6 + OTHERS), 1.0 / self.sigma(moved) ** 2])
        normal = whole.T @ whole + np.diag(priors)
        return normal, np.linalg.solve(normal, whole.T @ self.seen)

    def log_evidence(self, moved: tuple[int, ...]) -> float:
        """Of what was seen, by SciPy."""
        wide = self.b * self.sigma(moved)
        covariance = np.eye(len(self.seen)) + self.a @ self.a.T + wide @ wide.T
        count = len(moved)
        odds = count * np.log(SHARE) + (self.count - count) * np.log(1.0 - SHARE)
        return float(multivariate_normal(cov=covariance).logpdf(self.seen) + odds)

    def all(self, lead: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean and covariance of the first unknowns, probability of each landmark to have moved."""
        sets = [
            s for n in range(self.count + 1) for s in itertools.combinations(range(self.count), n)
        ]
        logs = np.array([self.log_evidence(one) for one in sets])
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        found = [self.estimate(one) for one in sets]
        means = np.array([solution[:lead] for _, solution in found])
        mean = weights @ means
        covariance = sum(
            w * (np.linalg.inv(normal)[:lead, :lead] + np.outer(m - mean, m - mean))
            for w, (normal, _), m in zip(weights, found, means, strict=True)
        )
        moved = np.array(
            [
                sum(w for w, s in zip(weights, sets, strict=True) if k in s)
                for k in range(self.count)
            ]
        )
        return mean, np.asarray(covariance), moved


@pytest.mark.parametrize("lead", [6, 6 + OTHERS])
@pytest.mark.parametrize("base", [(), (1,), (0, 2)])
@pytest.mark.parametrize("shifted", [{}, {1: np.array([9.0, -4.0, 2.0])}])
def test_the_mixture_is_that_of_all_suppositions(
    base: tuple[int, ...], shifted: dict[int, np.ndarray], lead: int
) -> None:
    model = Model(3, shifted, seed=len(shifted))
    normal, solution = model.estimate(base)
    marked = np.isin(np.arange(3), base)
    errors = solution[6 + OTHERS :].reshape(-1, 3)
    found = mixture(normal, errors, marked, RATIO, SHARE, lead)
    mean, covariance, moved = model.all(lead)
    np.testing.assert_allclose(solution[:lead] + found.step, mean, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.moved, moved, atol=1e-8)
    if shifted:
        assert found.moved[1] > 0.9


def test_a_wrong_start_is_left_behind() -> None:
    """More landmarks wrong than a set may have: five taken for standing, then six for moved."""
    far = {k: np.array([15.0, -9.0, 7.0]) * (-1) ** k for k in range(5)}
    for shifted, base in ((far, ()), ({}, (0, 1, 2, 3, 4, 5))):
        model = Model(8, shifted, seed=7)
        normal, solution = model.estimate(base)
        errors = solution[6 + OTHERS :].reshape(-1, 3)
        found = mixture(normal, errors, np.isin(np.arange(8), base), RATIO, SHARE, 6)
        mean, covariance, moved = model.all()
        np.testing.assert_allclose(found.moved, moved, atol=0.01)
        sigma = np.sqrt(np.diag(covariance))
        assert np.abs((solution[:6] + found.step - mean) / sigma).max() < 0.05
        np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), sigma, rtol=0.02)


def test_the_solution_is_the_least_squares_of_the_likeliest_supposition() -> None:
    model = Model(3, {2: np.array([12.0, 0.0, 5.0])}, seed=4)
    normal, solution = model.estimate(())
    found = mixture(
        normal, solution[6 + OTHERS :].reshape(-1, 3), np.zeros(3, bool), RATIO, SHARE, 6
    )
    _, best = model.estimate((2,))
    np.testing.assert_allclose(solution + found.solution, best, rtol=1e-6, atol=1e-8)


def test_many_landmarks_are_searched_and_those_that_moved_are_found() -> None:
    shift = np.array([12.0, -8.0, 6.0])
    model = Model(14, {3: shift, 9: -shift, 11: shift}, seed=2)
    normal, solution = model.estimate(())
    errors = solution[6 + OTHERS :].reshape(-1, 3)
    found = mixture(normal, errors, np.zeros(14, bool), RATIO, SHARE, 6)
    assert set(np.flatnonzero(found.moved > 0.5)) == {3, 9, 11}
