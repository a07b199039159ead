"""Network outputs to observations: the votes of all anchors are merged (D17).

Every anchor node of a landmark's cells votes for the same reference point. A vote has the weight
P^C, the probability of its class. Votes are taken best first; each starts a landmark and takes
all votes of its class near it, whose weighted mean is the point. The search runs over votes
and not over peaks of a score map, because neighbouring landmarks of different classes (a sign
and its auxiliary sign) share one peak. It stays outside the network's graph, where it is slow.

A model with a calibration then turns what the votes say into the probability that the landmark is
there and its point right: that is its score. Without one the score is the best vote.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.calibration import Calibration, features_of
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.votes import RawOutputs, Votes, gather_votes
from dalearn_ros.core.settings import field
from dalearn_ros.landmarks.types import Observations

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class DecodeSettings:
    """Thresholds of decoding."""

    score_threshold: float = field(
        0.5, "A landmark's score must reach this probability.", minimum=0.01, maximum=1.0
    )
    candidate_threshold: float = field(
        0.3,
        "With a calibration: a landmark's best vote must reach this probability.",
        minimum=0.01,
        maximum=1.0,
    )
    vote_threshold: float = field(
        0.1, "Votes below this probability are not counted.", minimum=0.001, maximum=1.0
    )
    merge_radius_px: float = field(
        12.0,
        "Votes of one class within this distance are one landmark.",
        unit="px",
        minimum=0.5,
        maximum=200.0,
    )
    min_support: float = field(
        0.0, "A landmark's votes must sum to this much probability.", minimum=0.0, maximum=100.0
    )
    max_landmarks: int = field(100, "At most so many landmarks.", minimum=1, maximum=10000)
    variance_scale: float = field(
        1.0,
        "Factor on the covariance that makes it true on validation data.",
        minimum=1e-3,
        maximum=1e3,
    )
    variance_floor_px2: float = field(
        0.0,
        "Added to both variances of a point after that.",
        unit="px²",
        minimum=0.0,
        maximum=1e4,
    )
    range_sigma: float = field(
        0.1, "Relative error of the distance on validation data.", minimum=1e-3, maximum=10.0
    )


@dataclass(frozen=True)
class Candidates:
    """Possible landmarks of one image, the one with the best vote first.

    Attributes:
        class_id: (N,).
        best: (N,) probability of the best vote.
        support: (N,) sum of the votes' probabilities.
        point_px: (N, 2) weighted mean of the votes.
        covariance_px2: (N, 2, 2) weighted spread of the votes plus their weighted mean predicted
            variance. Votes of one landmark share their errors, so the spread is not divided by
            their number.
        log_range: (N,) log of metres, weighted mean.
        range_spread: (N,) weighted standard deviation of the logarithms.
    """

    class_id: Ints
    best: Floats
    support: Floats
    point_px: Floats
    covariance_px2: Floats
    log_range: Floats
    range_spread: Floats

    def __len__(self) -> int:
        return len(self.class_id)

    @property
    def features(self) -> Floats:
        """(N, 4), see :func:`coding.calibration.features_of`."""
        return features_of(self.best, self.support, self.covariance_px2, self.log_range)

    def select(self, index: npt.ArrayLike) -> Candidates:
        """The rows of a mask (N,) or of indices, in that order."""
        columns = (getattr(self, f.name) for f in dataclasses.fields(self))
        return Candidates(*(column[index] for column in columns))


MAX_CANDIDATES = 400  # of an image, before a calibration ranks them


def merge_votes(votes: Votes, settings: DecodeSettings, least: float, limit: int) -> Candidates:
    """Votes to possible landmarks (D17).

    The best vote of a class that is left takes all votes of its class near it, then those near
    their mean. Classes do not touch each other, so each is worked through by itself.

    Args:
        votes: Best first.
        settings: ``merge_radius_px`` and ``min_support``.
        least: Probability that a landmark's best vote must reach.
        limit: At most so many, those with the best votes.
    """
    eligible = int(np.count_nonzero(votes.score >= least))
    merged: list[tuple[int, Ints]] = []
    for class_id in np.unique(votes.class_id[:eligible]):
        rows = np.flatnonzero(votes.class_id == class_id)
        seeds = int(np.searchsorted(rows, eligible))
        found = _merge_class(votes.point_px[rows], votes.score[rows], seeds, settings)
        merged += [(int(rows[seed]), rows[members]) for seed, members in found]
    merged.sort(key=lambda pair: pair[0])
    return _candidates(votes, merged[:limit])


def decode(
    outputs: RawOutputs,
    grid: Grid,
    settings: DecodeSettings,
    stamp_ns: int = 0,
    calibration: Calibration | None = None,
) -> Observations:
    """Outputs of one image to observations in the pixels of the network's input.

    Args:
        outputs: The four maps of one image.
        grid: Subregions and nodes.
        settings: Thresholds.
        stamp_ns: Stamp of the image.
        calibration: Turns votes into the probability of a hit; None: the score is the best vote.

    Returns:
        At most ``max_landmarks`` observations, best first.
    """
    if calibration is None:
        least, limit = settings.score_threshold, settings.max_landmarks
    else:
        least = settings.candidate_threshold
        limit = max(MAX_CANDIDATES, settings.max_landmarks)
    votes = gather_votes(outputs, grid, min(settings.vote_threshold, least))
    found = merge_votes(votes, settings, least, limit)
    if calibration is None:
        return observations_of(found, found.best, settings, stamp_ns)
    score = calibration.probability(found.features, found.class_id)
    order = np.argsort(-score, kind="stable")
    order = order[score[order] >= settings.score_threshold][: settings.max_landmarks]
    return observations_of(found.select(order), score[order], settings, stamp_ns)


def observations_of(
    found: Candidates, score: Floats, settings: DecodeSettings, stamp_ns: int = 0
) -> Observations:
    """Candidates with their scores (N,) as observations, in the same order.

    The covariance is that of the votes times ``variance_scale`` plus ``variance_floor_px2``; the
    distance's relative variance is that of the votes plus ``range_sigma``².
    """
    distance = np.exp(np.minimum(found.log_range, 20.0))
    floor = settings.variance_floor_px2 * np.eye(2)
    return Observations(
        stamp_ns=stamp_ns,
        class_id=found.class_id,
        point_px=found.point_px,
        score=score,
        covariance_px2=found.covariance_px2 * settings.variance_scale + floor,
        range_m=distance,
        sigma_range_m=distance * np.hypot(found.range_spread, settings.range_sigma),
        track_id=np.full(len(found), -1, dtype=np.int64),
    )


def inside_image(point_px: Floats, width: int, height: int) -> Bools:
    """Which points (N, 2) lie on the image: the input is padded, so some may not."""
    size = np.array([width, height])
    return np.asarray(((point_px > -0.5) & (point_px < size - 0.5)).all(axis=1))


def _merge_class(
    point_px: Floats, score: Floats, seeds: int, settings: DecodeSettings
) -> list[tuple[int, Ints]]:
    """Landmarks among the votes of one class, best first: row of the best vote, rows of all."""
    u, v = np.ascontiguousarray(point_px.T)
    free = np.ones(len(score), dtype=bool)
    radius2 = settings.merge_radius_px**2

    def near(center_u: float, center_v: float) -> Ints:
        away_u, away_v = u - center_u, v - center_v
        return np.flatnonzero((away_u * away_u + away_v * away_v <= radius2) & free)

    found: list[tuple[int, Ints]] = []
    for seed in range(seeds):
        if not free[seed]:
            continue
        members = near(u[seed], v[seed])
        weight = score[members]
        total = weight.sum()
        again = near(weight @ u[members] / total, weight @ v[members] / total)
        members = again if len(again) else members
        free[members] = False
        free[seed] = False
        if score[members].sum() >= settings.min_support:
            found.append((seed, members))
    return found


def _candidates(votes: Votes, merged: list[tuple[int, Ints]]) -> Candidates:
    """Weighted sums over the votes of each landmark, all landmarks at once."""
    seeds = np.array([seed for seed, _ in merged], dtype=np.int64)
    if not len(seeds):
        none = np.zeros(0)
        return Candidates(seeds, none, none, np.zeros((0, 2)), np.zeros((0, 2, 2)), none, none)
    members = np.concatenate([rows for _, rows in merged])
    counts = np.array([len(rows) for _, rows in merged])
    owner = np.repeat(np.arange(len(counts)), counts)

    def summed(values: Floats) -> Floats:
        sums: Floats = np.bincount(owner, values, len(counts)).astype(np.float64, copy=False)
        return sums

    score, place = votes.score[members], votes.point_px[members]
    support = summed(score)
    weight = score / support[owner]
    point = np.stack([summed(weight * place[:, 0]), summed(weight * place[:, 1])], axis=1)
    u, v = (place - point[owner]).T
    own = votes.variance_px2[members]
    variance_u = summed(weight * (u * u + own[:, 0]))
    variance_v = summed(weight * (v * v + own[:, 1]))
    across = summed(weight * u * v)
    covariance = np.stack([variance_u, across, across, variance_v], axis=1)
    log_range = summed(weight * votes.log_range[members])
    off = votes.log_range[members] - log_range[owner]
    return Candidates(
        class_id=votes.class_id[seeds],
        best=votes.score[seeds],
        support=support,
        point_px=point,
        covariance_px2=covariance.reshape(-1, 2, 2),
        log_range=log_range,
        range_spread=np.sqrt(summed(weight * off * off)),
    )
