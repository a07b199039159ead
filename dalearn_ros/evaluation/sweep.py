"""Precision and recall over score thresholds, and the area under them (average precision).

At each threshold the claims below it are dropped and the rest is matched anew, as
:func:`dalearn_ros.evaluation.matching.match` does it. A claim's entry into the curve is therefore
two small numbers: by how much hits and false alarms change when the threshold falls to its score.
Mostly it adds one hit or one false alarm; where two claims are within reach of one truth it may
take the hit from another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.matching import Matching, match
from dalearn_ros.landmarks.types import Labels, Observations

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

THRESHOLDS = tuple(round(0.02 * i, 2) for i in range(50))  # of the curve in metrics.json


@dataclass(frozen=True)
class Events:
    """Claims of one image, by what they change as the threshold falls to their score.

    Attributes:
        class_id: (K,).
        score: (K,).
        hits: (K,) change of the number of hits: mostly 0 or 1.
        false_alarms: (K,) change of the number of false alarms.
    """

    class_id: Ints
    score: Array
    hits: Ints
    false_alarms: Ints


def events_of(truth: Labels, seen: Observations, match_px: float, found: Matching) -> Events:
    """The claims of one image.

    Args:
        truth: Its truth, ignored rows included.
        seen: Its observations.
        match_px: Largest distance of a hit, pixels.
        found: Their matching within ``match_px``.
    """
    disputed = _disputed(truth, seen, match_px)
    claims = np.concatenate([found.seen, found.false_alarms]).astype(np.int64)
    hit = np.arange(len(claims)) < len(found.seen)
    plain = ~np.isin(seen.class_id[claims], disputed)
    claims, hit = claims[plain], hit[plain]
    parts = [Events(seen.class_id[claims], seen.score[claims], hit.astype(np.int64), 1 - hit)]
    parts += [_rematched(truth, seen, match_px, int(number)) for number in disputed]
    return Events(
        np.concatenate([part.class_id for part in parts]),
        np.concatenate([part.score for part in parts]),
        np.concatenate([part.hits for part in parts]),
        np.concatenate([part.false_alarms for part in parts]),
    )


def _disputed(truth: Labels, seen: Observations, match_px: float) -> Ints:
    """Classes with several claims within reach of one truth, or the other way round."""
    rows = truth.select(~truth.ignore)
    offsets = rows.point_px[:, None, :] - seen.point_px[None, :, :]
    close = np.hypot(offsets[..., 0], offsets[..., 1]) <= match_px
    close &= rows.class_id[:, None] == seen.class_id[None, :]
    several = close & ((close.sum(axis=0) > 1)[None, :] | (close.sum(axis=1) > 1)[:, None])
    return np.unique(seen.class_id[several.any(axis=0)]).astype(np.int64)


def _rematched(truth: Labels, seen: Observations, match_px: float, number: int) -> Events:
    """The claims of one class, matched at each of their scores."""
    truth = truth.select(truth.class_id == number)
    seen = seen.select(seen.class_id == number)
    levels = np.unique(seen.score)[::-1]
    counts = np.zeros((len(levels) + 1, 2), np.int64)
    for row, level in enumerate(levels, 1):
        found = match(truth, seen.select(seen.score >= level), match_px)
        counts[row] = len(found.truth), len(found.false_alarms)
    changes: Ints = counts[1:] - counts[:-1]
    return Events(np.full(len(levels), number), levels, changes[:, 0], changes[:, 1])


@dataclass(frozen=True)
class Curve:
    """Hits and false alarms at every threshold that changes them, the highest first.

    Attributes:
        threshold: (T,) claims with this score or more count.
        hits: (T,).
        false_alarms: (T,).
        support: Scored truths.
    """

    threshold: Array
    hits: Ints
    false_alarms: Ints
    support: int

    @property
    def precision(self) -> Array:
        """(T,) NaN where nothing is claimed."""
        claimed = self.hits + self.false_alarms
        return np.where(claimed > 0, self.hits / np.maximum(claimed, 1), math.nan)

    @property
    def recall(self) -> Array:
        """(T,) NaN without truth."""
        known = self.support > 0
        return self.hits / self.support if known else np.full(len(self.hits), math.nan)

    @property
    def f1(self) -> Array:
        """(T,) NaN where nothing is claimed and nothing is there."""
        total = self.hits + self.false_alarms + self.support
        return np.where(total > 0, 2.0 * self.hits / np.maximum(total, 1), math.nan)


def curve_of(score: Array, hits: Ints, false_alarms: Ints, support: int) -> Curve:
    """The curve of the claims of any number of images; see :class:`Events` for the columns."""
    threshold, place = np.unique(-score, return_inverse=True)
    sums = [
        np.bincount(place, weights=column, minlength=len(threshold)).astype(np.int64).cumsum()
        for column in (hits, false_alarms)
    ]
    return Curve(-threshold, sums[0], sums[1], support)


def average_precision(curve: Curve) -> float:
    """Area under precision over recall; NaN without truth, 0 without a hit.

    Precision at a recall is the best precision at that recall or a higher one (all points, as in
    PASCAL VOC since 2010). Beyond the highest recall that is reached it is 0.
    """
    if not curve.support:
        return math.nan
    order = np.lexsort((-np.nan_to_num(curve.precision), curve.recall))
    recall, precision = curve.recall[order], np.nan_to_num(curve.precision[order])
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * best))


def sweep_result(curve: Curve) -> dict[str, Any]:
    """The key ``sweep`` of metrics.json: figures at fixed thresholds, and the best F1."""
    count = np.searchsorted(-curve.threshold, -np.array(THRESHOLDS), side="right")
    rows = Curve(
        np.array(THRESHOLDS),
        np.concatenate([[0], curve.hits])[count],
        np.concatenate([[0], curve.false_alarms])[count],
        curve.support,
    )
    best: dict[str, float] = dict.fromkeys(("threshold", "precision", "recall", "f1"), math.nan)
    if len(curve.f1) and np.isfinite(curve.f1).any():
        k = int(np.nanargmax(curve.f1))
        best = {name: float(getattr(curve, name)[k]) for name in best}
    return {
        "threshold": list(THRESHOLDS),
        **{name: getattr(rows, name).tolist() for name in ("precision", "recall", "f1")},
        "best": best,
    }
