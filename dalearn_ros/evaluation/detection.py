"""Detection metrics: precision, recall, F1, errors of point and distance, calibration."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.calibration import REACH, CalibrationScore
from dalearn_ros.evaluation.matching import Matching, match
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, Observations

MATCH_PX = 8.0
WIDTH_SHARE = 0.006  # the tolerance for images of different sizes: 0.6 % of the width
BANDS_M = (0.0, 10.0, 20.0, 40.0, 60.0, math.inf)


class DetectionScore:
    """Counts hits, misses and false alarms frame by frame; memory grows with the hits only.

    Args:
        label_space: Names of the classes.
        match_px: The tolerance of the main figures, pixels.
    """

    def __init__(self, label_space: LabelSpace, match_px: float = MATCH_PX) -> None:
        self.label_space = label_space
        self.match_px = match_px
        self.frames = 0
        self._size: set[tuple[int, int]] = set()
        self._counts = {
            name: np.zeros((3, len(label_space)), np.int64) for name in ("main", "4", "8", "0.6%")
        }
        self._hits: list[tuple[int, float, float, float]] = []  # class, px, true m, seen m
        self._missed: list[tuple[int, float]] = []  # class, true m
        self._calibration = CalibrationScore()

    def add(
        self,
        truth: Labels,
        seen: Observations,
        size: tuple[int, int],
        approximate: npt.NDArray[np.bool_] | None = None,
    ) -> Matching:
        """Score one image.

        Args:
            truth: Ground truth, ignored rows included.
            seen: What the detector saw.
            size: Width and height of the image, pixels.
            approximate: (N,) truth whose point is a stand-in: it counts as hit or missed, not for
                the pixel error.

        Returns:
            The matching at ``match_px``.
        """
        self.frames += 1
        self._size.add(size)
        tolerances = {"main": self.match_px, "4": 4.0, "8": 8.0, "0.6%": WIDTH_SHARE * size[0]}
        found: dict[float, Matching] = {}
        for name, tolerance in tolerances.items():
            if tolerance not in found:
                found[tolerance] = match(truth, seen, tolerance)
            self._count(self._counts[name], found[tolerance], truth, seen)
        main = found[self.match_px]
        exact = np.ones(len(truth), bool) if approximate is None else ~approximate
        for row, column, distance in zip(main.truth, main.seen, main.distance_px, strict=True):
            pixels = float(distance) if exact[row] else math.nan
            ranges = float(truth.range_m[row]), float(seen.range_m[column])
            self._hits.append((int(truth.class_id[row]), pixels, *ranges))
        for row in main.missed:
            self._missed.append((int(truth.class_id[row]), float(truth.range_m[row])))
        wide = match(truth, seen, REACH * self.match_px)
        self._calibration.add(truth, seen, main, wide, exact)
        return main

    def result(self) -> dict[str, Any]:
        """The detection keys of ``metrics.json``; what cannot be computed is NaN."""
        main = self._counts["main"]
        hits = np.array(self._hits, dtype=np.float64).reshape(-1, 4)
        support = main[0] + main[2]
        per_class = {
            name: self._class_result(main[:, i], hits[hits[:, 0] == i])
            for i, name in enumerate(self.label_space.names)
            if i > 0
        }
        f1 = [entry["f1"] for i, entry in enumerate(per_class.values(), 1) if support[i] > 0]
        sizes = sorted(f"{width}x{height}" for width, height in self._size)
        return {
            "frames": self.frames,
            "image_size": sizes[0] if len(sizes) == 1 else sizes,
            "match_px": self.match_px,
            **scores(*main.sum(axis=1)),
            "support": int(support.sum()),
            "f1_at": {
                name: scores(*self._counts[name].sum(axis=1))["f1"] for name in ("4", "8", "0.6%")
            },
            "f1_macro": float(np.mean(f1)) if f1 else math.nan,
            "per_class": per_class,
            "by_range": self._by_range(hits),
            "reference_point_px": spread(hits[:, 1]),
            "distance": {"abs_rel": _relative(hits)},
            "calibration": self._calibration.result(),
        }

    def _count(
        self,
        counts: npt.NDArray[np.int64],
        found: Matching,
        truth: Labels,
        seen: Observations,
    ) -> None:
        classes = len(self.label_space)
        ids = (
            truth.class_id[found.truth],
            seen.class_id[found.false_alarms],
            truth.class_id[found.missed],
        )
        for row, which in enumerate(ids):
            counts[row] += np.bincount(which.astype(np.int64), minlength=classes)[:classes]

    def _class_result(
        self, counts: npt.NDArray[np.int64], hits: npt.NDArray[np.float64]
    ) -> dict[str, Any]:
        return {
            **scores(*counts),
            "support": int(counts[0] + counts[2]),
            "reference_point_px": spread(hits[:, 1]),
            "distance": {"abs_rel": _relative(hits)},
        }

    def _by_range(self, hits: npt.NDArray[np.float64]) -> dict[str, Any]:
        missed = np.array(self._missed, dtype=np.float64).reshape(-1, 2)
        bands: dict[str, Any] = {}
        for low, high in itertools.pairwise(BANDS_M):
            near = hits[(hits[:, 2] >= low) & (hits[:, 2] < high)]
            lost = int(np.count_nonzero((missed[:, 1] >= low) & (missed[:, 1] < high)))
            name = f"{low:.0f}-{high:.0f} m" if math.isfinite(high) else f"{low:.0f} m and more"
            support = len(near) + lost
            bands[name] = {
                "support": support,
                "recall": len(near) / support if support else math.nan,
                "reference_point_px": spread(near[:, 1]),
            }
        return bands


def scores(hits: int, false_alarms: int, missed: int) -> dict[str, float]:
    """Precision, recall and F1 of counts; NaN where nothing was claimed, or nothing was there."""
    hits, false_alarms, missed = int(hits), int(false_alarms), int(missed)
    claimed, there = hits + false_alarms, hits + missed
    return {
        "precision": hits / claimed if claimed else math.nan,
        "recall": hits / there if there else math.nan,
        "f1": 2.0 * hits / (claimed + there) if claimed + there else math.nan,
    }


def spread(values: npt.NDArray[np.float64]) -> dict[str, float]:
    """Median and 95th percentile (linear interpolation) of the finite values; NaN if none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {"median": math.nan, "p95": math.nan}
    median, high = np.percentile(finite, [50.0, 95.0])
    return {"median": float(median), "p95": float(high)}


def _relative(hits: npt.NDArray[np.float64]) -> float:
    """Mean of |seen - true| / true distance over the hits that have both."""
    known = np.isfinite(hits[:, 2]) & np.isfinite(hits[:, 3]) & (hits[:, 2] > 0.0)
    if not known.any():
        return math.nan
    true, seen = hits[known, 2], hits[known, 3]
    return float(np.mean(np.abs(seen - true) / true))
