"""How often the detector sees what is there, and whether the camera sees at all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SMALLEST_PX, SIZES = 12.0, 5  # size classes: 12 to 24 px, to 48, to 96, to 192, above
START, START_WEIGHT = 0.7, 10.0  # recall before any data, and how many views that counts as
COLUMNS, ROWS = 4, 2
MEMORY = 40.0  # expected sightings of a part of the image after which older ones have faded
ENOUGH = 8.0  # expected sightings of a part before it can be called blind: of several landmarks
BLIND_SHARE = 0.25
CHANCE = 1e-3


class RecallTable:
    """Share of the landmarks in view that the detector sees, by class and size in the image.

    It is learned on the way. Size stands for distance: a class's signs are of one size.

    Args:
        classes: Number of classes, background included.
    """

    def __init__(self, classes: int) -> None:
        self._seen = np.full((classes, SIZES), START * START_WEIGHT)
        self._expected = np.full((classes, SIZES), START_WEIGHT)

    def of(self, class_id: Ints, side_px: Array) -> Array:
        """Recall (N,) of landmarks by class and longer side in pixels, 0.02 to 0.98."""
        cell = class_id, _size(side_px)
        share: Array = np.clip(self._seen[cell] / self._expected[cell], 0.02, 0.98)
        return share

    def learn(self, class_id: Ints, side_px: Array, seen: Mask, weight: float) -> None:
        """Add one image's landmarks (N,), each counting as ``weight`` of a view."""
        cell = class_id, _size(side_px)
        np.add.at(self._expected, cell, weight)
        np.add.at(self._seen, cell, weight * seen)


class Sight:
    """Which parts of the image have shown nothing lately of what they should: 4 by 2 parts."""

    def __init__(self) -> None:
        self._seen = np.zeros(COLUMNS * ROWS)
        self._expected = np.zeros(COLUMNS * ROWS)

    def add(self, part: Ints, recall: Array, seen: Mask, weight: float) -> None:
        """Add one image's landmarks (N,): their parts of the image, recall, and whether seen."""
        expected = np.bincount(part, weight * recall, COLUMNS * ROWS)
        keep = np.exp(-expected / MEMORY)
        self._expected = self._expected * keep + expected
        self._seen = self._seen * keep + np.bincount(part, weight * seen, COLUMNS * ROWS)

    @property
    def blind(self) -> Mask:
        """(8,) parts in which several landmarks were due and less than a quarter was seen."""
        few = self._seen < BLIND_SHARE * self._expected
        return np.asarray(few & (self._expected >= ENOUGH), dtype=bool)


def part_of(pixels: Array, width: int, height: int) -> Ints:
    """Part (N,) of the image, 0 to 7, in which pixels (N, 2) lie; outside ones the nearest."""
    column = np.clip(pixels[:, 0] / width * COLUMNS, 0, COLUMNS - 1).astype(np.int64)
    row = np.clip(pixels[:, 1] / height * ROWS, 0, ROWS - 1).astype(np.int64)
    return row * COLUMNS + column


def sees_too_little(recall: Array, seen: Mask) -> bool:
    """Whether so few of an image's landmarks are seen that it says more of the camera than of them.

    None at all, or less than a quarter of what is due with a chance below 1 in 1000
    (Poisson-binomial distribution, by convolution).

    Args:
        recall: (N,) probability of each to be seen.
        seen: (N,).
    """
    count = int(seen.sum())
    if count == 0:
        return True
    if count >= BLIND_SHARE * recall.sum():
        return False
    chances = np.ones(1)
    for one in recall.tolist():
        chances = np.convolve(chances, [1.0 - one, one])
    return bool(chances[: count + 1].sum() < CHANCE)


def _size(side_px: Array) -> Ints:
    steps = np.floor(np.log2(np.maximum(side_px, SMALLEST_PX) / SMALLEST_PX))
    return np.clip(steps, 0, SIZES - 1).astype(np.int64)
