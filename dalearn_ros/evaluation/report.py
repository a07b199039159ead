"""The report: one HTML file with everything in it, for screen, phone and paper."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any, Protocol

from dalearn_ros.evaluation.drawing import draw_attention, draw_matching
from dalearn_ros.evaluation.gallery import Gallery, Snapshot
from dalearn_ros.evaluation.page import cards, number, page, picture, table
from dalearn_ros.evaluation.report_detection import detection_part
from dalearn_ros.evaluation.report_localization import Located, localization_part
from dalearn_ros.evaluation.timing import Timing
from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.landmarks.catalogue import LabelSpace


class Gathered(Located, Protocol):
    """What a report is made of."""

    title: str
    source: dict[str, Any]
    label_space: LabelSpace
    clock: Timing
    gallery: Gallery


def report_page(collected: Gathered, metrics: Mapping[str, Any]) -> str:
    """The page as text.

    Args:
        collected: What was gathered.
        metrics: The content of metrics.json, not yet rounded.
    """
    located = collected.localization.frames > 0
    parts = [
        f"<h1>{html.escape(collected.title)}</h1>",
        _summary(metrics, located),
        localization_part(collected, metrics) if located else "",
        detection_part(metrics) if metrics["frames"] else "",
        _pictures("Worst frames", collected.gallery.worst(), collected, attention=True),
        _pictures("Best frames", collected.gallery.best(), collected),
        _timing(collected.clock.result()),
        _about(collected, metrics),
    ]
    return page(collected.title, parts)


def _summary(metrics: Mapping[str, Any], located: bool) -> str:
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
    skipped = sum(metrics["frames_skipped"].values())
    text = f"{metrics['frames']} frames evaluated, {skipped} skipped."
    if not located:
        text += " There is no true pose: localization is not scored."
    return f"{cards(entries)}<p>{text}</p>"


def _pictures(
    title: str, frames: list[Snapshot], collected: Gathered, attention: bool = False
) -> str:
    """Frames with what was hit and missed, and by option beside each where the network looked."""
    if not frames:
        return ""
    figures = []
    for frame in frames:
        drawn = draw_matching(
            frame.image(), frame.truth, frame.seen, frame.found, collected.label_space
        )
        hits, missed = len(frame.found.truth), len(frame.found.missed)
        when = ""
        if collected.paths.stamps_ns:
            when = f" at {(frame.stamp_ns - collected.paths.stamps_ns[0]) / 1e9:.1f} s"
        false = len(frame.found.false_alarms)
        text = f"{frame.name}{when}: {hits} hits, {missed} missed, {false} false"
        figures.append(picture(drawn, text))
        if attention and frame.attention is not None:
            figures.append(_attention(frame, frame.attention))
    key = (
        '<p class="key"><span class="hit">hit</span> (ring: truth, cross: seen) '
        '<span class="missed">missed</span> <span class="false">false alarm</span> '
        '<span class="ignored">not scored</span></p>'
    )
    if attention and any(frame.attention is not None for frame in frames):
        key += (
            "<p>After each frame, where the network looked: the brighter the heat on the grey "
            "image, the more attention, from 0 to 1; white outlines are the truth.</p>"
        )
    return f"<h2>{title}</h2>{key}<div class='pictures'>{''.join(figures)}</div>"


def _attention(frame: Snapshot, attention: AttentionMap) -> str:
    """The picture of a frame's attention, and its figures for those who do not see it."""
    mean, most = float(attention.attention.mean()), float(attention.attention.max())
    text = f"{frame.name}: attention, {mean:.2f} in the mean, {most:.2f} at most"
    return picture(draw_attention(frame.image(), attention, frame.truth), text)


def _timing(timing: Mapping[str, Any]) -> str:
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
    return f"<h2>Time</h2>{table(['milliseconds', *columns], rows)}{pace}"


def _about(collected: Gathered, metrics: Mapping[str, Any]) -> str:
    rows = [[str(name), str(value)] for name, value in collected.source.items()]
    rows += [[f"skipped: {reason}", str(n)] for reason, n in metrics["frames_skipped"].items()]
    if not rows:
        return ""
    return f"<h2>What was evaluated</h2>{table(['input', ''], rows, 'wide')}"
