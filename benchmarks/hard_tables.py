"""The tables of ``benchmarks/hard_examples.py`` out of its results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.ablation import spread
from benchmarks.adaptation_tables import LEAST_GAP
from benchmarks.figures import record
from benchmarks.hard_tasks import JUDGED
from benchmarks.kept_runs import Entry, machines_of

ROWS = ("no conversion", "jitter", "search", "online", "online, together", "those conditions")
COMMAND = "python benchmarks/hard_examples.py --data out/ship/data"


def record_tables(entries: Sequence[Entry]) -> None:
    """Write the results files: F1 under each condition, the gap closed, the cost."""
    if not entries:
        raise SystemExit("hard_examples: no finished run to record.")
    steps = sorted({entry["steps"] for entry in entries})
    note = (
        "F1 at 8 px on whole images 1280×720, mean ± standard deviation over seeds; every run has "
        f"{', '.join(map(str, steps))} gradient steps of 8 crops of 320×192 px from the "
        f"same start. {machines_of(entries)}"
    )
    record("hard_examples", COMMAND, lines(entries), note)
    gaps = gap_lines(entries)
    if gaps:
        record(
            "hard_examples_gap", COMMAND, gaps,
            "Share of the way in F1 from `no conversion` to `those conditions`; none where the two "
            f"differ by less than {LEAST_GAP}.",
        )  # fmt: skip
    cost = cost_lines(entries)
    if cost:
        record(
            "hard_examples_cost", COMMAND, cost,
            "Images of 448×256 px, one process with one thread; `recognition` is inference and "
            "decoding, of originals too where they are asked for.",
        )  # fmt: skip


def groups(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Runs of one row and budget together, rows in the order of the comparison."""
    keys = {(entry["outputs"], ROWS.index(entry["row"])) for entry in entries}
    order = sorted(keys, key=lambda key: (key[1] == len(ROWS) - 1, *key))
    return [
        [e for e in entries if (e["outputs"], e["row"]) == (outputs, ROWS[place])]
        for outputs, place in order
    ]


def lines(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """F1 of each row and budget under each condition."""
    table = []
    for own in groups(entries):
        conditions = {c: spread([e["judged"][c]["f1"] for e in own]) for c in (*JUDGED, "day")}
        tried = [e["tries"]["tried"] for e in own if "tries" in e]
        found = [e["outputs_found"] for e in own]
        table.append(
            {
                "row": own[0]["row"],
                "converted images": round(float(np.mean(found))),
                "tried": round(float(np.mean(tried))) if tried else None,
                "seeds": len(own),
                "mean of four": spread([mean_f1(e) for e in own]),
                **conditions,
            }
        )
    return table


def gap_lines(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Share of the gap that each row closes; empty while an end of it is missing."""
    low = [e for e in entries if e["row"] == ROWS[0]]
    high = [e for e in entries if e["row"] == ROWS[-1]]
    if not low or not high:
        return []
    table = []
    for own in groups(entries):
        if own[0]["row"] in (ROWS[0], ROWS[-1]):
            continue
        shares = {c: _share(low, own, high, c) for c in JUDGED}
        table.append({"row": own[0]["row"], "budget": own[0]["outputs"], **shares})
    return table


def cost_lines(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Images tried per second, and what the time goes to."""
    table = []
    for own in groups([entry for entry in entries if "timing" in entry]):
        timed = [entry["timing"] for entry in own]
        share = {
            name: float(np.mean([t["share"][key] for t in timed]))
            for name, key in (("recognition", "recognise"), ("conversion", "convert"))
        }
        table.append(
            {
                "row": own[0]["row"],
                "budget": own[0]["outputs"],
                "seeds": len(own),
                "tried per second": float(np.mean([t["tries_per_second"] for t in timed])),
                **{f"share of {name}": f"{value:.0%}" for name, value in share.items()},
                "minutes of a run": float(np.mean([e["minutes"] for e in own])),
            }
        )
    return table


def mean_f1(entry: Entry) -> float:
    """Mean F1 over the judged conditions."""
    return float(np.mean([entry["judged"][condition]["f1"] for condition in JUDGED]))


def _share(
    low: Sequence[Entry], own: Sequence[Entry], high: Sequence[Entry], condition: str
) -> str:
    ends = [
        float(np.mean([e["judged"][condition]["f1"] for e in side])) for side in (low, own, high)
    ]
    gap = ends[2] - ends[0]
    return "–" if gap < LEAST_GAP else f"{(ends[1] - ends[0]) / gap:.0%}"
