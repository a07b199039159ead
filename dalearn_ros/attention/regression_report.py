"""The page about a retraining: what the edits fixed, what they broke, elsewhere too."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.regression import BROKEN, EDITED, ELSEWHERE, FIXED, Row
from dalearn_ros.core.files import atomic_file, printable
from dalearn_ros.evaluation.page import cards, number, page, picture, table

Array = npt.NDArray[np.float32]
REPORT = "report.html"
EXPLAINED = (
    "These are class activation maps: they show what speaks for the answer that the network gave, "
    "right or wrong, and in a misrecognised image that is not what is true."
)
_PICTURES, _HEIGHT = 6, 240


def write_report(
    path: Path,
    metrics: Mapping[str, Any],
    rows: Sequence[Row],
    wanted: Mapping[str, Array],
    is_cam: bool,
) -> None:
    """Write the page.

    Args:
        path: The file.
        metrics: As ``metrics.json`` has them.
        rows: All images.
        wanted: The map that an edited image should get, by its name.
        is_cam: Whether the maps before and after are class activation maps, not a branch's.
    """
    score = metrics["score"]
    parts = [
        "<h1>Retrained with corrected attention</h1>",
        f'<p class="verdict">{html.escape(metrics["verdict"])}</p>',
        _cards(metrics, score),
        "<h2>Before and after</h2>",
        _groups(metrics, score),
        _images("Fixed", [row for row in rows if row.outcome == FIXED]),
        _images("Broken", [row for row in rows if row.outcome == BROKEN]),
        _pictures(rows, wanted, is_cam),
        _edits(metrics["edits"]),
    ]
    with atomic_file(path) as file:
        text = page("Retrained with corrected attention", parts)
        file.write_text(printable(text), encoding="utf-8")


def verdict_of(summary: Mapping[str, Any]) -> str:
    """The outcome in a sentence."""
    clauses = []
    for group, where in ((EDITED, "on the edited images"), (ELSEWHERE, "elsewhere")):
        found = summary[group]
        if found["images"]:
            fixed, broken = len(found[FIXED]), len(found[BROKEN])
            clauses.append(f"{where} {fixed} fixed and {broken} broken of {found['images']}")
    text = "; ".join(clauses) or "no image to compare on"
    return text[0].upper() + text[1:] + "."


def _cards(metrics: Mapping[str, Any], score: str) -> str:
    entries = []
    for group in (EDITED, ELSEWHERE):
        found = metrics[group]
        if found["images"]:
            before = number(found[f"{score}_before"], 3)
            figure = number(found[f"{score}_after"], 3)
            entries.append((f"{score}, {group}", figure, f"before {before}"))
            if found["mass_after"] is not None:
                before = number(found["mass_before"], 3)
                figure = number(found["mass_after"], 3)
                entries.append((f"attention inside, {group}", figure, f"before {before}"))
    edits = metrics["edits"]
    entries.append(("edits used", str(edits["used"]), f"of {edits['given']}"))
    return cards(entries)


def _groups(metrics: Mapping[str, Any], score: str) -> str:
    head = ["images", "number", "wrong before", "wrong after", "fixed", "broken"]
    head += [f"{score} before", f"{score} after", "attention inside before", "after"]
    rows = []
    for group in (EDITED, ELSEWHERE):
        found = metrics[group]
        cells = [found["images"], found["wrong_before"], found["wrong_after"]]
        cells += [len(found[FIXED]), len(found[BROKEN])]
        figures = [found[f"{score}_before"], found[f"{score}_after"]]
        figures += [found["mass_before"], found["mass_after"]]
        name = group if group == EDITED else f"{group} ({metrics['elsewhere_is']})"
        rows.append([name, *map(str, cells), *(number(value, 3) for value in figures)])
    return table(head, rows)


def _images(title: str, rows: Sequence[Row]) -> str:
    if not rows:
        return f"<h2>{title}</h2><p>None.</p>"
    cells = []
    for row in rows:
        side = row.before if row.outcome == FIXED else row.after
        what = ", ".join(f"{count} {name}" for name, count in side.verdict.errors.items())
        cells.append([row.image, row.group, what])
    return f"<h2>{title}</h2>" + table(["image", "where", "errors"], cells, "wide")


def _pictures(rows: Sequence[Row], wanted: Mapping[str, Array], is_cam: bool) -> str:
    shown = [row for row in rows if row.image in wanted][:_PICTURES]
    if not shown:
        return ""
    parts = []
    for row in shown:
        image = cv2.imread(row.image, cv2.IMREAD_COLOR)
        if image is None or row.after.attention is None:
            continue
        maps = [row.before.attention, row.after.attention, wanted[row.image]]
        drawn = [_under(np.asarray(image, np.uint8), one) for one in maps if one is not None]
        names = "before, after, as edited" if len(drawn) == 3 else "after, as edited"
        line = np.asarray(np.concatenate(drawn, axis=1), np.uint8)
        parts.append(picture(line, f"{Path(row.image).name}: {names}"))
    explained = f"<p>{EXPLAINED}</p>" if is_cam else ""
    return "<h2>Attention</h2>" + explained + "".join(parts)


def _under(image: npt.NDArray[np.uint8], attention: Array) -> npt.NDArray[np.uint8]:
    """An image of a fixed height under a half-transparent map."""
    width = max(1, round(image.shape[1] * _HEIGHT / image.shape[0]))
    small = cv2.resize(image, (width, _HEIGHT), interpolation=cv2.INTER_AREA)
    level = cv2.resize(attention, (width, _HEIGHT), interpolation=cv2.INTER_NEAREST)
    coloured = cv2.applyColorMap(np.rint(level * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.asarray(cv2.addWeighted(small, 0.5, coloured, 0.5, 0.0), np.uint8)


def _edits(edits: Mapping[str, Any]) -> str:
    share = number(edits["recognised_before_share"], 2)
    made = ", ".join(f"{count} {name}" for name, count in edits["made"].items()) or "none"
    text = (
        f"{edits['used']} of {edits['given']} maps were used ({made}), for {edits['images']} "
        f"images; share of images that were recognised before they were edited: {share}; "
        f"images whose map the labels proposed: {edits['proposed']}."
    )
    if edits["in_validation"]:
        text += (
            f" {edits['in_validation']} of these images are in the validation data, too, and "
            "are left out elsewhere."
        )
    found = f"<h2>Edits</h2><p>{html.escape(text)}</p>"
    if edits["skipped"]:
        cells = [[one["image"], one["reason"]] for one in edits["skipped"]]
        found += "<h3>Not used</h3>" + table(["image", "reason"], cells, "wide")
    return found
