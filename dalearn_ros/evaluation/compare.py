"""Two models on the same frames: which figures differ, by how much, and is that more than chance.

Both answered the same frames, so a stretch of the drive is drawn with the answers of both, and the
difference is taken in each draw (paired bootstrap): its interval. Whether it is more than chance is
told by a test that exchanges their answers (:meth:`dalearn_ros.evaluation.paired.Pair.chances`).
Differences are always B minus A.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.evaluation.intervals import DRAWS, interval
from dalearn_ros.evaluation.paired import Pair, holm
from dalearn_ros.evaluation.runs import Run
from dalearn_ros.evaluation.units import LEAST_UNITS, Units, unit_text, units_of

LEVEL = 0.05  # of the test


@dataclass(frozen=True)
class Figure:
    """One that is compared.

    Attributes:
        name: Its place in metrics.json.
        label: For people.
        praise: What the better one does.
        more: Whether more is better.
        digits: Of the text.
    """

    name: str
    label: str
    praise: str
    more: bool = True
    digits: int = 3


FIGURES = (
    Figure("f1", "F1", "finds more"),
    Figure("recall", "recall", "misses fewer"),
    Figure("precision", "precision", "raises fewer false alarms"),
    Figure("f1_macro", "macro F1", "finds more, all classes alike"),
    Figure("mean_ap", "mean AP", "has the better curve of precision over recall"),
    Figure("reference_point_px.median", "median point error [px]", "points closer", False),
    Figure("localization.lateral_m.median", "median lateral error [m]",
           "localizes closer across the road", False),
    Figure("localization.longitudinal_m.median", "median longitudinal error [m]",
           "localizes closer along the road", False),
    Figure("localization.heading_deg.median", "median heading error [deg]",
           "localizes closer in heading", False),
    Figure("localization.availability", "availability", "has a pose more often"),
)  # fmt: skip


def compare(a: Path, b: Path) -> dict[str, Any]:
    """The content of ``compare.json``.

    Args:
        a: Folder of an evaluation, or one that holds several, such as ``--out`` of scenarios.
        b: The same of another model on the same frames, against the same truth.

    Returns:
        ``a``, ``b`` (folders), ``frames``, ``match_px``, ``unit``, ``units``, ``draws``, and a row
        of each figure: ``name``, ``label``, ``a``, ``b``, ``difference`` (b minus a), ``low`` and
        ``high`` of its 95 % interval, ``units`` that have anything of it, ``p`` (two-sided),
        ``p_holm`` (what decides), ``better`` (``A``, ``B`` or empty) and ``says``, a sentence.

    Raises:
        InputError: One of them is no such folder, or frames, truth, classes or ``match_px`` differ.
    """
    first, second = Run.open(a), Run.open(b)
    order = _paired(first, second)
    units = units_of(first.table.frames)
    pair = Pair.of(first.table, second.table, order, units)
    each = [
        Figure(f"per_class.{name}.f1", f"F1 of {name}", "finds more") for name in first.occurring()
    ]
    alike = not abs(first.score_threshold - second.score_threshold) > 0.0
    values = [_with_errors(run, own) for run, own in zip((first, second), pair.each(), strict=True)]
    rows = _rows((*FIGURES, *each), values, pair, units)
    if not alike:
        _withhold_ap(rows, first.score_threshold, second.score_threshold)
    return {
        "version": 1,
        "a": str(a),
        "b": str(b),
        "frames": len(first.table.frames),
        "match_px": first.match_px,
        "unit": units.kind,
        "units": units.count,
        "draws": DRAWS if units.enough else 0,
        "figures": rows,
    }


def _withhold_ap(rows: list[dict[str, Any]], a: float, b: float) -> None:
    """Say nothing of mean AP: the area beyond a model's score threshold is zero."""
    for row in rows:
        if row["name"] == "mean_ap":
            row |= dict.fromkeys(("low", "high", "p", "p_holm"), math.nan) | {"better": ""}
            row["says"] = (
                f"{row['label']}: not compared, the models claim from a score of {a:g} (A) and "
                f"{b:g} (B) on; export both with the same score threshold."
            )


