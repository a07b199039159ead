"""Which observation is which truth: one to one, nearest first, same class, within a tolerance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.types import Labels, Observations
from dalearn_ros.localization.pairing import nearest_first

Rows = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Matching:
    """The outcome in one image; every scored truth and every observation stands in one place.

    Attributes:
        truth: (K,) rows of the truth that were found.
        seen: (K,) rows of the observations that found them.
        distance_px: (K,) between their points.
        missed: Rows of scored truth that nothing found.
        false_alarms: Rows of observations that found nothing.
        set_aside: Rows of observations at truth that is marked ``ignore``: not scored.
    """

    truth: Rows
    seen: Rows
    distance_px: Array
    missed: Rows
    false_alarms: Rows
    set_aside: Rows


def match(truth: Labels, seen: Observations, match_px: float) -> Matching:
    """Match the observations of one image with its truth.

    The closest pair of the same class is taken first, then the next closest of those left over.
    Truth marked ``ignore`` is neither hit nor missed, and an observation of its class within the
    tolerance of it, that found no scored truth, is no false alarm.

    Args:
        truth: Ground truth of the image.
        seen: Observations of the image, in the same pixels.
        match_px: Largest distance of a hit, pixels, inclusive.
    """
    scored = np.flatnonzero(~truth.ignore)
    offsets = truth.point_px[:, None, :] - seen.point_px[None, :, :]
    distance = np.hypot(offsets[..., 0], offsets[..., 1])
    same = truth.class_id[:, None] == seen.class_id[None, :]
    close = same & (distance <= match_px)  # a NaN is never close
    pairs = nearest_first(np.where(close[scored], distance[scored], np.inf))
    truth_rows, seen_rows = scored[pairs[:, 0]], pairs[:, 1]
    left = np.setdiff1d(np.arange(len(seen)), seen_rows)
    aside = close[truth.ignore].any(axis=0)[left]
    return Matching(
        truth=truth_rows,
        seen=seen_rows,
        distance_px=distance[truth_rows, seen_rows],
        missed=np.setdiff1d(scored, truth_rows),
        false_alarms=left[~aside],
        set_aside=left[aside],
    )
