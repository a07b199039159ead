"""The report: one HTML file with everything in it, for screen, phone and paper."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from dalearn_ros.evaluation.charts import Series, chart
from dalearn_ros.evaluation.distances import DistanceRows
from dalearn_ros.evaluation.gallery import Gallery
from dalearn_ros.evaluation.page import cards, number, page, table
from dalearn_ros.evaluation.report_detection import detection_part
from dalearn_ros.evaluation.report_frames import SCRIPT, frames_part
from dalearn_ros.evaluation.report_localization import (
    ESTIMATE,
    PRIOR,
    Located,
    localization_part,
)
from dalearn_ros.evaluation.report_words import summary_words
from dalearn_ros.evaluation.timing import Timing
from dalearn_ros.landmarks.catalogue import LabelSpace

FEWEST_TIMES = 5  # of images, for a chart


class Gathered(Located, Protocol):
    """What a report is made of."""

    title: str
    source: dict[str, Any]
    label_space: LabelSpace
    clock: Timing
    gallery: Gallery
    distances: DistanceRows


def report_page(collected: Gathered, metrics: Mapping[str, Any]) -> str:
    """The page as text.

    Args:
        collected: What was gathered.
        metrics: The content of metrics.json, not yet rounded.
    """
    located = collected.localization.frames > 0
    timing, names = collected.clock.result(), collected.label_space.names
    stamps = collected.paths.stamps_ns
    parts = [
        f"<h1>{html.escape(collected.title)}</h1>",
        _summary(metrics, located, timing),
        localization_part(collected, metrics) if located else "",
        detection_part(metrics, collected.distances, names) if metrics["frames"] else "",
        frames_part(collected.gallery, collected.label_space, stamps[0] if stamps else None),
        _timing(collected.clock, timing),
        _about(collected, metrics),
    ]
    return page(collected.title, parts, SCRIPT)


def _summary(metrics: Mapping[str, Any], located: bool, timing: Mapping[str, Any]) -> str:
    """What it comes to in words, then the few figures that count."""
    entries = []
    if metrics["frames"]:
        tolerance = f"{metrics['match_px']:g} px"
        precision, recall = number(metrics["precision"], 3), number(metrics["recall"], 3)
        point = metrics["reference_point_px"]
        entries += [
            (f"F1 at {tolerance}", number(metrics["f1"], 3),
             f"precision {precision}, recall {recall}"),
            ("Reference point", number(point["median"], 2, "px"),
             f"median; 95 % within {number(point['p95'], 1, 'px')}"),
        ]  # fmt: skip
    if located:
        found, prior = metrics["localization"], metrics["prior"]
        for name, key, unit in (
            ("Lateral error", "lateral_m", "m"),
            ("Heading error", "heading_deg", "°"),
        ):
            before = number(prior[key]["median"], 2, unit)
            entries.append((name, number(found[key]["median"], 2, unit), f"median; prior {before}"))
        share = number(100.0 * found["availability"], 1, "%")
        entries.append(("Pose available", share, "of the frames"))
    latency = float(timing["latency_ms"]["total"]["p95"])
    words = "".join(
        f"<li>{html.escape(sentence)}</li>" for sentence in summary_words(metrics, located, latency)
    )
    return f'<ul class="summary">{words}</ul>{cards(entries)}'


def _timing(clock: Timing, timing: Mapping[str, Any]) -> str:
    stages = timing["latency_ms"]
    known = {name: found for name, found in stages.items() if math.isfinite(found["mean"])}
    if not known:
        return ""
    columns = ["mean", "p50", "p80", "p90", "p95", "p99"]
    rows = [[name, *(number(found[c], 1) for c in columns)] for name, found in known.items()]
    factor = timing["realtime_factor"]
    pace = f"<p>The run was {factor:.2f} times as fast as the drive.</p>"
    if not math.isfinite(factor):
        pace = ""
    return f"<h2>Time</h2>{table(['milliseconds', *columns], rows)}{_latency(clock)}{pace}"


def _latency(clock: Timing) -> str:
    """The share of the images that were done within so many milliseconds."""
    series = []
    for stage, colour, dash in (("total", ESTIMATE, ""), ("inference", PRIOR, "5 3")):
        values = np.sort(np.array(clock.samples(stage)))
        if len(values) >= FEWEST_TIMES:
            share = np.arange(1, len(values) + 1) / len(values)
            series.append(Series(stage, values, 100.0 * share, colour, dash=dash, width=2.0))
    if not series:
        return ""
    drawn = chart(series, "milliseconds", "images done [%]", y_from_zero=True)
    return f"<figure>{drawn}</figure>"


def _about(collected: Gathered, metrics: Mapping[str, Any]) -> str:
    rows = [[str(name), str(value)] for name, value in collected.source.items()]
    rows += [[f"skipped: {reason}", str(n)] for reason, n in metrics["frames_skipped"].items()]
    if not rows:
        return ""
    return f"<h2>What was evaluated</h2>{table(['input', ''], rows, 'wide')}"
