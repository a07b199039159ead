"""Two models on the same frames: which figures differ, by how much, and is that more than chance.

Both answered the same frames, so what is drawn is a stretch of the drive with the answers of both,
and the difference is taken in each draw (paired bootstrap). Differences are always B minus A.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.evaluation.bootstrap import (
    LEAST_UNITS,
    UNIT_WORDS,
    Units,
    drawn_figures,
    units_of,
)
from dalearn_ros.evaluation.intervals import DRAWS, draw_images, interval
from dalearn_ros.evaluation.runs import Run

Array = npt.NDArray[np.float64]


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
    Figure("mean_ap", "mean AP", "orders its claims better"),
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
        ``high`` of its 95 % interval, ``p`` (two-sided), ``better`` (``A``, ``B`` or empty) and
        ``says``, a sentence.

    Raises:
        InputError: One of them is no such folder, or frames, truth, classes or ``match_px`` differ.
    """
    first, second = Run.open(a), Run.open(b)
    order = _paired(first, second)
    units = units_of(first.table.frames)
    drawn: tuple[dict[str, Array], ...] = ({}, {})
    if units.enough:
        draws = draw_images(units.count)
        again = Units(units.kind, units.of_frame[order], units.count)
        drawn = (
            drawn_figures(first.table, units, draws),
            drawn_figures(second.table, again, draws),
        )
    each = [
        Figure(f"per_class.{name}.f1", f"F1 of {name}", "finds more") for name in first.occurring()
    ]
    rows = [_row(figure, first, second, drawn, units) for figure in (*FIGURES, *each)]
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


def _row(
    figure: Figure, a: Run, b: Run, drawn: tuple[dict[str, Array], ...], units: Units
) -> dict[str, Any]:
    name = figure.name
    before, after = a.figure(name), b.figure(name)
    row: dict[str, Any] = {
        "name": name,
        "label": figure.label,
        "a": before,
        "b": after,
        "difference": after - before,
        "low": math.nan,
        "high": math.nan,
        "p": math.nan,
        "better": "",
    }
    if all(name in one for one in drawn):
        steps = drawn[1][name] - drawn[0][name]
        steps = steps[np.isfinite(steps)]
        row["low"], row["high"] = interval(steps)
        if len(steps):
            side = min(int((steps <= 0).sum()), int((steps >= 0).sum()))
            row["p"] = min(1.0, 2.0 * (side + 1) / (len(steps) + 1))
        if row["low"] > 0.0 or row["high"] < 0.0:
            row["better"] = "B" if (row["low"] > 0.0) == figure.more else "A"
    row["says"] = _sentence(figure, row, units)
    return row


def _sentence(figure: Figure, row: Mapping[str, Any], units: Units) -> str:
    if not math.isfinite(row["difference"]):
        return f"{figure.label}: not known of both."
    change = f"{row['difference']:+.{figure.digits}f}"
    if not math.isfinite(row["low"]):
        few = f"{units.count} {UNIT_WORDS[units.kind]}, {LEAST_UNITS} or more are needed"
        return f"Too little to tell: {figure.label} {change} ({few})."
    span = f"95 % {row['low']:+.{figure.digits}f} to {row['high']:+.{figure.digits}f}"
    if not row["better"]:
        return f"No clear difference: {figure.label} {change}, {span}."
    return f"{row['better']} {figure.praise}: {figure.label} {change}, {span}."
