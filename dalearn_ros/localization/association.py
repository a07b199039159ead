"""Which observation is which landmark: joint hypotheses, the likeliest wins.

Every observation may be any landmark of its class that the prior's uncertainty allows, or a false
alarm. One pair says much about the pose: each possible pair is the seed of a hypothesis, whose
pose it corrects (one-point RANSAC, Civera 2010); the hypothesis then takes the pair that is
likeliest given all it has taken, and so on, all hypotheses in lockstep. The joint likelihood of
the whole image decides, so a wrong pair that fits alone loses against pairs that fit together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.candidates import Candidates
from dalearn_ros.localization.pairing import among, nearest_first

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_SEEDS = 48
CURVATURE = 0.06  # share of the prior's spread that the linear step may be wrong by


@dataclass(frozen=True)
class Association:
    """The chosen reading of an image.

    Attributes:
        pairs: (M, 2) row of the observation, position in the candidates.
        log_likelihood: Against the reading that everything is a false alarm; 0 if M is 0.
        doubtful_seen: (D,) rows of observations that were left out because another reading, about
            as likely, takes them otherwise.
    """

    pairs: Ints
    log_likelihood: float
    doubtful_seen: Ints


NOTHING = Association(np.zeros((0, 2), np.int64), 0.0, np.zeros(0, np.int64))


@dataclass(frozen=True)
class _Pairs:
    """P possible pairs, linearised at the prior: residual = observed - by_pose @ step."""

    seen: Ints
    landmark: Ints
    residual: Array  # (P, 2)
    by_pose: Array  # (P, 2, 6)
    noise: Array  # (P, 2, 2)


def associate(
    observations: Observations,
    found: Candidates,
    covariance: Array,
    *,
    noise_px2: Array,
    map_sigma_m: float,
    false_alarm_density: float,
    gate: float,
    ambiguity: float,
) -> Association:
    """Choose the likeliest one-to-one matching of observations with landmarks.

    Args:
        observations: N of one image.
        found: Landmarks that may be in it, seen from the prior pose.
        covariance: (6, 6) of the prior pose.
        noise_px2: (N, 2, 2) of the observations.
        map_sigma_m: Standard deviation of a landmark's place, each axis, metres.
        false_alarm_density: Wrong observations per px² of the image.
        gate: Largest squared Mahalanobis distance of a pair, given the pairs before it.
        ambiguity: Pairs in which the best reading differs from one whose log-likelihood is closer
            than this are left out, and a pair that is not likelier than a false alarm by this.
    """
    pairs = _possible(observations, found, noise_px2, map_sigma_m, gate)
    if not len(pairs.seen):
        return NOTHING
    seeds = np.argsort(np.linalg.det(pairs.noise), kind="stable")[:MOST_SEEDS]
    density = math.log(false_alarm_density)
    taken, score = _grow(pairs, seeds, covariance, density, gate, ambiguity)
    best = int(np.argmax(score))
    if score[best] <= 0.0:
        return NOTHING
    rivals = score > score[best] - ambiguity
    keep = taken[best] & ~_contradicted(pairs, taken[best], taken[rivals])
    chosen = np.stack([pairs.seen[keep], pairs.landmark[keep]], axis=1)
    return Association(chosen, float(score[best]), pairs.seen[taken[best] & ~keep])


def pairs_at(
    observations: Observations,
    found: Candidates,
    noise_px2: Array,
    map_sigma_m: float,
    false_alarm_density: float,
    gate: float,
    ambiguity: float,
) -> Ints:
    """Pairs (M, 2) of one class, likeliest first, from a pose that is known well by now.

    Args:
        observations: N of one image.
        found: Landmarks seen from the pose; their spread is that pose's uncertainty.
        noise_px2: (N, 2, 2) of the observations.
        map_sigma_m: Standard deviation of a landmark's place, each axis, metres.
        false_alarm_density: Wrong observations per px² of the image.
        gate: Largest squared Mahalanobis distance.
        ambiguity: How much likelier than a false alarm a pair must be, log-likelihood.
    """
    pairs = _possible(observations, found, noise_px2, map_sigma_m, gate)
    spread = found.spread_px2[pairs.landmark] + pairs.noise
    cost = np.full((len(observations), len(found)), np.inf)
    gain = _gain(pairs.residual, spread, math.log(false_alarm_density))
    cost[pairs.seen, pairs.landmark] = np.where(gain > ambiguity, -gain, np.inf)
    return nearest_first(cost)


def _possible(
    observations: Observations, found: Candidates, noise_px2: Array, map_sigma_m: float, gate: float
) -> _Pairs:
    """All pairs of one class within the gate of the prior's uncertainty."""
    seen, landmark = np.nonzero(observations.class_id[:, None] == found.class_id[None, :])
    residual = observations.point_px[seen] - found.seen.pixels[landmark]
    spread = found.spread_px2[landmark]
    by_point = found.seen.by_point[landmark]
    noise = noise_px2[seen] + map_sigma_m**2 * by_point @ by_point.transpose(0, 2, 1)
    noise += CURVATURE**2 * np.trace(spread, axis1=1, axis2=2)[:, None, None] * np.eye(2)
    distance2, _ = _distance2(residual, spread + noise)
    near = distance2 <= gate
    return _Pairs(
        seen[near],
        landmark[near],
        residual[near],
        found.seen.by_pose[landmark[near]],
        noise[near],
    )


