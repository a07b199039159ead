"""What makes scores probabilities and covariances true: fitted at validation, used in decoding.

A landmark's best vote says how sure the network is of the class, not that the point is within
reach of the truth: of ten landmarks with a vote of 0.9, fewer than nine are hits. A logistic
model on what is known of a landmark's votes gives the probability of a hit (Platt 1999). Its
covariance is that of the votes times a factor plus a floor, both by maximum likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.settings import field

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

FEATURES = ("logit_best", "log_support", "log_sigma", "log_range")
FEWEST = 20  # hits, and false alarms, that a fit needs
STEPS = 50
SCALES = (1e-3, 1e3)  # smallest and largest factor on a covariance
FLOORS_PX2 = (1e-4, 1e4)


@dataclass(frozen=True)
class Calibration:
    """Logistic model of the probability that a landmark is a hit.

    P = sigmoid(weights · features + class_bias[class - 1]).
    """

    weights: tuple[float, ...] = field((), "One for each of FEATURES.")
    class_bias: tuple[float, ...] = field((), "One for each class, background left out.")

    def probability(self, features: Floats, class_id: Ints) -> Floats:
        """Probability (N,) of a hit.

        Args:
            features: (N, 4), see :func:`features_of`.
            class_id: (N,) 1 to M.
        """
        bias = np.asarray(self.class_bias)[class_id - 1]
        return sigmoid(features @ np.asarray(self.weights) + bias)


def features_of(
    score: Floats, support: Floats, covariance_px2: Floats, log_range: Floats
) -> Floats:
    """What the probability of a hit depends on, (N, 4) in the order of :data:`FEATURES`.

    Args:
        score: (N,) probability of the best vote.
        support: (N,) sum of the votes' probabilities.
        covariance_px2: (N, 2, 2) of the votes, before any factor; its determinant's square root
            counts. Two readings of one place, or a marking that could lie anywhere along an edge,
            have a large one.
        log_range: (N,) log of metres: near landmarks move by more pixels for the same error.
    """
    best = np.clip(score, 1e-6, 1.0 - 1e-6)
    c = covariance_px2
    determinant = c[:, 0, 0] * c[:, 1, 1] - c[:, 0, 1] * c[:, 1, 0]
    columns = [
        np.log(best / (1.0 - best)),
        np.log(np.maximum(support, 1e-6)),
        0.5 * np.log(np.maximum(determinant, 1e-12)),
        np.clip(log_range, -2.0, 8.0),
    ]
    return np.stack(columns, axis=1)


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def fit_probability(
    features: Floats, class_id: Ints, hit: Bools, classes: int, ridge: float = 1.0
) -> Calibration | None:
    """Fit by Newton's method (iteratively reweighted least squares) with a ridge.

    The ridge holds the weights of the standardised features and the classes' differences from
    their common bias towards zero, so a class that hardly occurs is taken as the others are.

    Args:
        features: (N, 4).
        class_id: (N,) 1 to M.
        hit: (N,) the truth.
        classes: M.
        ridge: Its strength, in observations.

    Returns:
        The model; None if there are fewer than :data:`FEWEST` hits or false alarms.
    """
    if min(np.count_nonzero(hit), np.count_nonzero(~hit)) < FEWEST:
        return None
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    classes_of = np.eye(classes)[class_id - 1]
    design = np.hstack([(features - mean) / spread, classes_of, np.ones((len(hit), 1))])
    penalty = np.full(design.shape[1], ridge)
    penalty[-1] = 1e-6
    found = np.zeros(design.shape[1])
    for _ in range(STEPS):
        probability = sigmoid(design @ found)
        slope = design.T @ (probability - hit) + penalty * found
        weight = np.maximum(probability * (1.0 - probability), 1e-6)
        step = np.linalg.solve((design.T * weight) @ design + np.diag(penalty), slope)
        found = found - step * min(1.0, 4.0 / max(1e-12, float(np.abs(step).max())))
        if float(np.abs(step).max()) < 1e-8:
            break
    count = features.shape[1]
    weights = found[:count] / spread
    bias = found[count:-1] + found[-1] - weights @ mean
    return Calibration(tuple(weights.tolist()), tuple(bias.tolist()))


def fit_covariance(
    error_px: Floats, covariance_px2: Floats, truth_px2: Floats
) -> tuple[float, float]:
    """Factor and floor that make covariances true, by maximum likelihood.

    The errors are taken as N(0, factor·C + floor·I + T) with C the covariance of the votes and T
    that of the truth itself (the map's noise, the pose it was projected with), so the factor and
    the floor belong to the detector alone. Fisher scoring on their logarithms.

    Args:
        error_px: (N, 2) seen minus true.
        covariance_px2: (N, 2, 2), C.
        truth_px2: (N, 2, 2), T.

    Returns:
        Factor, and floor in px²; 1 and 0 without an error to fit to.
    """
    if not len(error_px):
        return 1.0, 0.0
    low = np.log([SCALES[0], FLOORS_PX2[0]])
    high = np.log([SCALES[1], FLOORS_PX2[1]])
    logs = np.log([0.5, 0.5])
    for _ in range(STEPS):
        scale, floor = np.exp(logs)
        parts = np.stack(
            [scale * covariance_px2, np.broadcast_to(floor * np.eye(2), truth_px2.shape)]
        )
        inverse = np.linalg.inv(parts.sum(axis=0) + truth_px2)
        turned = inverse @ parts  # (2, N, 2, 2): M⁻¹D for each logarithm
        pull = np.einsum("ni,knij,njl,nl->k", error_px, turned, inverse, error_px)
        slope = 0.5 * (np.einsum("knii->k", turned) - pull)
        fisher = 0.5 * np.einsum("anij,bnji->ab", turned, turned) + 1e-6 * np.eye(2)
        step = np.clip(np.linalg.solve(fisher, slope), -1.0, 1.0)
        before, logs = logs, np.clip(logs - step, low, high)
        if float(np.abs(logs - before).max()) < 1e-6:
            break
    return float(np.exp(logs[0])), float(np.exp(logs[1]))
