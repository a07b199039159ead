"""The report's part on landmarks: by class, by what is hard, and whether scores are true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dalearn_ros.evaluation.calibration import GAUSSIAN_INSIDE, SIGMAS
from dalearn_ros.evaluation.charts import Series, bars, chart
from dalearn_ros.evaluation.page import number, table
from dalearn_ros.evaluation.report_curves import bands_part, curve_part, intervals_text
from dalearn_ros.evaluation.report_localization import ESTIMATE, MAP


def detection_part(metrics: Mapping[str, Any]) -> str:
    """Its HTML, from the content of metrics.json, not yet rounded."""
    classes = metrics["per_class"]
    present = {name: entry for name, entry in classes.items() if entry["support"]}
    rows = [_detection_row(name, entry) for name, entry in classes.items()]
    rows.append(_detection_row("all", {**metrics, "ap": metrics["mean_ap"]}))
    head = ["class", "support", "precision", "recall", "F1", "AP", "point px, median", "95 %",
            "distance, relative"]  # fmt: skip
    sizes = metrics["image_size"]
    size = sizes if isinstance(sizes, str) else f"{len(sizes)} sizes"
    at = ", ".join(
        f"{name if '%' in name else name + ' px'}: {number(value, 3)}"
        for name, value in metrics["f1_at"].items()
    )
    figure = bars([(name, entry["f1"]) for name, entry in present.items()], 1.0, ESTIMATE)
    return (
        f"<h2>Detection</h2><p>Images of {size}; a hit lies within {metrics['match_px']:g} px. "
        f"F1 at other tolerances: {at} (of the image's width). Macro F1 over the classes that "
        f"occur: {number(metrics['f1_macro'], 3)}.</p>{intervals_text(metrics)}{table(head, rows)}"
        f"<h3>F1 by class</h3><figure>{figure}</figure>"
        + curve_part(metrics)
        + bands_part(metrics)
        + _calibration(metrics["calibration"])
    )


def _calibration(found: Mapping[str, Any]) -> str:
    """Whether scores and covariances are true: a reliability diagram and the shares inside."""
    bins = found["reliability"]
    if not bins:
        return ""
    score = np.array([row["score"] for row in bins])
    hits = np.array([row["hits"] for row in bins])
    ends = np.array([0.0, 1.0])
    series = [
        Series("true probability", ends, ends, MAP, dash="5 3"),
        Series("this detector", score, hits, ESTIMATE),
        Series("", score, hits, ESTIMATE, dots=True, width=4.0),
    ]
    figure = chart(series, "score", "share of hits", y_from_zero=True)
    shares = found["covariance_inside"]
    rows = [
        [f"{k} σ", number(100.0 * shares[str(k)], 1, "%"), number(100.0 * ideal, 1, "%")]
        for k, ideal in zip(SIGMAS, GAUSSIAN_INSIDE, strict=True)
    ]
    return (
        "<h3>Are scores and covariances true?</h3><p>Expected calibration error of the scores: "
        f"{number(found['ece'], 3)}.</p><figure>{figure}</figure>"
        + table(["true point inside", "share", "of a Gaussian"], rows)
    )


def _detection_row(name: str, entry: Mapping[str, Any]) -> list[str]:
    point = entry["reference_point_px"]
    scores = [number(entry[key], 3) for key in ("precision", "recall", "f1", "ap")]
    relative = number(100.0 * entry["distance"]["abs_rel"], 1, "%")
    return [name, number(entry["support"]), *scores, number(point["median"]),
            number(point["p95"]), relative]  # fmt: skip
