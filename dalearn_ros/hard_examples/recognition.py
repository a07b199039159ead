"""Recognition accuracy of one image under a model (H5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dalearn_ros.evaluation.matching import match
from dalearn_ros.landmarks.types import Labels, Observations

CONFIDENCE, CORRECT = "confidence", "correct"


@dataclass(frozen=True)
class Recognition:
    """How well the objects of one image were recognised.

    Attributes:
        accuracy: 0 to 1; None: the image has no object that counts.
        classes: Class id → (recognised, true) objects.
    """

    accuracy: float | None
    classes: dict[int, tuple[int, int]]


def recognise(truth: Labels, seen: Observations, measure: str, tau_px: float) -> Recognition:
    """Hold observations against the truth of their image.

    Args:
        truth: N objects; those marked ``ignore`` do not count.
        seen: Observations in the same pixels.
        measure: ``confidence``: the mean score of the true objects, where one that is missed has
            0; ``correct``: the share of them that is recognised. False alarms elsewhere change
            neither.
        tau_px: An object is recognised by an observation of its class within so many pixels, by
            the nearest of several: its score counts, even if a surer one is farther away.
    """
    found = match(truth, seen, tau_px)
    total = len(found.truth) + len(found.missed)
    classes = {}
    hit = truth.class_id[found.truth]
    for class_id in np.unique(truth.class_id[~truth.ignore]).tolist():
        missed = int(np.count_nonzero(truth.class_id[found.missed] == class_id))
        right = int(np.count_nonzero(hit == class_id))
        classes[int(class_id)] = right, right + missed
    if not total:
        return Recognition(None, classes)
    gained = float(seen.score[found.seen].sum()) if measure == CONFIDENCE else len(found.truth)
    return Recognition(gained / total, classes)
