"""Detection metrics: precision, recall, F1, average precision, errors, calibration."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.bands import (
    BANDS_M,
    BANDS_PX,
    BANDS_VISIBLE,
    banded,
    sides_of,
    spread,
)
from dalearn_ros.evaluation.calibration import REACH, CalibrationScore
from dalearn_ros.evaluation.columns import Columns
from dalearn_ros.evaluation.matching import Matching, match
from dalearn_ros.evaluation.sweep import (
    Curve,
    average_precision,
    curve_of,
    events_of,
    sweep_result,
)
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, Observations

MATCH_PX = 8.0
WIDTH_SHARE = 0.006  # the tolerance for images of different sizes: 0.6 % of the width


class DetectionScore:
    """Counts hits, misses and false alarms frame by frame; memory grows by some bytes for each.

    Args:
        label_space: Names of the classes.
        match_px: The tolerance of the main figures, pixels.

    Attributes:
        frames: Images so far.
        hits: A row a hit: ``frame`` (number of the image), ``row`` (of its truth), ``class_id``,
            ``px`` (distance, NaN if it is not scored), ``range_m``, ``seen_m``, ``side_px``,
            ``visible``.
        missed: A row a missed truth: the same without ``row``, ``px`` and ``seen_m``.
        claims: A row a claim: ``frame``, ``class_id``, ``score``, ``hits``, ``false_alarms``, see
            :class:`dalearn_ros.evaluation.sweep.Events`.
    """

    def __init__(self, label_space: LabelSpace, match_px: float = MATCH_PX) -> None:
        self.label_space = label_space
        self.match_px = match_px
        self.frames = 0
        self._size: set[tuple[int, int]] = set()
        self._counts = {
            name: np.zeros((3, len(label_space)), np.int64) for name in ("main", "4", "8", "0.6%")
        }
        truth = {"frame": "q", "class_id": "h", "range_m": "d", "side_px": "d", "visible": "d"}
        self.hits, self.missed = Columns(row="h", px="d", seen_m="d", **truth), Columns(**truth)
        self.claims = Columns(frame="q", class_id="h", score="d", hits="h", false_alarms="h")
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
        self._size.add(size)
        tolerances = {"main": self.match_px, "4": 4.0, "8": 8.0, "0.6%": WIDTH_SHARE * size[0]}
        found: dict[float, Matching] = {}
        for name, tolerance in tolerances.items():
            if tolerance not in found:
                found[tolerance] = match(truth, seen, tolerance)
            self._count(self._counts[name], found[tolerance], truth, seen)
        main = found[self.match_px]
        exact = np.ones(len(truth), bool) if approximate is None else ~approximate
        self._keep(truth, seen, main, exact)
        wide = match(truth, seen, REACH * self.match_px)
        self._calibration.add(truth, seen, main, wide, exact)
        self.frames += 1
        return main

    def result(self) -> dict[str, Any]:
        """The detection keys of ``metrics.json``; what cannot be computed is NaN."""
        main = self._counts["main"]
        support = main[0] + main[2]
        per_class = {
            name: self._class_result(i, main[:, i])
            for i, name in enumerate(self.label_space.names)
            if i > 0
        }
        occurring = [entry for i, entry in enumerate(per_class.values(), 1) if support[i] > 0]
        f1, ap = ([entry[key] for entry in occurring] for key in ("f1", "ap"))
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
            "mean_ap": float(np.mean(ap)) if ap else math.nan,
            "sweep": sweep_result(self._curve(None, int(support.sum()))),
            "per_class": per_class,
            "by_range": self._by("range_m", BANDS_M, "m"),
            "by_size": self._by("side_px", BANDS_PX, "px"),
            "by_visible": self._by("visible", BANDS_VISIBLE, ""),
            "reference_point_px": spread(self.hits["px"]),
            "distance": _distance(self.hits["range_m"], self.hits["seen_m"]),
            "calibration": self._calibration.result(),
        }

    @property
    def counts(self) -> dict[str, npt.NDArray[np.int64]]:
        """Tolerance (``main``, ``4``, ``8``, ``0.6%``) → (3, C) hits, false alarms and misses."""
        return {name: counts.copy() for name, counts in self._counts.items()}

    def _keep(
        self, truth: Labels, seen: Observations, main: Matching, exact: npt.NDArray[np.bool_]
    ) -> None:
        """The rows of one image."""
        sides = sides_of(truth)
        columns = {"class_id": truth.class_id, "range_m": truth.range_m}
        columns |= {"side_px": sides, "visible": truth.visible}
        self.hits.extend(
            frame=self.frames,
            row=main.truth,
            px=np.where(exact[main.truth], main.distance_px, math.nan),
            seen_m=seen.range_m[main.seen],
            **{name: column[main.truth] for name, column in columns.items()},
        )
        rows = {name: column[main.missed] for name, column in columns.items()}
        self.missed.extend(frame=self.frames, **rows)
        events = events_of(truth, seen, self.match_px, main)
        known = events.class_id < len(self.label_space)
        names = ("class_id", "score", "hits", "false_alarms")
        claims = {name: getattr(events, name)[known] for name in names}
        self.claims.extend(frame=self.frames, **claims)

    def _curve(self, class_id: int | None, support: int) -> Curve:
        """Of a class, or of all together."""
        claims = self.claims
        of = claims["class_id"]
        chosen = np.ones(len(of), bool) if class_id is None else of == class_id
        score, hits, wrong = (claims[k][chosen] for k in ("score", "hits", "false_alarms"))
        return curve_of(score, hits, wrong, support)

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

    def _class_result(self, class_id: int, counts: npt.NDArray[np.int64]) -> dict[str, Any]:
        mine = self.hits["class_id"] == class_id
        support = int(counts[0] + counts[2])
        return {
            **scores(*counts),
            "support": support,
            "ap": average_precision(self._curve(class_id, support)),
            "reference_point_px": spread(self.hits["px"][mine]),
            "distance": _distance(self.hits["range_m"][mine], self.hits["seen_m"][mine]),
        }

    def _by(self, column: str, edges: tuple[float, ...], unit: str) -> dict[str, Any]:
        return banded(edges, unit, self.hits[column], self.hits["px"], self.missed[column])


def scores(hits: int, false_alarms: int, missed: int) -> dict[str, float]:
    """Precision, recall and F1 of counts; NaN where nothing was claimed, or nothing was there."""
    hits, false_alarms, missed = int(hits), int(false_alarms), int(missed)
    claimed, there = hits + false_alarms, hits + missed
    return {
        "precision": hits / claimed if claimed else math.nan,
        "recall": hits / there if there else math.nan,
        "f1": 2.0 * hits / (claimed + there) if claimed + there else math.nan,
    }


def _distance(true_m: npt.NDArray[np.float64], seen_m: npt.NDArray[np.float64]) -> dict[str, float]:
    """Mean of |seen - true| / true distance over the hits that have both; NaN if none has."""
    known = np.isfinite(true_m) & np.isfinite(seen_m) & (true_m > 0.0)
    if not known.any():
        return {"abs_rel": math.nan}
    true, seen = true_m[known], seen_m[known]
    return {"abs_rel": float(np.mean(np.abs(seen - true) / true))}
