"""The report's part on thresholds and on what is hard: curve, size, occlusion, condition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dalearn_ros.evaluation.charts import HALF_WIDTH, Series, chart
from dalearn_ros.evaluation.page import number, table
from dalearn_ros.evaluation.report_localization import ESTIMATE, PRIOR, TRUE
from dalearn_ros.evaluation.units import LEAST_UNITS, unit_text

BAND_HEAD = ("support", "recall", "point px, median", "95 %")


def curve_part(metrics: Mapping[str, Any]) -> str:
    """Precision over recall, and all scores over the threshold; empty without a claim."""
    found = metrics["sweep"]
    names = ("threshold", "precision", "recall", "f1")
    threshold, precision, recall, f1 = (np.array(found[name], np.float64) for name in names)
    if not np.isfinite(precision).any():
        return ""
    best = found["best"]
    across = chart(
        [
            Series("precision", threshold, precision, ESTIMATE),
            Series("recall", threshold, recall, PRIOR, dash="5 3"),
            Series("F1", threshold, f1, TRUE, dash="2 2"),
        ],
        "score threshold",
        "share",
        width=HALF_WIDTH,
        y_from_zero=True,
    )
    curve = [
        Series("", recall, precision, ESTIMATE),
        Series("", recall, precision, ESTIMATE, dots=True, width=3.0),
    ]
    along = chart(curve, "recall", "precision", width=HALF_WIDTH, y_from_zero=True)
    return (
        "<h3>Precision and recall over the score</h3><p>Mean average precision "
        f"{number(metrics['mean_ap'], 3)}. F1 is best, {number(best['f1'], 3)}, at a threshold of "
        f"{number(best['threshold'], 2)}.</p>"
        f'<div class="charts"><figure>{along}</figure><figure>{across}</figure></div>'
    )


def bands_part(metrics: Mapping[str, Any]) -> str:
    """Tables by distance, size and visible share, and by condition where one is named."""
    parts = []
    for key, title, of in (
        ("by_range", "By distance", "distance"),
        ("by_size", "By size", "longer side"),
        ("by_visible", "By occlusion", "visible share"),
    ):
        rows = [_band(name, band) for name, band in metrics[key].items()]
        parts.append(f"<h3>{title}</h3>" + table([of, *BAND_HEAD], rows))
    conditions = metrics["by_condition"]
    if conditions:
        head = ["condition", "frames", "support", "precision", "recall", "F1", "point px, median",
                "lateral error m, median"]  # fmt: skip
        rows = [_condition(name, entry) for name, entry in conditions.items()]
        parts.append("<h3>By condition</h3>" + table(head, rows))
    return "".join(parts)


def intervals_text(metrics: Mapping[str, Any]) -> str:
    """A paragraph: within what the main figures lie; or that there is too little to say."""
    found = metrics["intervals"]
    drawn = unit_text(found["units"], found["unit"])
    if not found["draws"]:
        return f"<p>No intervals: {drawn}, {LEAST_UNITS} or more are needed.</p>"
    named = {"F1": "f1", "precision": "precision", "recall": "recall", "mean AP": "mean_ap"}
    texts = []
    for label, name in named.items():
        ends = [number(found["figures"][name][end], 3) for end in ("low", "high")]
        texts.append(f"{label} {ends[0]} to {ends[1]}")
    return f"<p>95 % intervals over {drawn}: {', '.join(texts)}.</p>"


def _band(name: str, band: Mapping[str, Any]) -> list[str]:
    point = band["reference_point_px"]
    recall = number(band["recall"], 3)
    return [name, number(band["support"]), recall, number(point["median"]), number(point["p95"])]


def _condition(name: str, entry: Mapping[str, Any]) -> list[str]:
    scores = [number(entry[key], 3) for key in ("precision", "recall", "f1")]
    counts = [number(entry[key]) for key in ("frames", "support")]
    point, lateral = entry["reference_point_px"]["median"], entry["lateral_m"]["median"]
    return [name, *counts, *scores, number(point), number(lateral)]
