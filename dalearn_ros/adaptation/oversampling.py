"""How often images are drawn so that rare classes come as often as common ones (U12, U22).

Everything is counted in landmarks of whole images: an image has one repeat or more, and each of
its copies is cropped, turned and coloured anew, with its reference points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.settings import field

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class OversamplingSettings:
    """Copies of images with rare classes (U12)."""

    largest: int = field(
        8, "An image is drawn at most so often in a round; 1: no copies.", minimum=1, maximum=1000
    )


def even_repeats(counts: Counts, largest: int) -> Counts:
    """Repeats with which the classes' totals become as even as whole images allow.

    Copies are added one by one where :func:`shortfall` falls most, less readily of an image that
    has copies already, until none makes it fall. Images with equal counts share copies equally,
    the first ones first.

    Args:
        counts: (n, C) how many of each class each image shows, 0 or more.
        largest: Largest number of repeats of an image.

    Returns:
        (n,) repeats, 1 to ``largest``.
    """
    counts = counts[:, counts.any(axis=0)]
    if not counts.size or largest == 1:
        return np.ones(len(counts), dtype=np.int64)
    kinds, kind, sizes = np.unique(counts, axis=0, return_inverse=True, return_counts=True)
    kind = kind.reshape(-1)
    drawn = sizes.copy()
    totals = counts.sum(axis=0)
    while True:
        fall = shortfall(totals) - shortfall(totals + kinds)
        fall[drawn >= largest * sizes] = 0.0
        choice = int(np.argmax(fall / (drawn // sizes)))
        if fall[choice] <= 1e-12:
            return _shared(kind, drawn // sizes, drawn % sizes)
        drawn[choice] += 1
        totals = totals + kinds[choice]


def shortfall(totals: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Mean square of what classes lack of the most frequent one's total, as shares of it.

    Args:
        totals: (..., C) how many there are of each class.

    Returns:
        (...) from 0 (all classes have as many) to below 1.
    """
    most = np.maximum(totals.max(axis=-1, keepdims=True), 1)
    lack: npt.NDArray[np.float64] = np.mean((1.0 - totals / most) ** 2, axis=-1)
    return lack


def repeats_to_total(counts: Counts, total: int, largest: int) -> Counts:
    """Repeats of the few labelled target images, as many in all as there are source images.

    The images keep the proportions of :func:`even_repeats`: each further copy goes to the image
    whose share of them is the least reached (highest averages).

    Args:
        counts: (n, C) as for :func:`even_repeats`.
        total: Draws of source images in a round, their copies included.
        largest: As for :func:`even_repeats`; it limits the proportions only.

    Returns:
        (n,) repeats of 1 or more, ``total`` in all, or 1 each if there are as many images or more.
    """
    shares = even_repeats(counts, largest).astype(np.float64)
    repeats = np.ones(len(shares), dtype=np.int64)
    if not len(shares):
        return repeats
    repeats = np.maximum(1, np.floor(shares * (total / shares.sum())).astype(np.int64))
    while repeats.sum() > max(total, len(repeats)):
        repeats[np.argmin(np.where(repeats > 1, shares / repeats, np.inf))] -= 1
    while repeats.sum() < total:
        repeats[np.argmax(shares / repeats)] += 1
    return repeats


def vanished_classes(before: npt.ArrayLike, after: npt.ArrayLike) -> list[int]:
    """Classes that images showed before some were left out, and none shows now (U22).

    Args:
        before: (n, C) counts of all images.
        after: (m, C) counts of those that stay.

    Returns:
        Class ids, ascending.
    """
    had, has = (np.asarray(counts).sum(axis=0) > 0 for counts in (before, after))
    return [int(class_id) for class_id in np.flatnonzero(had & ~has)]


def _shared(kind: Counts, each: Counts, more: Counts) -> Counts:
    """Repeats of images by their kind: ``each``, and one more for the first ``more`` of a kind."""
    order = np.argsort(kind, kind="stable")
    starts = np.searchsorted(kind[order], np.arange(len(each)))
    place = np.empty(len(kind), dtype=np.int64)
    place[order] = np.arange(len(kind)) - starts[kind[order]]
    repeats: Counts = each[kind] + (place < more[kind])
    return repeats
