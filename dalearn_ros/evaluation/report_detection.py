"""The report's part on landmarks: by class, by what is hard, and whether scores are true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dalearn_ros.evaluation.calibration import GAUSSIAN_INSIDE, SIGMAS
from dalearn_ros.evaluation.charts import HALF_WIDTH, Series, bars, chart
from dalearn_ros.evaluation.distances import DistanceRows
from dalearn_ros.evaluation.page import number, table
from dalearn_ros.evaluation.report_curves import bands_part, curve_part, intervals_text
from dalearn_ros.evaluation.report_localization import ESTIMATE, MAP


def detection_part(
    metrics: Mapping[str, Any], distances: DistanceRows, names: Sequence[str]
) -> str:
    """Its HTML.

    Args:
        metrics: The content of metrics.json, not yet rounded.
        distances: Of the scored landmarks.
        names: Of the classes, by id.
    """
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
        + "<h3>Over distance</h3>"
        + _over_distance(distances, names)
        + bands_part(metrics)
        + _calibration(metrics["calibration"])
    )


def _over_distance(distances: DistanceRows, names: Sequence[str]) -> str:
    """Two charts: the share that was found, and how far off the points of the hits were."""
    rows, bands = distances.table(), distances.bands()
    if not len(bands):
        return ""
    middle, share = bands[:, 0], bands[:, 1]
    recall = [
        Series("found of what should be", middle, share, ESTIMATE),
        Series("", middle, share, ESTIMATE, dots=True, width=4.0),
    ]
    errors: list[Series] = []
    for kind in np.unique(rows[:, 1]):
        of_class = rows[rows[:, 1] == kind]
        name = "" if errors else "a hit"
        errors.append(
            Series(
                name, of_class[:, 0], of_class[:, 2], MAP, dots=True, width=1.8,
                label=names[int(kind)],
            )
        )  # fmt: skip
    errors += [
        Series("median", middle, bands[:, 2], ESTIMATE, width=2.2),
        Series("95 %", middle, bands[:, 3], ESTIMATE, dash="5 3"),
    ]
    drawn = [
        chart(one, "distance [m]", label, width=HALF_WIDTH, y_from_zero=True)
        for one, label in ((recall, "recall"), (errors, "point error [px]"))
    ]
    figures = "".join(f"<figure>{one}</figure>" for one in drawn)
    return f'<div class="charts">{figures}</div>'


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
    figure = chart(series, "score", "share of hits", width=HALF_WIDTH, y_from_zero=True)
    shares = found["covariance_inside"]
    rows = [
        [f"{k} σ", number(100.0 * shares[str(k)], 1, "%"), number(100.0 * ideal, 1, "%")]
        for k, ideal in zip(SIGMAS, GAUSSIAN_INSIDE, strict=True)
    ]
    inside = table(["true point inside", "share", "of a Gaussian"], rows)
    return (
        "<h3>Are scores and covariances true?</h3><p>Expected calibration error of the scores: "
        f"{number(found['ece'], 3)}. Points on the dashed line: of landmarks with a score of 0.7, "
        "70 % are there. Below it the detector is too sure of itself.</p>"
        f'<div class="charts"><figure>{figure}</figure><div>{inside}</div></div>'
    )


def _detection_row(name: str, entry: Mapping[str, Any]) -> list[str]:
    point = entry["reference_point_px"]
    scores = [number(entry[key], 3) for key in ("precision", "recall", "f1", "ap")]
    relative = number(100.0 * entry["distance"]["abs_rel"], 1, "%")
    return [name, number(entry["support"]), *scores, number(point["median"]),
            number(point["p95"]), relative]  # fmt: skip
