"""The report's charts and tables over the steps: choice, losses, self-training, pseudo labels."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.adaptation.pseudo_summary import REFUSED, PseudoRows, over_time
from dalearn_ros.adaptation.selection import CONTROL, CRITERION
from dalearn_ros.adaptation.settings import BALANCED_ENTROPY
from dalearn_ros.evaluation.charts import Series, chart
from dalearn_ros.evaluation.page import number, table

Array = npt.NDArray[np.float64]
BLUE, ORANGE, GREEN, RED, GREY = "#1463c8", "#d9730d", "#2b8a3e", "#c92a2a", "#9aa7b4"
_TASK = (
    *(("source", BLUE, ""), ("self_training", ORANGE, ""), ("few_shot", GREEN, "")),
    ("total", GREY, "2 3"),
)
_CLASSES = ((BLUE, ""), (ORANGE, ""), (GREEN, "5 3"), (RED, "5 3"))  # the most frequent ones
_DOMAIN = (("domain_image", BLUE, ""), ("domain_subregion", ORANGE, ""))
_ROLES = {
    "label": "label",
    "mask_max": "maximum masked",
    "mask_all": "all masked",
    "negative": "negative",
    "neutral": "neutral",
}


def read_losses(path: Path) -> dict[str, tuple[Array, Array]]:
    """Losses of a run's history, in the order of the steps.

    A step that a continued run took again counts once; a line cut off by a crash is left out.

    Returns:
        Name of a loss → (n,) steps and (n,) values; empty if there is no history.
    """
    entries: dict[int, Mapping[str, Any]] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                if entry["kind"] == "loss":
                    entries[int(entry["step"])] = entry
            except (ValueError, KeyError, TypeError):
                continue
    names = sorted({name for entry in entries.values() for name in entry})
    found = {}
    for name in names:
        steps = [step for step in sorted(entries) if isinstance(entries[step].get(name), float)]
        if steps:
            values = np.array([entries[step][name] for step in steps], np.float64)
            found[name] = np.array(steps, np.float64), values
    return found


def choice_section(metrics: Mapping[str, Any]) -> str:
    """The networks along the way and what the choice is made by."""
    entries = metrics["candidates"]
    columns = {
        "agreement": CRITERION,
        "on source images": CONTROL,
        "same as before": "target/same_as_before",
        "landmarks per target image": "target/landmarks",
        "F1, source": "source/f1",
        "score threshold": "source/score_threshold",
    }
    rows = []
    for entry in entries:
        kept = " (chosen)" if entry["step"] == metrics["chosen_step"] else ""
        values = [number(entry.get(key), 3) for key in columns.values()]
        rows.append([f"step {entry['step']}{kept}", *values])
    steps = np.array([entry["step"] for entry in entries], np.float64)
    series = []
    for name, key, colour, dash in (
        ("agreement", CRITERION, BLUE, ""),
        ("on source images", CONTROL, BLUE, "2 3"),
        ("same as before", "target/same_as_before", ORANGE, "5 3"),
        ("F1, source", "source/f1", GREY, "2 3"),
    ):
        values_ = np.array([_float(entry.get(key)) for entry in entries], np.float64)
        series += [
            Series(name, steps, values_, colour, dash=dash),
            Series("", steps, values_, colour, dots=True, width=3.0),
        ]
    chosen = [entry[CRITERION] for entry in entries if entry["step"] == metrics["chosen_step"]]
    place = np.array([metrics["chosen_step"]], np.float64)
    series.append(Series("chosen", place, np.array(chosen), RED, dots=True, width=5.0))
    return (
        "<h2>Choice without target labels</h2><p>Agreement: F1 between what a network sees in "
        "target images and in the same images at 0.8 of their size; on source images likewise. "
        "Same as before: F1 between what it and the network before it see.</p>"
        f"<figure>{chart(series, 'step', 'F1')}</figure>" + table(["network", *columns], rows)
    )


def losses_section(losses: Mapping[str, tuple[Array, Array]], metrics: Mapping[str, Any]) -> str:
    """Losses over the steps, and when self-training started and stopped, and why."""
    events = metrics["self_training"]
    parts = ["<h2>Learning</h2>"]
    for title, wanted in (("loss", _TASK), ("domain loss", _DOMAIN)):
        series = [
            Series(name.replace("_", " "), *losses[name], colour, dash=dash)
            for name, colour, dash in wanted
            if name in losses
        ]
        if not series:
            continue
        high = max(float(s.y.max()) for s in series)
        if wanted is _DOMAIN:
            ends = series[0].x[[0, -1]]
            series.append(Series("ln 2", ends, np.full(2, BALANCED_ENTROPY), GREY, dash="2 3"))
            high = max(high, BALANCED_ENTROPY)
        series += _marks(events, high)
        parts.append(f"<figure>{chart(series, 'step', title, y_from_zero=True)}</figure>")
    if events:
        rows = [[f"step {e['step']}", f"{e['what']}: {e['why']}"] for e in events]
        parts.append(table(["self-training", ""], rows, "wide"))
    else:
        parts.append("<p>Self-training never started.</p>")
    return "".join(parts)


def pseudo_section(rows: PseudoRows, metrics: Mapping[str, Any]) -> str:
    """What became of the pseudo labels: by class and over the steps."""
    found = metrics["pseudo_labels"]
    parts = ["<h2>Pseudo labels</h2>"]
    for key, text in (
        ("never_claimed", "Never claimed, so that nothing was learnt of them in the new city"),
        ("never_learnt", "Claimed, but never surely enough to learn from"),
    ):
        if found[key]:
            parts.append(f"<p>{text}: {html.escape(', '.join(found[key]))}.</p>")
    if not len(rows):
        return "".join([*parts, "<p>There were none.</p>"])
    roles = [role for role in _ROLES if found["all"]["used_as"][role] or role == "label"]
    table_rows = [
        _class_row(name, entry, roles)
        for name, entry in [*found["by_class"].items(), ("all", found["all"])]
    ]
    head = ["class", "claimed", *(_ROLES[role] for role in roles)]
    head += [f"refused by {reason}" for reason in REFUSED] + ["mean score", "of labels"]
    parts.append(table(head, table_rows))
    return "".join([*parts, *_pseudo_charts(rows, metrics)])


def _pseudo_charts(rows: PseudoRows, metrics: Mapping[str, Any]) -> list[str]:
    ends, claimed, label, score = over_time(rows, metrics["steps"])
    series = [
        Series("claimed", ends, claimed, GREY, dash="5 3"),
        Series("learnt from", ends, label.sum(axis=1), BLUE),
    ]
    series += _marks(metrics["self_training"], float(np.nanmax(claimed)))
    classes = metrics["pseudo_labels"]["by_class"]
    learnt = sorted(classes, key=lambda name: -classes[name]["used_as"]["label"])[: len(_CLASSES)]
    by_class = [
        Series(name, ends, label[:, classes[name]["class_id"]], colour, dash=dash)
        for name, (colour, dash) in zip(learnt, _CLASSES, strict=False)
    ]
    mean = [Series("mean score of all claims", ends, score, BLUE)]
    charts = (
        chart(series, "step", "landmarks a step", y_from_zero=True),
        chart(by_class, "step", "learnt from a step", y_from_zero=True),
        chart(mean, "step", "score"),
    )
    return [f"<figure>{picture}</figure>" for picture in charts]


def _class_row(name: str, entry: Mapping[str, Any], roles: Sequence[str]) -> list[str]:
    return [
        name,
        number(entry["made"]),
        *(number(entry["used_as"][role]) for role in roles),
        *(number(entry["refused_by"][reason]) for reason in REFUSED),
        number(entry["mean_score"], 3),
        number(entry["mean_score_of_labels"], 3),
    ]


def _marks(events: Sequence[Mapping[str, Any]], high: float) -> list[Series]:
    """Upright lines where self-training starts and stops."""
    colours = {"started": GREEN, "stopped": RED}
    named: set[str] = set()
    series = []
    for event in events:
        what = str(event["what"])
        name = "" if what in named else what
        named.add(what)
        at = np.full(2, float(event["step"]))
        series.append(Series(name, at, np.array([0.0, high]), colours[what], dash="3 3"))
    return series


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
