"""The tables of ``benchmarks/adaptation.py`` out of its results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.ablation import spread
from benchmarks.adaptation_rows import ABLATION_PAIR, FULL, ORACLE, ROWS, SOURCE_ONLY, START
from benchmarks.figures import record
from benchmarks.kept_runs import Entry, machines_of
from dalearn_ros.evaluation.intervals import draw_images, drawn_f1, interval

LEAST_GAP = 0.15  # between source only and oracle, for a pair that says something
TAKEN = ("f1", "median_px", "counts", "classes")
UNLABELLED = ("+ domain loss", FULL, "+ masking and caps")
BY_CLASS = (SOURCE_ONLY, FULL, "+ 1 image a class", "+ 5 images a class", ORACLE)
Bounded = tuple[float, float, float]  # a value and its 95 % interval
Floats = npt.NDArray[np.float64]
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
            record(f"adaptation_{group}", COMMAND, rows, f"{_note(own)} {_average(own)}")
    own = [e for e in entries if e["group"] == "world" and e["row"] in BY_CLASS]
    classes = class_table(own)
    if classes:
        note = f"F1 at 8 px on the test drives, mean over seeds. {machines_of(own)}"
        record("adaptation_classes", COMMAND, classes, note)
    ablation = table_of([e for e in entries if e["pair"] == ABLATION_PAIR], True)
    if ablation:
        own = [e for e in entries if e["pair"] == ABLATION_PAIR]
        record("adaptation_ablation", COMMAND, ablation, _note(own))


def class_table(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """F1 of each class of the valid pairs: where the gap is, and what closes it."""
    lines = []
    for pair in dict.fromkeys(e["pair"] for e in entries):
        mine = [e for e in entries if e["pair"] == pair]
        sides = _same_seeds(mine, BY_CLASS)
        if not all(sides) or gap_closed(mine, FULL) is None:
            continue
        for name, about in sides[0][0]["classes"].items():
            line = {"from, to": pair, "class": name, "landmarks": about["support"]}
            for row, side in zip(BY_CLASS, sides, strict=True):
                line[row] = round(float(np.mean([e["classes"][name]["f1"] for e in side])), 2)
            lines.append(line)
    return lines


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
                "gain in F1": _said(gain(entries, name), "+.3f"),
                "gap closed": _said(gap_closed(entries, name), ".0%"),
                "best by labels": spread(best) if best else "–",
                "last network": spread(last) if last else "–",
                "refused": sum(bool(e["refused"]) for e in mine),
            }
        )
    return lines


def _said(found: Bounded | None, form: str) -> str:
    if found is None:
        return "–"
    middle, low, high = (format(value, form) for value in found)
    return f"{middle} ({low} to {high})"


def gap_closed(entries: Sequence[Entry], name: str) -> Bounded | None:
    """Share of the way from source only to oracle in F1, with 95 % over test images drawn anew.

    Of the seeds that all three have; the mean over those of the pairs for which there is one: none
    for the ends themselves, where one of them is missing, and where they differ too little.
    """
    pairs = dict.fromkeys(e["pair"] for e in entries)
    found = [_closed([e for e in entries if e["pair"] == pair], name) for pair in pairs]
    valid = [share for share in found if share is not None]
    if not valid:
        return None
    drawn = np.mean([draws for _, draws in valid], axis=0)
    return float(np.mean([middle for middle, _ in valid])), *interval(drawn)


def _closed(entries: Sequence[Entry], name: str) -> tuple[float, Floats] | None:
    """Of one pair; and the same for each set of test images drawn anew."""
    sides = _same_seeds(entries, (SOURCE_ONLY, name, ORACLE))
    if name in (START, SOURCE_ONLY, ORACLE) or not all(sides):
        return None
    (low, a), (middle, b), (high, c) = map(_drawn, sides)
    if high - low < LEAST_GAP:
        return None
    drawn = np.where(c > a, (b - a) / np.where(c > a, c - a, 1.0), np.nan)
    return (middle - low) / (high - low), drawn


def gain(entries: Sequence[Entry], name: str) -> Bounded | None:
    """F1 above source only's, with 95 % over test images drawn anew; of the seeds that both have.

    None for source only itself, and where it is missing.
    """
    sides = _same_seeds(entries, (SOURCE_ONLY, name))
    if name == SOURCE_ONLY or not all(sides):
        return None
    (low, a), (high, b) = map(_drawn, sides)
    return high - low, *interval(b - a)


def _drawn(side: Sequence[Entry]) -> tuple[float, Floats]:
    """Mean F1 over seeds, and the same for each set of images drawn anew."""
    counts = np.array([e["counts"] for e in side], np.int64)
    drawn = drawn_f1(counts.transpose(1, 0, 2), draw_images(counts.shape[1])).mean(axis=1)
    return float(np.mean([e["f1"] for e in side])), drawn


def _same_seeds(entries: Sequence[Entry], rows: Sequence[str]) -> list[list[Entry]]:
    """The entries of some rows, each with the seeds that all of them have."""
    by_seed = [{e["seed"]: e for e in entries if e["row"] == row} for row in rows]
    common = sorted(set.intersection(*(set(found) for found in by_seed)))
    return [[found[seed] for seed in common] for found in by_seed]


def _average(entries: Sequence[Entry]) -> str:
    """What each row without labels closes on average over the valid pairs of a group."""
    found = {name: gap_closed(entries, name) for name in UNLABELLED}
    parts = [f"{name} {_said(share, '.0%')}" for name, share in found.items() if share]
    text = ", ".join(parts) or "none has one"
    return f"Gap closed on average over the pairs that have one: {text}."


def _note(entries: Sequence[Entry]) -> str:
    return (
        "Mean ± standard deviation over seeds; the gain over source only and the gap to oracle "
        "with their 95 % intervals over test images; no gap is given where source only and oracle "
        f"differ by less than {LEAST_GAP}. `refused`: "
        "runs that kept the source model by the criterion; they count as source only. `best by "
        "labels`: F1 with the best choice among source only and the networks along the way, which "
        "only target labels could make; `last network`: F1 of the last of these, taken or not. "
        f"{machines_of(entries)}"
    )
