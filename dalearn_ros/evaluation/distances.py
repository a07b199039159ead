"""How far away each scored landmark was, and how well it was found: rows for the report."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.matching import Matching
from dalearn_ros.landmarks.types import Labels

Array = npt.NDArray[np.float64]
MOST_ROWS = 4000
BAND_M = 10.0
FEWEST = 5  # landmarks of a band that is drawn


class DistanceRows:
    """Keeps rows of (distance m, class, error px or NaN if missed); every second when too many."""

    def __init__(self, most: int = MOST_ROWS) -> None:
        self.most = most
        self._rows: list[tuple[float, int, float]] = []
        self._every, self._count = 1, 0

    def add(self, truth: Labels, found: Matching) -> None:
        """Take the scored truth of one image.

        Args:
            truth: Ground truth.
            found: What was found of it.
        """
        errors = dict(zip(found.truth.tolist(), found.distance_px.tolist(), strict=True))
        for row in sorted([*errors, *found.missed.tolist()]):
            if self._count % self._every == 0:
                distance, kind = float(truth.range_m[row]), int(truth.class_id[row])
                self._rows.append((distance, kind, errors.get(row, np.nan)))
            self._count += 1
        while len(self._rows) > self.most:
            self._rows = self._rows[::2]
            self._every *= 2

    def table(self) -> Array:
        """(N, 3) distance m, class id, error px; NaN where it was missed."""
        return np.array(self._rows, dtype=np.float64).reshape(-1, 3)

    def bands(self) -> Array:
        """(B, 4) by distance: middle m, share found, median and 95 % of the error px."""
        table = self.table()
        numbers = np.floor(table[:, 0] / BAND_M)
        rows = []
        for number in np.unique(numbers):
            errors = table[numbers == number, 2]
            hits = errors[np.isfinite(errors)]
            if len(errors) < FEWEST:
                continue
            low, high = np.percentile(hits, (50, 95)) if len(hits) else (np.nan, np.nan)
            rows.append(((number + 0.5) * BAND_M, len(hits) / len(errors), low, high))
        return np.array(rows, dtype=np.float64).reshape(-1, 4)
