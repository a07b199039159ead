"""The hard-example album: ``album.html``, ``metrics.json`` and ``timing.json`` of a run."""

from __future__ import annotations

import contextlib
import html
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.core.files import atomic_file, write_json
from dalearn_ros.detector.regime import metadata_of
from dalearn_ros.evaluation.page import cards, number, page, table
from dalearn_ros.hard_examples.album_charts import along_axes, planes
from dalearn_ros.hard_examples.album_pictures import pictures
from dalearn_ros.hard_examples.colour_conversion import COLOURS
from dalearn_ros.hard_examples.hunt import Hunt
from dalearn_ros.hard_examples.learning import detect_with
from dalearn_ros.hard_examples.run import STORE, Inputs, Outcome
from dalearn_ros.hard_examples.search_settings import HardenSettings, updates_of
from dalearn_ros.hard_examples.search_summary import compare, summarise, timing
from dalearn_ros.hard_examples.store import ParameterStore

METRICS, TIMING, ALBUM = "metrics.json", "timing.json", "album.html"
BUDGET = "budget"


def write_album(
    run: Path, inputs: Inputs, outcome: Outcome, settings: HardenSettings
) -> dict[str, Any]:
    """Write all three files.

    Args:
        run: The run's folder.
        inputs: What it was made from.
        outcome: Of :func:`hard_examples.run.harden`.
        settings: Of the run.

    Returns:
        The content of ``metrics.json``: that of :func:`hard_examples.search_summary.summarise`,
        ``outputs``, ``steps``, ``updates``, ``before_after``, ``left_out`` (source images),
        ``search_ended`` (by ``budget``, or why before it) and ``verdict``.

    Raises:
        InputError: The disk is full.
    """
    hunt, space = outcome.hunt, inputs.data[0].label_space
    metadata = metadata_of(settings, space, outcome.figures, {})
    measure = settings.accuracy.measure
    before, after = (
        detect_with(network, metadata, measure) for network in (outcome.start, outcome.network)
    )
    entries = hunt.log.entries
    found = summarise(entries, space)
    metrics: dict[str, Any] = {
        **found,
        "outputs": len(hunt.found),
        "steps": outcome.steps,
        "updates": len({entry.step for entry in entries}) - 1,
        "updates_planned": updates_of(settings),
        "before_after": compare(hunt.found, hunt.sources, before, after, settings.accuracy),
        "left_out": hunt.sources.left_out,
        "search_ended": hunt.ended or BUDGET,
    }
    metrics["verdict"] = verdict(metrics)
    with contextlib.ExitStack() as stack:
        store = None
        if inputs.store is not None:
            store = stack.enter_context(ParameterStore.open(run / STORE))
        parts = [
            "<h1>Hard examples</h1>",
            f"<p class='verdict'>{html.escape(metrics['verdict'])}</p>",
            _cards(metrics),
            _conditions(metrics),
            _rules(metrics),
            _where(hunt, store, settings.search.threshold),
            pictures(hunt, store, (before, after), space, settings.accuracy),
        ]
    write_json(run / METRICS, metrics)
    write_json(run / TIMING, timing(entries, outcome.minutes))
    with atomic_file(run / ALBUM) as file:
        file.write_text(page("Hard examples", parts), encoding="utf-8")
    return metrics


def verdict(metrics: Mapping[str, Any]) -> str:
    """One sentence: how much was hard, and what learning from it has changed."""
    if not metrics["outputs"]:
        return f"None of {metrics['tried']} conversions hurt the model; it is as it was."
    hard, why = metrics["before_after"]["hard"], metrics["search_ended"]
    ended = "" if why == BUDGET else f" The search ended before its budget: {why}."
    return (
        f"{metrics['outputs']} of {metrics['tried']} conversions hurt the model. After "
        f"{metrics['steps']} steps their mean recognition accuracy is {hard['after']:.2f}; the "
        f"start's is {hard['before']:.2f}.{ended}"
    )


def _where(hunt: Hunt, store: ParameterStore | None, threshold: float) -> str:
    """Charts of all conversions."""
    charts = [] if store is None else [planes(store, threshold)]
    for name, way in hunt.search.ways.items():
        if name != COLOURS:
            charts.append(along_axes(name, way.conversion.axes, hunt.log.entries, threshold))
    return "".join(charts)


def _cards(metrics: Mapping[str, Any]) -> str:
    pair = metrics["before_after"]
    entries = [
        ("Hard images", number(metrics["outputs"]), f"of {metrics['tried']} tried"),
        ("Steps", number(metrics["steps"]), f"{metrics['updates']} updates on the way"),
        (
            "Accuracy, hard images",
            number(pair["hard"]["after"]),
            f"start {number(pair['hard']['before'])}",
        ),
        (
            "Accuracy, originals",
            number(pair["originals"]["after"]),
            f"start {number(pair['originals']['before'])}",
        ),
    ]
    return cards(entries)


def _conditions(metrics: Mapping[str, Any]) -> str:
    """Which condition breaks which class."""
    conditions = metrics["conditions"]
    classes = sorted({name for entry in conditions.values() for name in entry["classes"]})
    rows = []
    for name, entry in sorted(conditions.items(), key=_hardest_first):
        counts = [str(entry[key]) for key in ("tried", "hard", "original_fails")]
        row = [name, *counts, number(entry["accuracy"])]
        for kind in classes:
            found = entry["classes"].get(kind)
            row.append(f"{found['recognised'] / found['objects']:.0%}" if found else "–")
        rows.append(row)
    head = ["condition", "tried", "hard", "original fails", "accuracy", *classes]
    text = (
        "Shares of the objects that the model of that moment recognised, hardest first. Accuracy "
        "and shares are without the tries of images that it fails on unconverted, too (original "
        "fails): those say nothing of the condition."
    )
    return f"<h2>Which condition breaks which class</h2><p>{text}</p>{table(head, rows)}"


def _hardest_first(item: tuple[str, Mapping[str, Any]]) -> float:
    accuracy = item[1]["accuracy"]
    return math.inf if accuracy is None else float(accuracy)


def _rules(metrics: Mapping[str, Any]) -> str:
    entries = {
        "drawn": metrics["drawn"],
        "explored": metrics["explored"],
        **{f"explored, {why}": counts for why, counts in metrics["rules"].items()},
    }
    rows = [
        [
            name,
            str(counts["tried"]),
            str(counts["hard"]),
            f"{counts['hard'] / counts['tried']:.0%}" if counts["tried"] else "–",
        ]
        for name, counts in entries.items()
    ]
    return f"<h2>How they were found</h2>{table(['parameters', 'tried', 'hard', 'share'], rows)}"