def _with_errors(run: Run, own: Mapping[str, float]) -> dict[str, float]:
    """The figures of metrics.json, but errors of what both runs have."""
    return {**run.figures, **{k: value for k, value in own.items() if _is_error(k)}}


def _is_error(name: str) -> bool:
    return name.endswith(".median")


def _paired(a: Run, b: Run) -> npt.NDArray[np.int64]:
    """(N,) position in ``a`` of each frame of ``b``.

    Raises:
        InputError: They cannot be compared; the sentence says why.
    """
    for key, mine, other in (
        ("match_px", f"{a.match_px:g}", f"{b.match_px:g}"),
        ("classes", ", ".join(a.table.classes[1:]), ", ".join(b.table.classes[1:])),
    ):
        if mine != other:
            raise InputError.at(b.path, key, f"{mine} as in {a.path}", other)
    place = {key: i for i, key in enumerate(a.keys())}
    keys = b.keys()
    only_b = [key for key in keys if key not in place]
    theirs = set(keys)
    only_a = [key for key in place if key not in theirs]
    if only_a or only_b:
        parts = [
            f"{len(only)} only in {run.path} (first: {only[0][0]})"
            for only, run in ((only_a, a), (only_b, b))
            if only
        ]
        hint = "Evaluate both models on the same bag or dataset."
        raise InputError.at(b.path, "frames", f"those of {a.path}", " and ".join(parts), hint)
    order = np.array([place[key] for key in keys], np.int64)
    for i, frame in enumerate(b.table.frames):
        if frame.truth != a.table.frames[order[i]].truth:
            expected = f"the truth of {a.path}"
            hint = "Was another map, truth topic or time offset taken?"
            raise InputError.at(b.path, f"frame {frame.name}", expected, "another one", hint)
    return order


def _rows(
    figures: Sequence[Figure], values: Sequence[Mapping[str, float]], pair: Pair, units: Units
) -> list[dict[str, Any]]:
    """A row of each figure; the first is the main one, the others share their chance of error."""
    held = pair.contributing()
    drawn = pair.drawn() if units.enough else {}
    chances = pair.chances() if units.enough else {}
    told = {
        figure.name: chances.get(figure.name, math.nan)
        if held.get(figure.name, 0) >= LEAST_UNITS
        else math.nan
        for figure in figures
    }
    main = figures[0].name
    corrected = {main: told[main], **holm({k: p for k, p in told.items() if k != main})}
    rows = []
    for figure in figures:
        name = figure.name
        before, after = (one.get(name, math.nan) for one in values)
        known = math.isfinite(told[name])
        low, high = interval(drawn[name]) if known else (math.nan, math.nan)
        row: dict[str, Any] = {"name": name, "label": figure.label, "a": before, "b": after}
        row |= {"difference": after - before, "low": low, "high": high}
        row |= {"units": held.get(name, 0), "p": told[name], "p_holm": corrected[name]}
        row["better"] = ""
        if row["p_holm"] < LEVEL:
            row["better"] = "B" if (row["difference"] > 0.0) == figure.more else "A"
        row["says"] = _sentence(figure, row, units.kind)
        rows.append(row)
    return rows


def _sentence(figure: Figure, row: Mapping[str, Any], kind: str) -> str:
    if not math.isfinite(row["difference"]):
        return f"{figure.label}: not known of both."
    change = f"{row['difference']:+.{figure.digits}f}"
    if not math.isfinite(row["p"]):
        few = f"{unit_text(row['units'], kind)} with it, {LEAST_UNITS} or more are needed"
        return f"Too little to tell: {figure.label} {change} ({few})."
    span = f"95 % {row['low']:+.{figure.digits}f} to {row['high']:+.{figure.digits}f}"
    text = f"{figure.label} {change}, {span}, p {row['p_holm']:.3f}."
    if not row["better"]:
        return f"No clear difference: {text}"
    return f"{row['better']} {figure.praise}: {text}"
