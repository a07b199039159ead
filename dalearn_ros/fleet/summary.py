"""The figures of a whole fleet out of the rows of its bags, with intervals over bags."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.randomness import generator
from dalearn_ros.evaluation.bands import spread
from dalearn_ros.evaluation.detection import scores
from dalearn_ros.evaluation.intervals import draw_images, drawn_f1, drawn_median, interval
from dalearn_ros.evaluation.units import LEAST_UNITS
from dalearn_ros.fleet.evaluate import COUNTS, ERRORS, POINT, POSE_ERRORS, POSE_SOURCES
from dalearn_ros.fleet.manifest import Manifest

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MAIN = "main"
MOST_GROUPS = 1000  # of bags, for intervals; fewer bags: each is one
MOST_ERRORS = 200_000  # values of one quantity, about; of more, every k-th of each bag is taken
WORST = 10


@dataclass
class _Gathered:
    """What all bags gave, in the order of their names."""

    names: list[str] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    counts: dict[str, Ints] = field(default_factory=dict)  # tolerance → (N, C, 3)
    errors: dict[str, list[Array]] = field(default_factory=dict)  # quantity → N arrays


def summarise(manifest: Manifest, classes: list[str], match_px: float) -> dict[str, Any]:
    """The content of ``metrics.json``; NaN where nothing is known.

    Figures are micro: out of the sums of all bags' counts, and of all errors. Intervals (95 %) draw
    bags with replacement; of more than :data:`MOST_GROUPS` bags, groups of them.

    Args:
        manifest: The results.
        classes: Names of the classes, background left out.
        match_px: The main tolerance, pixels.
    """
    found = _gather(manifest, classes)
    count = len(found.names)
    group = _groups(count)
    drawn = draw_images(int(group.max(initial=-1)) + 1) if count else np.zeros((0, 0), np.int64)
    main = found.counts[MAIN]
    sums = _grouped(main, group)
    everything = main.sum(axis=(0, 1))
    poses = {source: _poses(found, source, group, drawn) for source in POSE_SOURCES}
    poses["localization"]["availability"] = _availability(found)
    return {
        "bags": count,
        "frames": sum(found.frames),
        "frames_skipped": dict(sorted(found.skipped.items())),
        "match_px": match_px,
        **scores(*everything),
        "f1_interval": _f1_interval(sums.sum(axis=1), drawn),
        "support": int(everything[0] + everything[2]),
        "f1_at": {
            name: scores(*counts.sum(axis=(0, 1)))["f1"]
            for name, counts in found.counts.items()
            if name != MAIN
        },
        "per_class": {
            name: {
                **scores(*main[:, i].sum(axis=0)),
                "f1_interval": _f1_interval(sums[:, i], drawn),
                "support": int(main[:, i, 0].sum() + main[:, i, 2].sum()),
            }
            for i, name in enumerate(classes)
        },
        POINT: _spread(found.errors.get(POINT, []), group, drawn),
        **poses,
        "worst_bags": _worst(found),
    }


def timing(manifest: Manifest) -> dict[str, float]:
    """The content of ``timing.json``: seconds of drives, of work on them, and frames a second."""
    bags = [bag for shard in manifest.committed() for bag in shard["bags"]]
    work = sum(bag["facts"]["seconds"] for bag in bags)
    drives = [bag["facts"].get("drive_s") for bag in bags]
    frames = sum(bag["frames"] for bag in bags)
    return {
        "drive_s": sum(value for value in drives if value is not None),
        "work_s": work,
        "frames_per_work_s": frames / work if work else math.nan,
    }


def _gather(manifest: Manifest, classes: list[str]) -> _Gathered:
    shards = list(manifest.committed())
    bags = sorted(
        (
            (bag["name"], number, bag)
            for number, shard in enumerate(shards)
            for bag in shard["bags"]
        ),
        key=lambda row: row[0],
    )
    place = {name: i for i, (name, _, _) in enumerate(bags)}
    steps = _steps(manifest, shards)
    found = _Gathered()
    for name, _, bag in bags:
        found.names.append(name)
        found.facts.append(bag["facts"])
        found.frames.append(bag["frames"])
        found.skipped.update(bag["frames_skipped"])
    found.counts = {MAIN: np.zeros((len(bags), len(classes), 3), np.int64)}
    for shard in shards:
        _add_counts(manifest, shard, place, classes, found)
        _add_errors(manifest, shard, place, steps, found)
    return found


def _steps(manifest: Manifest, shards: list[dict[str, Any]]) -> dict[str, int]:
    """Quantity → k, of whose values every k-th of each bag is taken."""
    import pyarrow.parquet

    total = Counter[str]()
    for shard in shards:
        path = manifest.out / shard["files"][ERRORS]
        for one in pyarrow.parquet.read_table(path, columns=["quantity"])[
            "quantity"
        ].value_counts():
            total[one["values"].as_py()] += one["counts"].as_py()
    return {name: max(1, math.ceil(count / MOST_ERRORS)) for name, count in total.items()}


def _add_counts(
    manifest: Manifest,
    shard: dict[str, Any],
    place: dict[str, int],
    classes: list[str],
    found: _Gathered,
) -> None:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(manifest.out / shard["files"][COUNTS])
    bag = np.array([place[name] for name in table["bag"].to_pylist()], np.int64)
    number = {name: i for i, name in enumerate(classes)}
    kind = np.array([number[name] for name in table["class"].to_pylist()], np.int64)
    tolerance = np.array(table["tolerance"].to_pylist())
    values = np.stack([table[name].to_numpy() for name in ("hits", "false_alarms", "missed")], 1)
    for name in dict.fromkeys(tolerance.tolist()):
        rows = tolerance == name
        whole = found.counts.setdefault(str(name), np.zeros_like(found.counts[MAIN]))
        whole[bag[rows], kind[rows]] = values[rows]


def _add_errors(
    manifest: Manifest,
    shard: dict[str, Any],
    place: dict[str, int],
    steps: dict[str, int],
    found: _Gathered,
) -> None:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(manifest.out / shard["files"][ERRORS])
    quantity = np.array(table["quantity"].to_pylist(), np.str_)
    value = np.asarray(table["value"].to_numpy(), np.float64)
    for bag in shard["bags"]:
        first, count = bag["rows"][ERRORS]
        rows = slice(first, first + count)
        for name in dict.fromkeys(quantity[rows].tolist()):
            empty = [np.zeros(0)] * len(place)
            mine = value[rows][quantity[rows] == name]
            # From a random one on: else a bag's first values would count more than its others.
            first = int(generator(0, "errors", name, bag["name"]).integers(steps[name]))
            chosen = mine[first :: steps[name]].copy()  # else all values stay in memory
            found.errors.setdefault(name, empty)[place[bag["name"]]] = chosen


def _groups(count: int) -> Ints:
    """(N,) the group of each bag: by itself, or one of :data:`MOST_GROUPS`, at random."""
    if count <= MOST_GROUPS:
        return np.arange(count)
    return np.random.default_rng(0).permutation(count) % MOST_GROUPS


def _grouped(counts: Ints, group: Ints) -> Ints:
    sums = np.zeros((int(group.max(initial=-1)) + 1, *counts.shape[1:]), np.int64)
    np.add.at(sums, group, counts)
    return sums


def _f1_interval(counts: Ints, drawn: Ints) -> tuple[float, float] | None:
    """Of the (groups, 3) counts; None where too few groups have anything to find or found.

    Draws without any of those say nothing.
    """
    there = counts.any(axis=1)
    if there.sum() < LEAST_UNITS:
        return None
    f1 = drawn_f1(counts, drawn)
    return interval(np.where(drawn @ there > 0, f1, math.nan))


def _spread(
    errors: list[Array], group: Ints, drawn: Ints
) -> dict[str, float | tuple[float, float] | None]:
    """Median and 95th percentile of absolute errors, and the interval of the median.

    The interval is None where too few groups have errors.
    """
    if not errors:
        return {"median": math.nan, "p95": math.nan, "median_interval": None}
    values = np.abs(np.concatenate(errors))
    owner = np.repeat(group, [len(one) for one in errors])
    enough = len(np.unique(owner)) >= LEAST_UNITS
    found = interval(drawn_median(values, owner, drawn)) if enough else None
    return {**spread(values), "median_interval": found}


def _poses(found: _Gathered, source: str, group: Ints, drawn: Ints) -> dict[str, Any]:
    return {
        name: _spread(found.errors.get(f"{source}/{name}", []), group, drawn)
        for name in POSE_ERRORS
    }


def _availability(found: _Gathered) -> float:
    """Share of the frames with a true pose for which the localizer gave one."""
    asked, given = (sum(facts[key] for facts in found.facts) for key in ("pose_frames", "poses"))
    return given / asked if asked else math.nan


def _worst(found: _Gathered) -> list[dict[str, Any]]:
    rows = [
        (facts["f1"], name, frames)
        for facts, name, frames in zip(found.facts, found.names, found.frames, strict=True)
        if facts["f1"] is not None
    ]
    return [{"bag": name, "f1": f1, "frames": frames} for f1, name, frames in sorted(rows)[:WORST]]
