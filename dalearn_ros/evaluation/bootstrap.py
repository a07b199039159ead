"""How far the figures of a run may be off: bootstrap over drives, or over stretches of one drive.

Frames that follow each other show the same landmarks, so they are no independent samples. What is
drawn, with replacement, is a whole drive; with fewer than :data:`LEAST_UNITS` drives, a stretch of
5 s of a drive; where images have no stamps, an image.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.columns import Columns
from dalearn_ros.evaluation.frames import AXES, Frame, FrameTable
from dalearn_ros.evaluation.intervals import DRAWS, draw_images, drawn_median, interval

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK_NS = 5_000_000_000
LEAST_UNITS = 5  # with fewer, nothing is said
MOST_UNITS = 1000  # more are joined, neighbours with neighbours
LEVELS = 256  # of the scores, in average precision; the curve is exact with fewer scores
DRIVES, BLOCKS, IMAGES = "drive", "5 s of a drive", "image"
UNIT_WORDS = {DRIVES: "drives", BLOCKS: "stretches of 5 s", IMAGES: "images"}


@dataclass(frozen=True)
class Units:
    """What is drawn.

    Attributes:
        kind: ``drive``, ``5 s of a drive`` or ``image``.
        of_frame: (N,) number of each frame's unit.
        count: How many there are.
    """

    kind: str
    of_frame: Ints
    count: int

    @property
    def enough(self) -> bool:
        """Whether intervals can be given."""
        return self.count >= LEAST_UNITS


def units_of(frames: list[Frame]) -> Units:
    """The units of a run's frames, numbered as they come."""
    drives = {frame.drive for frame in frames if frame.drive}
    keys: list[tuple[Any, ...]]
    if len(drives) >= LEAST_UNITS and all(frame.drive for frame in frames):
        kind, keys = DRIVES, [(frame.drive,) for frame in frames]
    elif frames and all(frame.stamp_ns > 0 for frame in frames):
        first: dict[str, int] = {}
        for frame in frames:
            first[frame.drive] = min(frame.stamp_ns, first.get(frame.drive, frame.stamp_ns))
        kind, keys = BLOCKS, [
            (frame.drive, (frame.stamp_ns - first[frame.drive]) // BLOCK_NS) for frame in frames
        ]  # fmt: skip
    else:
        kind, keys = IMAGES, [(number,) for number in range(len(frames))]
    numbers: defaultdict[tuple[Any, ...], int] = defaultdict(lambda: len(numbers))
    of_frame = np.array([numbers[key] for key in keys], np.int64)
    count = len(numbers)
    if count > MOST_UNITS:
        of_frame, count = of_frame * MOST_UNITS // count, MOST_UNITS
    return Units(kind, of_frame, count)


def drawn_figures(table: FrameTable, units: Units, drawn: Ints) -> dict[str, Array]:
    """The figures of each draw; NaN where they cannot be computed.

    Args:
        table: The frames.
        units: Of the same frames.
        drawn: (D, units) how often each unit is in each draw.

    Returns:
        Name as in metrics.json, with dots → (D,).
    """
    counts = np.zeros((units.count, len(table.classes), 3), np.int64)
    np.add.at(counts, units.of_frame, table.counts())
    sums = np.moveaxis(np.tensordot(drawn, counts, 1), -1, 0)  # (3, D, classes)
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
    figures["reference_point_px.median"] = _median(table.hits, "px", units, drawn)
    for axis in AXES:
        figures[f"localization.{axis}.median"] = _median(table.poses, axis, units, drawn)
    figures["localization.availability"] = _availability(table.poses, units, drawn)
    return figures


def intervals_of(table: FrameTable) -> dict[str, Any]:
    """The key ``intervals`` of metrics.json: 95 % of each figure; NaN with too few units."""
    units = units_of(table.frames)
    wanted = (
        "f1", "precision", "recall", "f1_macro", "mean_ap", "reference_point_px.median",
        *(f"localization.{axis}.median" for axis in AXES), "localization.availability",
        *(f"per_class.{name}.f1" for name in table.classes[1:]),
    )  # fmt: skip
    found: dict[str, Array] = {}
    if units.enough:
        found = drawn_figures(table, units, draw_images(units.count))
    nothing = np.zeros(0)
    ends = {name: interval(found.get(name, nothing)) for name in wanted}
    return {
        "unit": units.kind,
        "units": units.count,
        "draws": DRAWS if units.enough else 0,
        "figures": {name: {"low": low, "high": high} for name, (low, high) in ends.items()},
    }


def _scores(prefix: str, counts: Ints) -> dict[str, Array]:
    """Precision, recall and F1 of (3, D) hits, false alarms and misses."""
    hits, false_alarms, missed = counts.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return {
            f"{prefix}precision": hits / (hits + false_alarms),
            f"{prefix}recall": hits / (hits + missed),
            f"{prefix}f1": 2.0 * hits / (2.0 * hits + false_alarms + missed),
        }


def _drawn_ap(claims: Columns, units: Units, drawn: Ints, class_id: int, support: Ints) -> Array:
    """(D,) average precision of a class, as :func:`average_precision` has it."""
    mine = claims["class_id"] == class_id
    score, unit = claims["score"][mine], units.of_frame[claims["frame"][mine]]
    levels = np.unique(score)[::-1]
    if len(levels) > LEVELS:
        levels = levels[np.linspace(0, len(levels) - 1, LEVELS).round().astype(np.int64)]
    if not len(levels):
        return np.where(support > 0, 0.0, math.nan)
    place = np.searchsorted(-levels, -score)
    sums = np.zeros((2, units.count, len(levels)), np.int64)
    for k, name in enumerate(("hits", "false_alarms")):
        np.add.at(sums[k], (unit, place), claims[name][mine])
    hits, false_alarms = (np.cumsum(drawn @ one, axis=1) for one in sums)
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
