"""The tables of ``benchmarks/adaptation.py`` out of its results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.ablation import spread
from benchmarks.adaptation_rows import ABLATION_PAIR, FULL, ORACLE, ROWS, SOURCE_ONLY, START
from benchmarks.figures import record
from benchmarks.kept_runs import Entry, machines_of
from dalearn_ros.evaluation.intervals import draw_images, drawn_f1, interval

LEAST_GAP = 0.15  # between source only and oracle, for a pair that says something
TAKEN = ("f1", "median_px", "counts")
COMMAND = "python benchmarks/adaptation.py --data out/ship/data --real-data DATA"


def record_tables(entries: Sequence[Entry]) -> None:
    """Write the results files of all pairs, and of the ablation."""
    entries = [taken(entry, entries) for entry in entries]
    pairs = list(dict.fromkeys((e["group"], e["pair"]) for e in entries))
    for group in ("world", "lights"):
        rows = [
            line
            for kind, pair in pairs
            if kind == group
            for line in table_of([e for e in entries if e["pair"] == pair], False)
        ]
        if rows:
            own = [e for e in entries if e["group"] == group]
            record(f"adaptation_{group}", COMMAND, rows, _note(own))
    ablation = table_of([e for e in entries if e["pair"] == ABLATION_PAIR], True)
    if ablation:
        own = [e for e in entries if e["pair"] == ABLATION_PAIR]
        record("adaptation_ablation", COMMAND, ablation, _note(own))


def taken(entry: Entry, entries: Sequence[Entry]) -> Entry:
    """A run with the figures of the network that was taken, and the F1 of the best by labels.

    One that refused to adapt counts as source only of the same seed, which is among those to choose
    from, too.
    """
    if "networks" not in entry:
        return {"refused": "", "best": None, **entry}
    same = (entry["pair"], SOURCE_ONLY, entry["seed"])
    plain = next(e for e in entries if (e["pair"], e["row"], e["seed"]) == same)
    networks = {network["step"]: network for network in entry["networks"]}
    own = plain if entry["refused"] else networks[entry["chosen"]]
    best = max(plain["f1"], *(network["f1"] for network in networks.values()))
    return {**entry, **{key: own[key] for key in TAKEN}, "best": best}


def table_of(entries: Sequence[Entry], ablation: bool) -> list[dict[str, Any]]:
    """Lines of one pair; of the ablation, with what it is held against."""
    names = [r.name for r in ROWS if r.ablation is ablation or (ablation and r.name == FULL)]
    lines = []
    for name in names:
        mine = [e for e in entries if e["row"] == name]
        if not mine:
            continue
        share, low, high = gap_closed(entries, name)
        points = [e["median_px"] for e in mine if e["median_px"] is not None]
        best = [e["best"] for e in mine if e["best"] is not None]
        last = [e["networks"][-1]["f1"] for e in mine if "networks" in e]
        lines.append(
            {
                "from, to": mine[0]["pair"],
                "learnt with": name,
                "seeds": len(mine),
                "F1 at 8 px": spread([e["f1"] for e in mine]),
                "point, median px": spread(points) if points else None,
                "gap closed": "–" if share is None else f"{share:.0%} ({low:.0%} to {high:.0%})",
                "best by labels": spread(best) if best else "–",
                "last network": spread(last) if last else "–",
                "refused": sum(bool(e["refused"]) for e in mine),
            }
        )
    return lines


def gap_closed(entries: Sequence[Entry], name: str) -> tuple[float | None, float, float]:
    """Share of the way from source only to oracle in F1, with 95 % over test images drawn anew.

    Of the seeds that all three have. None for the ends themselves, where one of them is missing,
    and where they differ too little.
    """
    if name in (START, SOURCE_ONLY, ORACLE):
        return None, 0.0, 0.0
    sides = _same_seeds(entries, (SOURCE_ONLY, name, ORACLE))
    if not all(sides):
        return None, 0.0, 0.0
    counts = [np.array([e["counts"] for e in side], np.int64) for side in sides]
    low, middle, high = (float(np.mean([e["f1"] for e in side])) for side in sides)
    if high - low < LEAST_GAP:
        return None, 0.0, 0.0
    drawn = draw_images(counts[0].shape[1])
    a, b, c = (drawn_f1(side.transpose(1, 0, 2), drawn).mean(axis=1) for side in counts)
    bounds = interval(np.where(c > a, (b - a) / np.where(c > a, c - a, 1.0), np.nan))
    return (middle - low) / (high - low), *bounds


def _same_seeds(entries: Sequence[Entry], rows: Sequence[str]) -> list[list[Entry]]:
    """The entries of some rows, each with the seeds that all of them have."""
    by_seed = [{e["seed"]: e for e in entries if e["row"] == row} for row in rows]
    common = sorted(set.intersection(*(set(found) for found in by_seed)))
    return [[found[seed] for seed in common] for found in by_seed]


def _note(entries: Sequence[Entry]) -> str:
    return (
        "Mean ± standard deviation over seeds; the gap with its 95 % interval over test images; "
        f"none is given where source only and oracle differ by less than {LEAST_GAP}. `refused`: "
        "runs that kept the source model by the criterion; they count as source only. `best by "
        "labels`: F1 with the best choice among source only and the networks along the way, which "
        "only target labels could make; `last network`: F1 of the last of these, taken or not. "
        f"{machines_of(entries)}"
    )
