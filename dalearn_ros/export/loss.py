"""What a model in a lower precision loses on real frames: against truth, and against fp32."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.progress import track
from dalearn_ros.evaluation.bands import spread
from dalearn_ros.evaluation.detection import MATCH_PX, scores
from dalearn_ros.evaluation.matching import match
from dalearn_ros.export.frames import Frames
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations

Truth = tuple[Labels, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Quality:
    """How well observations fit what is taken for true.

    Attributes:
        f1: Micro F1 at 8 px; NaN if nothing is true and nothing was seen.
        median_px: Median distance of the hits' points; NaN without hits.
        p95_px: The 95th percentile.
    """

    f1: float
    median_px: float
    p95_px: float


@dataclass(frozen=True)
class Loss:
    """A model beside the fp32 one that it was made from, on the same frames.

    Attributes:
        frames: How many.
        before: The fp32 model against truth.
        after: The converted model against truth.
        apart: The converted model against what the fp32 one sees: how much they agree, and how far
            the same landmark lies apart in the two.
    """

    frames: int
    before: Quality
    after: Quality
    apart: Quality

    @property
    def f1(self) -> float:
        """F1 that was lost; below 0 if some was won."""
        return self.before.f1 - self.after.f1

    def closer_than(self, other: Loss) -> bool:
        """Whether this one stays closer to fp32: first in what it sees, then in the points."""
        return _rank(self.apart) < _rank(other.apart)

    def __str__(self) -> str:
        """One line for people."""
        one, other, apart = self.before, self.after, self.apart
        return (
            f"on {self.frames} frames F1 {one.f1:.3f} -> {other.f1:.3f}, point error "
            f"{one.median_px:.2f} -> {other.median_px:.2f} px median, {one.p95_px:.2f} -> "
            f"{other.p95_px:.2f} px p95; points moved by {apart.median_px:.2f} px median, "
            f"{apart.p95_px:.2f} px p95"
        )


def observe(detector: LandmarkDetector, frames: Frames, label: str) -> list[Observations]:
    """What a detector sees in each frame."""
    rows = track(range(len(frames)), label=label)
    return [detector.detect(frames.image(row)) for row in rows]


def loss_between(
    before: Sequence[Observations], after: Sequence[Observations], truth: Sequence[Truth]
) -> Loss:
    """Judge what two models saw in the same frames.

    Args:
        before: Of the fp32 model, one a frame.
        after: Of the converted model, one a frame.
        truth: Of each frame the labels, and (N,) those whose point is a stand-in.
    """
    return Loss(
        frames=len(truth),
        before=_quality(truth, before),
        after=_quality(truth, after),
        apart=_quality([_as_truth(seen) for seen in before], after),
    )


def _quality(truth: Sequence[Truth], seen: Sequence[Observations]) -> Quality:
    hits = false_alarms = missed = 0
    distances = [np.zeros(0)]
    for (labels, approximate), observations in zip(truth, seen, strict=True):
        found = match(labels, observations, MATCH_PX)
        hits += len(found.truth)
        false_alarms += len(found.false_alarms)
        missed += len(found.missed)
        distances.append(found.distance_px[~approximate[found.truth]])
    points = spread(np.concatenate(distances))
    f1 = scores(hits, false_alarms, missed)["f1"]
    return Quality(f1, points["median"], points["p95"])


def _as_truth(seen: Observations) -> Truth:
    """Observations in the place of truth, all of them scored."""
    count = len(seen)
    labels = Labels(
        class_id=seen.class_id,
        point_px=seen.point_px,
        outlines_px=Ragged.of([np.zeros((0, 2))] * count, 2),
        range_m=seen.range_m,
        visible=np.ones(count),
        map_id=np.full(count, ""),
        covariance_px2=seen.covariance_px2,
        ignore=np.zeros(count, np.bool_),
    )
    return labels, np.zeros(count, np.bool_)


def _rank(apart: Quality) -> tuple[float, float]:
    """Smaller is closer; differences in F1 below a thousandth do not count."""
    agreement = apart.f1 if math.isfinite(apart.f1) else -1.0
    return -round(agreement, 3), apart.median_px if math.isfinite(apart.median_px) else math.inf
