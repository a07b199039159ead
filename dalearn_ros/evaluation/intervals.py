"""95 % intervals over images: each draw takes as many images as there are, with replacement."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DRAWS = 2000
_AT_ONCE = 4_000_000  # numbers of a table


def draw_images(images: int) -> Ints:
    """(DRAWS, N) how often each of N images is in each draw; the same numbers for the same N."""
    rows = np.random.default_rng(0).integers(0, images, (DRAWS, images))
    return np.stack([np.bincount(row, minlength=images) for row in rows]).astype(np.int64)


def drawn_f1(counts: Ints, drawn: Ints) -> Array:
    """(DRAWS, ...) F1 of each draw; 0 where a draw has nothing to find and nothing found.

    Args:
        counts: (N, ..., 3) hits, false alarms and misses of each image, such as (N, classes, 3).
        drawn: Of :func:`draw_images`.
    """
    sums = drawn @ counts.reshape(len(counts), -1)
    hits, wrong, missed = np.moveaxis(sums.reshape(len(drawn), *counts.shape[1:]), -1, 0)
    return np.asarray(2.0 * hits / np.maximum(2 * hits + wrong + missed, 1), np.float64)


def drawn_median(values: Array, image: Ints, drawn: Ints) -> Array:
    """(DRAWS,) median of the values of the images in each draw; NaN where they have none.

    Args:
        values: (K,) such as the errors of all hits; finite.
        image: (K,) number of the image that each is of.
        drawn: Of :func:`draw_images`.
    """
    medians = np.full(len(drawn), math.nan)
    order = np.argsort(values, kind="stable")
    values, image = values[order], image[order]
    if not len(values):
        return medians
    step = max(1, _AT_ONCE // len(values))
    for first in range(0, len(drawn), step):
        reached = drawn[first : first + step, image].cumsum(axis=1)
        total = reached[:, -1:]
        low = (reached > (total - 1) // 2).argmax(axis=1)
        high = (reached > total // 2).argmax(axis=1)
        middle = (values[low] + values[high]) / 2.0
        medians[first : first + step] = np.where(total[:, 0] > 0, middle, math.nan)
    return medians


def interval(values: Array) -> tuple[float, float]:
    """The middle 95 % of the finite values of all draws; NaN without any."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return math.nan, math.nan
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)


def f1_interval(counts: Ints) -> tuple[float, float]:
    """95 % of the F1 over images.

    Args:
        counts: (N, 3) hits, false alarms and misses of each image.
    """
    return interval(drawn_f1(counts, draw_images(len(counts))))
