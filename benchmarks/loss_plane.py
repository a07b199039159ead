"""The source's Fig. 11 from our own runs: class against localization loss (D16).

The localization loss is the unweighted one, the same quantity for all couplings. The claim to be
looked at is that with a coupling the class loss falls first. Used by ``benchmarks/ablation.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.figures import ROOT, record
from dalearn_ros.evaluation.charts import Series, chart

Floats = npt.NDArray[np.float64]
PICTURE = ROOT / "docs" / "pictures" / "loss_plane.svg"
COLOURS = {"none": "#666666", "class_weighted": "#0b6fb8", "squared_localization": "#c4520a"}
DASHES = {"none": "6 3", "class_weighted": "", "squared_localization": "2 2"}
SMOOTH = 9  # entries of the history in a running median
POINTS = 60  # of a curve in the picture
HEIGHT = 420.0
NOTE = (
    "Of the runs of the ablation, smoothed by a running median. First: the median of the first "
    "entries. Localization left: the unweighted localization loss, as a share of its first value, "
    "at the step where the class loss has fallen to half of its first value (and the other way "
    "round); mean ± standard deviation over seeds. The class loss falls first where the former "
    "exceeds the latter."
)


def curves(history: Path) -> tuple[Floats, Floats, Floats]:
    """Step, class loss and unweighted localization loss of a run, (N,) each; losses smoothed."""
    rows = [json.loads(line) for line in history.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row.get("kind") == "loss"]
    step, classes, places = (
        np.array([row[key] for row in rows], dtype=np.float64)
        for key in ("step", "class", "localization_unweighted")
    )
    return step, smoothed(classes), smoothed(places)


def smoothed(values: Floats) -> Floats:
    """Running median of the entries around each, (N,) to (N,); fewer at the ends."""
    half = SMOOTH // 2
    parts = [values[max(0, i - half) : i + half + 1] for i in range(len(values))]
    return np.array([np.median(part) for part in parts])


def left_at_half(falling: Floats, other: Floats) -> float:
    """Share of its first value that ``other`` has where ``falling`` first is at half of its own.

    NaN if it never is.
    """
    below = np.flatnonzero(falling <= 0.5 * falling[0])
    return float(other[below[0]] / other[0]) if len(below) else float("nan")


def record_loss_plane(
    runs: Sequence[Mapping[str, Any]], rows: Mapping[str, str], command: str
) -> None:
    """Draw the picture and record ``loss_plane``.

    Args:
        runs: Finished runs with ``row``, ``seed`` and ``history``, the file.
        rows: Coupling to the row that has it.
        command: That made the runs.
    """
    lines, series = [], []
    for coupling, name in rows.items():
        found = [curves(Path(run["history"])) for run in runs if run["row"] == name]
        if found:
            lines.append(_line(coupling, found))
            series += _drawn(coupling, found)
    if not lines:
        return
    svg = chart(
        series, "localization loss, unweighted (log10)", "class loss (log10)", height=HEIGHT
    )
    PICTURE.write_text(_standalone(svg), encoding="utf-8")
    record("loss_plane", command, lines, NOTE)


def _line(coupling: str, found: Sequence[tuple[Floats, Floats, Floats]]) -> dict[str, Any]:
    return {
        "coupling": coupling,
        "seeds": len(found),
        "class loss, first": float(np.mean([c[0] for _, c, _ in found])),
        "last": float(np.mean([c[-1] for _, c, _ in found])),
        "localization loss, first": float(np.mean([p[0] for *_, p in found])),
        "last ": float(np.mean([p[-1] for *_, p in found])),
        "localization left at half the class loss": _spread(
            [left_at_half(c, p) for _, c, p in found]
        ),
        "class left at half the localization loss": _spread(
            [left_at_half(p, c) for _, c, p in found]
        ),
    }


def _spread(values: Sequence[float]) -> str:
    known = np.array(values)[np.isfinite(values)]
    if not len(known):
        return "never"
    text = f"{known.mean():.2f}"
    if len(known) > 1:
        text += f" ± {known.std(ddof=1):.2f}"
    return text if len(known) == len(values) else f"{text} ({len(known)} of {len(values)})"


def _drawn(coupling: str, found: Sequence[tuple[Floats, Floats, Floats]]) -> list[Series]:
    series = []
    for number, (step, classes, places) in enumerate(found):
        # evenly spaced in the logarithm of the step: the beginning is where the couplings differ
        at = np.unique(np.geomspace(1, len(step), min(POINTS, len(step))).round().astype(int)) - 1
        name = "" if number else coupling
        x, y = np.log10(places[at]), np.log10(classes[at])
        series.append(Series(name, x, y, COLOURS[coupling], dash=DASHES[coupling]))
    return series


def _standalone(svg: str) -> str:
    """A file of its own: namespace, size, white ground, and the styles that the report gives."""
    style = (
        "<style>text{font:12px sans-serif;fill:#3b444d}.grid{stroke:#e4e8ec;fill:none}</style>"
        '<rect width="100%" height="100%" fill="#ffffff"/>'
    )
    opened, rest = svg.split(">", 1)
    return f'{opened} xmlns="http://www.w3.org/2000/svg">{style}{rest}\n'