def _grow(
    pairs: _Pairs, seeds: Ints, prior: Array, log_density: float, gate: float, ambiguity: float
) -> tuple[npt.NDArray[np.bool_], Array]:
    """Grow one hypothesis from each seed: pairs taken (S, P), log-likelihood (S,)."""
    count, size = len(seeds), len(pairs.seen)
    step, covariance = np.zeros((count, 6)), np.tile(prior, (count, 1, 1))
    taken, score = np.zeros((count, size), bool), np.zeros(count)
    free = np.ones((count, size), bool)
    active, chosen = np.arange(count), seeds
    flat = pairs.by_pose.reshape(-1, 6)
    other = (pairs.seen[:, None] != pairs.seen) & (pairs.landmark[:, None] != pairs.landmark)
    while len(active):
        _condition(pairs, chosen, active, step, covariance)
        taken[active, chosen] = True
        free[active] &= other[chosen]
        ahead = (flat @ covariance[active]).reshape(len(active), size, 2, 6)
        spread = np.einsum("spak,pbk->spab", ahead, pairs.by_pose) + pairs.noise
        residual = pairs.residual - (step[active] @ flat.T).reshape(len(active), size, 2)
        distance2, log_det = _distance2(residual, spread)
        gain = _gain_of(distance2, log_det, log_density)
        gain[~free[active] | (distance2 > gate)] = -np.inf
        chosen = np.argmax(gain, axis=1)
        best = gain[np.arange(len(active)), chosen]
        going = best > ambiguity
        score[active] += np.where(going, best, 0.0)
        active, chosen = active[going], chosen[going]
    return taken, score + _first_gain(pairs, seeds, prior, log_density)


def _first_gain(pairs: _Pairs, seeds: Ints, prior: Array, log_density: float) -> Array:
    by_pose = pairs.by_pose[seeds]
    spread = by_pose @ prior @ by_pose.transpose(0, 2, 1) + pairs.noise[seeds]
    return _gain(pairs.residual[seeds], spread, log_density)


def _gain(residual: Array, spread: Array, log_density: float) -> Array:
    """Log-likelihood of pairs (..., 2) against the same observations being false alarms."""
    return _gain_of(*_distance2(residual, spread), log_density)


def _gain_of(distance2: Array, log_det: Array, log_density: float) -> Array:
    return -0.5 * (distance2 + log_det) - (math.log(2.0 * math.pi) + log_density)


def _condition(pairs: _Pairs, chosen: Ints, active: Ints, step: Array, covariance: Array) -> None:
    """Kalman update of each active hypothesis by its chosen pair, in place."""
    by_pose, before = pairs.by_pose[chosen], covariance[active]
    across = before @ by_pose.transpose(0, 2, 1)
    gain = across @ np.linalg.inv(by_pose @ across + pairs.noise[chosen])
    residual = pairs.residual[chosen] - np.einsum("sak,sk->sa", by_pose, step[active])
    step[active] += np.einsum("ska,sa->sk", gain, residual)
    covariance[active] = before - gain @ by_pose @ before


def _distance2(residual: Array, spread: Array) -> tuple[Array, Array]:
    """Squared Mahalanobis distance and log-determinant for (..., 2) and (..., 2, 2)."""
    a, b = spread[..., 0, 0], 0.5 * (spread[..., 0, 1] + spread[..., 1, 0])
    d = spread[..., 1, 1]
    u, v = residual[..., 0], residual[..., 1]
    determinant = np.maximum(a * d - b * b, 1e-12)
    return (d * u * u - 2.0 * b * u * v + a * v * v) / determinant, np.log(determinant)


def _contradicted(
    pairs: _Pairs, best: npt.NDArray[np.bool_], rivals: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Pairs whose observation or landmark one of the rivals (R, P) uses otherwise than the best."""
    other = rivals.any(axis=0) & ~best
    return among(pairs.seen, pairs.seen[other]) | among(pairs.landmark, pairs.landmark[other])
