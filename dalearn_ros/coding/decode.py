"""Network outputs to observations: the votes of all anchors are merged (D17).

Every anchor node of a landmark's cells votes for the same reference point. A vote has the weight
P^C, the probability of its class. Votes are taken best first; each starts a landmark and takes
all votes of its class near it, whose weighted mean is the point. The search runs over votes
and not over peaks of a score map, because neighbouring landmarks of different classes (a sign
and its auxiliary sign) share one peak. It stays outside the network's graph, where it is slow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.grid import Grid
from dalearn_ros.core.settings import field
from dalearn_ros.landmarks.types import Observations

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class DecodeSettings:
    """Thresholds of decoding."""

    score_threshold: float = field(
        0.5, "A landmark's best vote must reach this probability.", minimum=0.01, maximum=1.0
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
    range_sigma: float = field(
        0.1, "Relative error of the distance on validation data.", minimum=1e-3, maximum=10.0
    )


@dataclass(frozen=True)
class RawOutputs:
    """What the network says about one image of h by w cells, channels anchor by anchor.

    Attributes:
        class_logits: (K*(1+M), h, w) logits, background first.
        offset: (K*2, h, w) x and y from the node to the reference point, in cells (D7).
        log_variance: (K*2, h, w) log of the variance of the offset, cells².
        log_range: (K, h, w) log of the distance in metres.
    """

    class_logits: Array
    offset: Array
    log_variance: Array
    log_range: Array


@dataclass(frozen=True)
class Votes:
    """Votes of anchors, best first.

    Attributes:
        class_id: (n,) the most probable landmark class.
        score: (n,) its probability.
        point_px: (n, 2) where the reference point would be.
        variance_px2: (n, 2) predicted variance.
        log_range: (n,) log of metres.
    """

    class_id: Ints
    score: Floats
    point_px: Floats
    variance_px2: Floats
    log_range: Floats


MAX_VOTES = 8192


def gather_votes(outputs: RawOutputs, grid: Grid, threshold: float) -> Votes:
    """The votes above a probability, best first, at most :data:`MAX_VOTES`.

    Cells that cannot reach the threshold are left out by a bound that needs no softmax:
    P^C <= sigmoid(largest landmark logit - background logit).
    """
    nodes, rows, columns = grid.nodes, *outputs.class_logits.shape[1:]
    classes = outputs.class_logits.shape[0] // nodes
    logits = outputs.class_logits.reshape(nodes, classes, rows * columns)
    margin = (logits[:, 1:].max(axis=1) - logits[:, 0]).reshape(-1)
    found = np.flatnonzero(margin > np.log(threshold / (1.0 - min(threshold, 0.999999))))
    if len(found) > MAX_VOTES:
        found = found[np.argpartition(-margin[found], MAX_VOTES)[:MAX_VOTES]]
    node, cell = np.divmod(found, rows * columns)
    chosen = logits[node, :, cell].astype(np.float64)
    chosen -= chosen.max(axis=1, keepdims=True)
    exponent = np.exp(chosen)
    probability = exponent[:, 1:] / exponent.sum(axis=1, keepdims=True)
    class_id = probability.argmax(axis=1) + 1
    score = probability.max(axis=1)
    order = np.argsort(-score, kind="stable")
    order = order[: np.count_nonzero(score >= threshold)]
    node, cell = node[order], cell[order]
    offset = outputs.offset.reshape(nodes, 2, -1)[node, :, cell].astype(np.float64)
    variance = np.exp(outputs.log_variance.reshape(nodes, 2, -1)[node, :, cell].astype(np.float64))
    row, column = np.divmod(cell, columns)
    place = grid.centers_px(row, column) + grid.node_offsets_px[node]
    return Votes(
        class_id=class_id[order],
        score=score[order],
        point_px=place + offset * grid.cell_px,
        variance_px2=variance * float(grid.cell_px) ** 2,
        log_range=outputs.log_range.reshape(nodes, -1)[node, cell].astype(np.float64),
    )


def merge_votes(votes: Votes, settings: DecodeSettings, stamp_ns: int = 0) -> Observations:
    """Votes to landmarks, best first, one a landmark (D17).

    A landmark's covariance is the weighted spread of its votes plus their weighted mean
    predicted variance, times ``variance_scale``. Votes of one landmark share their errors, so
    the spread is not divided by their number.
    """
    free = np.ones(len(votes.score), dtype=bool)
    eligible = int(np.count_nonzero(votes.score >= settings.score_threshold))
    rows: list[tuple[int, float, Floats, Floats, float, float]] = []
    for seed in range(eligible):
        if not free[seed]:
            continue
        same = np.flatnonzero(free & (votes.class_id == votes.class_id[seed]))
        members = _near(votes, same, votes.point_px[seed], settings.merge_radius_px)
        center = np.average(votes.point_px[members], axis=0, weights=votes.score[members])
        again = _near(votes, same, center, settings.merge_radius_px)
        members = again if len(again) else members
        free[members] = False
        free[seed] = False
        if votes.score[members].sum() < settings.min_support:
            continue
        rows.append(_landmark(votes, seed, members, settings))
        if len(rows) == settings.max_landmarks:
            break
    return _observations(rows, stamp_ns)


def decode(
    outputs: RawOutputs, grid: Grid, settings: DecodeSettings, stamp_ns: int = 0
) -> Observations:
    """Outputs of one image to observations in the pixels of the network's input.

    Args:
        outputs: The four maps of one image.
        grid: Subregions and nodes.
        settings: Thresholds.
        stamp_ns: Stamp of the image.

    Returns:
        At most ``max_landmarks`` observations, best first.
    """
    threshold = min(settings.vote_threshold, settings.score_threshold)
    return merge_votes(gather_votes(outputs, grid, threshold), settings, stamp_ns)


def _near(votes: Votes, candidates: Ints, center: Floats, radius_px: float) -> Ints:
    away = votes.point_px[candidates] - center
    return np.asarray(candidates[(away * away).sum(axis=1) <= radius_px * radius_px], np.int64)


def _landmark(
    votes: Votes, seed: int, members: Ints, settings: DecodeSettings
) -> tuple[int, float, Floats, Floats, float, float]:
    weight = votes.score[members] / votes.score[members].sum()
    point = weight @ votes.point_px[members]
    away = votes.point_px[members] - point
    covariance = (away * weight[:, None]).T @ away
    covariance += np.diag(weight @ votes.variance_px2[members])
    log_range = float(weight @ votes.log_range[members])
    spread = float(weight @ (votes.log_range[members] - log_range) ** 2)
    relative = np.sqrt(spread + settings.range_sigma**2)
    distance = float(np.exp(min(log_range, 20.0)))
    class_id, score = int(votes.class_id[seed]), float(votes.score[seed])
    return class_id, score, point, covariance * settings.variance_scale, distance, relative


def _observations(
    rows: list[tuple[int, float, Floats, Floats, float, float]], stamp_ns: int
) -> Observations:
    if not rows:
        return Observations.empty(stamp_ns)
    class_id, score, point, covariance, distance, relative = zip(*rows, strict=True)
    return Observations(
        stamp_ns=stamp_ns,
        class_id=np.array(class_id, dtype=np.int64),
        point_px=np.array(point),
        score=np.array(score),
        covariance_px2=np.array(covariance),
        range_m=np.array(distance),
        sigma_range_m=np.array(distance) * np.array(relative),
        track_id=np.full(len(rows), -1, dtype=np.int64),
    )
