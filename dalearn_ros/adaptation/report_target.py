"""The report's part on labelled target images, which nothing but the score has opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dalearn_ros.evaluation.page import number, table


def target_cards(scored: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """F1 and reference point of the chosen network beside the start's."""
    start, chosen = scored["networks"][0], _of_step(scored, scored["chosen_step"])
    point, before = chosen["reference_point_px"], start["reference_point_px"]
    return [
        (
            f"F1, target, {scored['match_px']:g} px",
            number(chosen["f1"], 3),
            f"start {number(start['f1'], 3)}; gain {_gain(scored['gain'])}",
        ),
        (
            "Reference point, target",
            number(point["median"], 2, "px"),
            f"median; start {number(before['median'], 2, 'px')}",
        ),
    ]


def target_section(scored: Mapping[str, Any]) -> str:
    """Networks and classes with their 95 % intervals, and what a choice by labels had given."""
    chosen, oracle = scored["chosen_step"], scored["oracle_step"]
    marks = {0: ["start"]}
    marks.setdefault(chosen, []).append("chosen")
    marks.setdefault(oracle, []).append("best by labels")
    rows = [
        [
            f"step {n['step']}"
            + (f" ({', '.join(marks[n['step']])})" if n["step"] in marks else ""),
            number(n["score_threshold"], 3),
            *_row(n),
        ]
        for n in scored["networks"]
    ]
    left = len(scored["unreadable"])
    skipped = f", {left} cannot be read" if left else ""
    if oracle == chosen:
        best = "No network along the way has a better F1 on them than the chosen one."
    else:
        best = (
            f"A choice by these labels would have been step {oracle}: gain "
            f"{_gain(scored['oracle_gain'])} over the start instead of {_gain(scored['gain'])}."
        )
    return (
        f"<h2>Scores on target labels</h2><p>{scored['images']} labelled images{skipped}. They "
        "were opened after the choice. Thresholds and calibration are those of source images; a "
        f"hit lies within {scored['match_px']:g} px; intervals are 95 % over images. {best}</p>"
        + table(["network", "threshold", *_HEAD], rows)
        + _classes(scored)
    )


_HEAD = (
    *("F1", "95 %", "precision", "recall", "point px, median", "95 % of the median"),
    "95th percentile",
)


def _row(figures: Mapping[str, Any]) -> list[str]:
    point = figures["reference_point_px"]
    return [
        number(figures["f1"], 3),
        _between(figures["f1_interval"], 3),
        number(figures["precision"], 3),
        number(figures["recall"], 3),
        number(point["median"]),
        _between(figures["point_interval"], 2),
        number(point["p95"]),
    ]


def _classes(scored: Mapping[str, Any]) -> str:
    parts = []
    titles = {0: "start", scored["chosen_step"]: "chosen network"}
    for step, title in titles.items():
        if step == 0 and scored["chosen_step"] == 0:
            title = "start, which was kept"
        classes = _of_step(scored, step)["per_class"]
        rows = [[name, number(c["support"]), *_row(c)] for name, c in classes.items()]
        parts.append(f"<h3>Classes: {title}</h3>" + table(["class", "support", *_HEAD], rows))
    return "".join(parts)


def _of_step(scored: Mapping[str, Any], step: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(n for n in scored["networks"] if n["step"] == step)
    return found


def _between(ends: Sequence[float], digits: int) -> str:
    low, high = (number(end, digits) for end in ends)
    return low if low == high == number(None) else f"{low}–{high}"


def _gain(gain: Mapping[str, Any]) -> str:
    low, high = gain["interval"]
    return f"{gain['f1']:+.3f} ({low:+.3f} to {high:+.3f})"
