"""The new-city report of an adaptation: ``report.html`` and ``metrics.json`` in its folder."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dalearn_ros.adaptation.detector_run import CANDIDATES, LEARNING, PSEUDO_LABELS, SUMMARY
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.pseudo_summary import read_pseudo_labels, summarise_pseudo_labels
from dalearn_ros.adaptation.report_pictures import before_after
from dalearn_ros.adaptation.report_target import target_cards, target_section
from dalearn_ros.adaptation.report_timeline import (
    choice_section,
    losses_section,
    pseudo_section,
    read_losses,
)
from dalearn_ros.adaptation.selection import CRITERION, candidates
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.files import atomic_file, write_json
from dalearn_ros.datasets.image_list import ImageList, left_out_lines
from dalearn_ros.evaluation.page import cards, number, page, table
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.training.log import HISTORY
from dalearn_ros.training.run_folder import read_run

METRICS, REPORT = "metrics.json", "report.html"
ENDED = {"steps": "all steps are done", "time": "the time is up", "converged": "it converged"}


def write_report(
    run: Path,
    images: ImageList,
    settings: AdaptSettings,
    label_space: LabelSpace,
    scored: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Write both files of a finished run.

    Args:
        run: Its folder, as :func:`adaptation.detector_run.adapt_detector` leaves it.
        images: The target images.
        settings: Of the run.
        label_space: Classes.
        scored: Of :func:`adaptation.target_score.score_target`; None without target labels.
        notes: More warnings than the run has itself.

    Returns:
        The content of ``metrics.json``: that of ``adaptation.json`` (target images, those left
        out by reason, warnings, switches of self-training, networks along the way and the choice)
        with ``verdict``, ``pseudo_labels`` and ``evaluation`` (null without target labels).

    Raises:
        ModelError: The run is not finished, or a file of it is damaged.
        InputError: The disk is full.
    """
    summary = _read_summary(run / SUMMARY)
    rows = read_pseudo_labels(run / PSEUDO_LABELS, label_space)
    pseudo = summarise_pseudo_labels(rows, settings.adaptation.self_training.pseudo, label_space)
    metrics = {
        **summary,
        "warnings": [*_early_end(summary), *summary["warnings"], *notes],
        "verdict": verdict(summary),
        "pseudo_labels": pseudo,
        "evaluation": scored,
    }
    found = candidates(run / CANDIDATES)
    others = [c for c in found if c.step == summary["chosen_step"] and c.step] or found[1:]
    shown = max(others, key=lambda c: (c.figures[CRITERION], c.step), default=found[0])
    parts = [
        "<h1>Adaptation to a new city</h1>",
        f"<p class='verdict'>{html.escape(metrics['verdict'])}</p>",
        _cards(metrics),
        _warnings(metrics["warnings"]),
        "" if scored is None else target_section(scored),
        choice_section(metrics),
        losses_section(read_losses(run / LEARNING / HISTORY), metrics),
        pseudo_section(rows, metrics),
        _pictures_heading(metrics, shown.step),
        before_after(images, found[0], shown, settings, label_space),
        _inputs(run, images, metrics),
    ]
    write_json(run / METRICS, metrics)
    with atomic_file(run / REPORT) as file:
        file.write_text(page("Adaptation to a new city", parts), encoding="utf-8")
    return metrics


def verdict(summary: Mapping[str, Any]) -> str:
    """One sentence: what was chosen, or that adapting was refused and why."""
    if summary["refused"]:
        text = str(summary["refused"])
        return f"{text[0].upper()}{text[1:]}; the source model is kept."
    figures = {entry["step"]: entry[CRITERION] for entry in summary["candidates"]}
    before, after = figures[0], figures[summary["chosen_step"]]
    return (
        f"The network after step {summary['chosen_step']} of {summary['steps']} was chosen without "
        f"target labels: {CRITERION} rose from {before:.3f} to {after:.3f}."
    )


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{path}: is missing; the adaptation is not finished.") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: is damaged ({error}).") from None
    assert isinstance(content, dict)
    return content


def _early_end(summary: Mapping[str, Any]) -> list[str]:
    """A sentence if learning was ended because the pseudo labels ran away."""
    if summary["ended"] in ENDED:
        return []
    return [f"Learning was ended after step {summary['steps']}: {summary['ended']}."]


def _cards(metrics: Mapping[str, Any]) -> str:
    left = sum(metrics["target_left_out"].values())
    pseudo = metrics["pseudo_labels"]["all"]
    figures = {entry["step"]: entry for entry in metrics["candidates"]}
    before, after = figures[0], figures[metrics["chosen_step"]]
    entries = [
        ("Target images", number(metrics["target_images"]), f"{left} left out"),
        (
            "Pseudo labels",
            number(pseudo["used_as"]["label"]),
            f"learnt from, of {pseudo['made']} claims",
        ),
        ("Agreement", number(after[CRITERION], 3), f"start {number(before[CRITERION], 3)}"),
        (
            "F1, source images",
            number(after.get("source/f1"), 3),
            f"start {number(before.get('source/f1'), 3)}",
        ),
    ]
    if metrics["evaluation"] is not None:
        entries += target_cards(metrics["evaluation"])
    return cards(entries)


def _warnings(warnings: Sequence[str]) -> str:
    items = "".join(f"<li>{html.escape(text)}</li>" for text in warnings)
    return f"<h2>Warnings</h2><ul>{items}</ul>" if items else ""


def _pictures_heading(metrics: Mapping[str, Any], step: int) -> str:
    text = f"What the start sees, and what the network after step {step} sees"
    if metrics["refused"]:
        text += ", the best along the way, which was refused"
    return f"<h2>Before and after</h2><p>{text}. No labels are drawn.</p>"


def _inputs(run: Path, images: ImageList, metrics: Mapping[str, Any]) -> str:
    said = read_run(run) or {}
    rows = [["start", str(said.get("init"))]]
    for name, title in (
        ("data", "source"),
        ("validation", "source, for choice"),
        ("few_shot", "few labelled target images"),
    ):
        rows += [[title, f"{e['path']} ({e['images']} images)"] for e in said.get(name, [])]
    rows += [
        ["target images", str(metrics["target_images"])],
        *(["target images left out", line] for line in left_out_lines(images.left_out)),
        *(
            ["labelled images left out", f"{count} {reason}"]
            for reason, count in metrics.get("source_left_out", {}).items()
        ),
        ["sha256 of the target images", str(said.get("target", {}).get("sha256"))],
        ["seed", str(said.get("seed"))],
        ["steps", f"{metrics['steps']} in {metrics.get('minutes') or 0.0:.1f} min"],
        ["ended because", ENDED.get(metrics["ended"], metrics["ended"])],
    ]
    if said.get("mapped_landmarks") is not None:
        rows.append(["landmarks that the map has in target images", str(said["mapped_landmarks"])])
    return f"<h2>What it learnt from</h2>{table(['input', ''], rows, 'wide')}"
