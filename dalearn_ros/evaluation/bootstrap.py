"""How far the figures of a run may be off: bootstrap over drives, or over stretches of one drive.

What is drawn, with replacement, is a unit (:mod:`dalearn_ros.evaluation.units`). A figure of which
fewer than :data:`LEAST_UNITS` units have anything, such as that of a class that stands in one
stretch only, has no interval: the draws would all show the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.columns import Columns
from dalearn_ros.evaluation.frames import AXES, FrameTable
from dalearn_ros.evaluation.intervals import DRAWS, draw_images, drawn_median, interval
from dalearn_ros.evaluation.units import LEAST_UNITS, Units, units_of

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LEVELS = 256  # of the scores, in average precision; the curve is exact with fewer scores
POINT = "reference_point_px.median"


def drawn_figures(table: FrameTable, units: Units, drawn: Ints) -> dict[str, Array]:
    """The figures of each draw; NaN where they cannot be computed.

    Args:
        table: The frames.
        units: Of the same frames.
        drawn: (D, units) how often each unit is in each draw.

    Returns:
        Name as in metrics.json, with dots → (D,).
    """
    return drawn_scores(table, units, drawn) | drawn_errors(table, units, drawn)


def drawn_scores(table: FrameTable, units: Units, drawn: Ints) -> dict[str, Array]:
    """Those of :func:`drawn_figures` that are counted: all but the medians of errors."""
    counts = _counts(table, units)
    sums = np.moveaxis(np.tensordot(drawn.astype(np.float64), counts, 1), -1, 0)  # (3, D, classes)
    figures = _scores("", sums.sum(axis=2))
    present = [i for i in range(1, len(table.classes)) if counts[:, i, ::2].any()]
    ap = {i: _drawn_ap(table.claims, units, drawn, i, sums[0, :, i] + sums[2, :, i])
          for i in present}  # fmt: skip
    for i in present:
        figures |= _scores(f"per_class.{table.classes[i]}.", sums[:, :, i])
        figures[f"per_class.{table.classes[i]}.ap"] = ap[i]
    by_class = [figures[f"per_class.{table.classes[i]}.f1"] for i in present]
    there = [sums[0, :, i] + sums[2, :, i] > 0 for i in present]
    figures["f1_macro"] = _mean(by_class, there, len(drawn))
    figures["mean_ap"] = _mean(list(ap.values()), there, len(drawn))
    figures["localization.availability"] = _availability(table.poses, units, drawn)
    return figures


def drawn_errors(table: FrameTable, units: Units, drawn: Ints) -> dict[str, Array]:
    """Those of :func:`drawn_figures` that are medians of errors."""
    figures = {POINT: _median(table.hits, "px", units, drawn)}
    for axis in AXES:
        figures[f"localization.{axis}.median"] = _median(table.poses, axis, units, drawn)
    return figures


def holding(table: FrameTable, units: Units) -> dict[str, Bools]:
    """Which units have anything of a figure: truth, claims, hits with an error, or true poses.

    Args:
        table: The frames.
        units: Of the same frames.

    Returns:
        Name as in :func:`drawn_figures` → (units,).
    """
    hits, false_alarms, missed = np.moveaxis(_counts(table, units), -1, 0)
    there = hits + missed > 0
    support = there.any(axis=1)
    found = dict.fromkeys(("recall", "f1_macro", "mean_ap"), support)
    found["f1"] = (hits + false_alarms + missed).any(axis=1)
    found["precision"] = (hits + false_alarms).any(axis=1)
    for i, name in enumerate(table.classes[1:], 1):
        found |= {f"per_class.{name}.{key}": there[:, i] for key in ("f1", "recall", "ap")}
        found[f"per_class.{name}.precision"] = (hits + false_alarms)[:, i] > 0
    poses = np.isfinite(table.poses[AXES[0]])
    found[POINT] = _units_with(table.hits, np.isfinite(table.hits["px"]), units)
    found |= {f"localization.{a}.median": _units_with(table.poses, poses, units) for a in AXES}
    found["localization.availability"] = _units_with(table.poses, poses | True, units)
    return found


def intervals_of(table: FrameTable) -> dict[str, Any]:
    """The key ``intervals`` of metrics.json: 95 % of each figure; NaN with too few units of it."""
    units = units_of(table.frames)
    wanted = (
        "f1", "precision", "recall", "f1_macro", "mean_ap", POINT,
        *(f"localization.{axis}.median" for axis in AXES), "localization.availability",
        *(f"per_class.{name}.f1" for name in table.classes[1:]),
    )  # fmt: skip
    found: dict[str, Array] = {}
    if units.enough:
        found = drawn_figures(table, units, draw_images(units.count))
    held = {name: int(which.sum()) for name, which in holding(table, units).items()}
    ends = {
        name: interval(found[name]) if held[name] >= LEAST_UNITS else (math.nan, math.nan)
        for name in wanted
    }
    return {
        "unit": units.kind,
        "units": units.count,
        "draws": DRAWS if units.enough else 0,
        "figures": {
            name: {"low": low, "high": high, "units": held[name]}
            for name, (low, high) in ends.items()
        },
    }


def _counts(table: FrameTable, units: Units) -> Array:
    """(units, classes, 3) hits, false alarms and misses of each unit.

    Whole numbers in float64: exact below 2^53, and products of them are quick.
    """
    counts = np.zeros((units.count, len(table.classes), 3))
    np.add.at(counts, units.of_frame, table.counts())
    return counts


def _units_with(rows: Columns, known: Bools, units: Units) -> Bools:
    """(units,) whether a unit has a known row."""
    return np.bincount(units.of_frame[rows["frame"][known]], minlength=units.count) > 0


def _scores(prefix: str, counts: Array) -> dict[str, Array]:
    """Precision, recall and F1 of (3, D) hits, false alarms and misses."""
    hits, false_alarms, missed = counts
    with np.errstate(invalid="ignore"):
        return {
            f"{prefix}precision": hits / (hits + false_alarms),
            f"{prefix}recall": hits / (hits + missed),
            f"{prefix}f1": 2.0 * hits / (2.0 * hits + false_alarms + missed),
        }


def _drawn_ap(claims: Columns, units: Units, drawn: Ints, class_id: int, support: Array) -> Array:
    """(D,) average precision of a class, as :func:`average_precision` has it."""
    mine = claims["class_id"] == class_id
    score, unit = claims["score"][mine], units.of_frame[claims["frame"][mine]]
    levels = np.unique(score)[::-1]
    if len(levels) > LEVELS:
        levels = levels[np.linspace(0, len(levels) - 1, LEVELS).round().astype(np.int64)]
    if not len(levels):
        return np.where(support > 0, 0.0, math.nan)
    place = np.searchsorted(-levels, -score)
    sums = np.zeros((2, units.count, len(levels)))
    for k, name in enumerate(("hits", "false_alarms")):
        np.add.at(sums[k], (unit, place), claims[name][mine])
    hits, false_alarms = (np.cumsum(drawn.astype(np.float64) @ one, axis=1) for one in sums)
    precision = hits / np.maximum(hits + false_alarms, 1)
    recall = np.maximum.accumulate(hits, axis=1) / np.maximum(support, 1)[:, None]
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    area = np.sum(np.diff(recall, axis=1, prepend=0.0) * best, axis=1)
    return np.where(support > 0, area, math.nan)


def _mean(values: list[Array], there: list[npt.NDArray[np.bool_]], draws: int) -> Array:
    """(D,) mean over the classes that a draw has; NaN where it has none."""
    if not values:
        return np.full(draws, math.nan)
    table, known = np.stack(values), np.stack(there)
    total = np.where(known, np.nan_to_num(table), 0.0).sum(axis=0)
    number = known.sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), math.nan)


def _median(rows: Columns, name: str, units: Units, drawn: Ints) -> Array:
    """(D,) median of the absolute values of a column."""
    values = np.abs(rows[name])
    known = np.isfinite(values)
    return drawn_median(values[known], units.of_frame[rows["frame"][known]], drawn)


def _availability(poses: Columns, units: Units, drawn: Ints) -> Array:
    """(D,) share of the frames with a true pose that have an estimate."""
    unit, known = units.of_frame[poses["frame"]], np.isfinite(poses[AXES[0]])
    total, found = (np.bincount(unit[m], minlength=units.count) for m in (known | True, known))
    with np.errstate(invalid="ignore"):
        return np.asarray((drawn @ found) / (drawn @ total).astype(np.float64), np.float64)
