"""The summary of a recipe: ``summary.json`` and ``report.html`` in its folder."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dalearn_ros.core.files import atomic_file, write_json
from dalearn_ros.evaluation.page import cards, number, page, table
from dalearn_ros.evaluation.report_compare import PAGE
from dalearn_ros.inference.detector import RUN_MODEL
from dalearn_ros.recipe.plan import CACHED, FIRST, SKIPPED, Step

SUMMARY, REPORT = "summary.json", "report.html"
AGAINST = "against-"
SHOWN = {  # figures beside the sentence of a stage
    "landmarks_labelled": "landmarks",
    "frames_skipped": "frames left out",
    "images_left_out": "images left out",
    "val_f1": "F1 on val",
    "corrected_maps": "corrected maps",
    "abs_rel": "AbsRel on val",
}


@dataclass
class Summary:
    """What became of each step.

    Attributes:
        planned: How many steps there are.
        entries: In their order: name, stage, key, state, why, said, refused, seconds (of all
            attempts at it), seconds_now (of this call), figures, folder and report.
    """

    planned: int
    entries: list[dict[str, Any]] = field(default_factory=list)

    def add(self, step: Step, state: str, record: Mapping[str, Any]) -> None:
        """Note how a step ended."""
        entry = {
            "name": step.name,
            "stage": step.stage,
            "key": step.key,
            "state": state,
            "why": step.why,
            "folder": str(step.folder) if step.key else "",
        }
        unknown = {"said": "", "refused": "", "seconds": 0.0, "seconds_now": 0.0, "figures": {},
                   "report": ""}  # fmt: skip
        found = {name: record.get(name, value) for name, value in unknown.items()}
        self.entries.append({**entry, **found})

    def count(self, *states: str) -> int:
        """How many steps ended so."""
        return sum(entry["state"] in states for entry in self.entries)

    def scores(self) -> list[dict[str, Any]]:
        """The entries of finished evaluations of the new model."""
        new = (e for e in self.entries if e["name"].startswith("evaluate-"))
        return [e for e in new if "f1" in e["figures"]]

    def broken(self) -> dict[str, Any] | None:
        """The entry that failed or was interrupted."""
        ends = ("failed", "interrupted")
        return next((entry for entry in self.entries if entry["state"] in ends), None)

    def verdict(self) -> str:
        """One sentence or two about the whole."""
        broken, scores = self.broken(), self.scores()
        if broken is not None:
            return f"'{broken['name']}' {_was(broken['state'])}: {broken['said']}"
        more = [f"'{e['name']}' was refused: {e['refused']}" for e in self.entries if e["refused"]]
        if left := [e["name"] for e in self.entries if e["state"] == "left out"]:
            more.append(f"Left out, because they cannot be used: {', '.join(left)}")
        ended = "The recipe is finished" if not self._left() else "The recipe ended early"
        if len(self.entries) < self.planned:
            ended = f"{len(self.entries)} of {self.planned} steps are done"
        score = "; ".join(f"F1 {number(e['figures']['f1'], 3)} on {_test(e)}" for e in scores)
        return ". ".join([ended + (f": {score}" if score else ""), *more]) + "."

    def to_dict(self) -> dict[str, Any]:
        """The content of ``summary.json``."""
        return {
            "verdict": self.verdict(),
            "seconds": self.seconds(),
            "steps": self.entries,
        }

    def seconds(self) -> float:
        """What this call took, of stages that failed or were interrupted as well."""
        return float(sum(e["seconds_now"] for e in self.entries))

    def _left(self) -> bool:
        return any(e["state"] == SKIPPED and e["why"].startswith("after ") for e in self.entries)


def write_summary(out: Path, summary: Summary) -> None:
    """Write both files."""
    write_json(out / SUMMARY, summary.to_dict())
    parts = [
        "<h1>From bags and maps to a model</h1>",
        f"<p class='verdict'>{html.escape(summary.verdict())}</p>",
        _cards(out, summary),
        _stages(summary),
        _along(summary),
        _evaluations(summary),
        _links(out, summary),
    ]
    with atomic_file(out / REPORT) as file:
        file.write_text(page("From bags and maps to a model", parts), encoding="utf-8")


def _cards(out: Path, summary: Summary) -> str:
    entries = []
    for entry in summary.scores():
        found = entry["figures"]
        note = f"precision {number(found['precision'], 3)}, recall {number(found['recall'], 3)}"
        entries.append((f"F1 on {_test(entry)}", number(found["f1"], 3), note))
    kept = f"{summary.count(CACHED)} steps were cached, {summary.count('run')} ran"
    entries.append(("This time", duration(summary.seconds()), kept))
    model = next((e for e in summary.entries if e["stage"] == "export" and e["figures"]), None)
    if model is not None:
        size = number(model["figures"]["megabytes"], 1, "MB")
        entries.append(("Model", size, RUN_MODEL if (out / RUN_MODEL).is_file() else ""))
    return cards(entries)


def _stages(summary: Summary) -> str:
    rows = [
        [e["name"], _state(e), duration(e["seconds"]) if e["seconds"] else "–", _said(e)]
        for e in summary.entries
    ]
    return "<h2>Stages</h2>" + table(["Stage", "State", "Time", "What came out"], rows, "steps")


def _along(summary: Summary) -> str:
    """How F1 on the validation data went, where stages know it."""
    rows = [
        [e["name"], number(e["figures"]["val_f1"], 3), "no" if e["refused"] else "yes"]
        for e in summary.entries
        if "val_f1" in e["figures"]
    ]
    if not rows:
        return ""
    note = (
        "<p>F1 on the drives and datasets with use val, as each stage measured it for its choice "
        "of thresholds. What is handed on is where the next stage begins.</p>"
    )
    return "<h2>Along the stages</h2>" + note + table(["Stage", "F1 on val", "Handed on"], rows)


def _evaluations(summary: Summary) -> str:
    other = [e for e in summary.entries if e["name"].startswith(AGAINST) and e["figures"]]
    rows = [
        [
            _test(e),
            number(e["figures"]["frames"]),
            *(number(e["figures"][name], 3) for name in ("f1", "precision", "recall")),
            number(e["figures"]["point_median_px"], 2),
            number(e["figures"]["lateral_median_m"], 2),
        ]
        for e in [*summary.scores(), *other]
    ]
    if not rows:
        return ""
    head = ["Test", "Frames", "F1", "Precision", "Recall", "Point, px", "Lateral, m"]
    return "<h2>The model</h2>" + table(head, rows)


def _links(out: Path, summary: Summary) -> str:
    lines = []
    for entry in summary.entries:
        for page_name, more in ((entry["report"], ""), (PAGE, ": comparison")):
            file = Path(entry["folder"]) / page_name
            if not (entry["folder"] and page_name and file.is_file()):
                continue
            target = html.escape(os.path.relpath(file, out), quote=True)
            lines.append(f'<li><a href="{target}">{html.escape(entry["name"] + more)}</a></li>')
    return f"<h2>Reports of the stages</h2><ul>{''.join(lines)}</ul>" if lines else ""


def _state(entry: Mapping[str, Any]) -> str:
    return "refused" if entry["refused"] else str(entry["state"])


def _said(entry: Mapping[str, Any]) -> str:
    """What it says, its figures, and why it ran."""
    figures = entry["figures"]
    told = [
        f"{name} {value if isinstance(value := figures[key], int) else number(value, 3)}"
        for key, name in SHOWN.items()
        if figures.get(key)
    ]
    refused = "Refused; it hands on what it was given. " if entry["refused"] else ""
    beside = ", ".join(told)
    text = f"{refused}{entry['said']} {beside[:1].upper()}{beside[1:]}{'.' if told else ''}".strip()
    again = entry["state"] in ("run", "failed", "interrupted") and entry["why"] not in ("", FIRST)
    return f"{text} Why it ran: {entry['why']}." if again else text


def _test(entry: Mapping[str, Any]) -> str:
    name = str(entry["name"]).removeprefix("evaluate-")
    if name.startswith(AGAINST):
        return f"{name.removeprefix(AGAINST)}, the model compared with"
    return name


def _was(state: str) -> str:
    return "failed" if state == "failed" else "was interrupted"


def duration(seconds: float) -> str:
    """A time for people: 48 s, 12.5 min, 3.1 h."""
    if seconds < 120.0:
        return f"{seconds:.0f}\u00a0s"  # not to be broken
    minutes = seconds / 60.0
    return f"{minutes:.1f}\u00a0min" if minutes < 120.0 else f"{minutes / 60.0:.1f}\u00a0h"
