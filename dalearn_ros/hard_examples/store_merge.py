"""Stores put together as one."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dalearn_ros.core.files import atomic_file
from dalearn_ros.hard_examples.light_table import Condition, LightTable
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_csv import export_csv, import_csv
from dalearn_ros.hard_examples.store_fill import fill, target_of
from dalearn_ros.hard_examples.store_rows import Parameter
from dalearn_ros.hard_examples.store_schema import StoreError, transaction

CSV = ".csv"


def merge_stores(
    inputs: Sequence[Path], out: Path, table: LightTable | None = None
) -> Counter[str]:
    """Put stores and CSV tables together as a new file; the first one's light table counts.

    A target image that several have under one condition is there once, each of its parameters with
    the history of the store that used it most. One input and a CSV file are an export or an import.

    Args:
        inputs: Store files, or ``.csv`` tables (see :mod:`hard_examples.store_csv`).
        out: The new store, or a ``.csv`` file, which has no index images and no light table.
        table: Light change table that the conditions of CSV tables are of; None: the default.

    Returns:
        ``targets``, ``parameters``, and ``twice``: targets that were there already.

    Raises:
        StoreError: No input, one cannot be read, colour spaces differ, ``out`` exists, or a light
            change table where no input is a CSV table.
    """
    if not inputs:
        raise StoreError("No store was given; name one or more.")
    if out.exists():
        raise StoreError(f"{out}: exists already; choose another --out or remove it first.")
    if table is not None and not any(path.suffix.lower() == CSV for path in inputs):
        expected = "a CSV table among the inputs; stores bring their own"
        raise StoreError.at("--table", "", expected, "none")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "merged.sqlite"
        counts: Counter[str] = Counter()
        for number, path in enumerate(inputs):
            file = path
            if path.suffix.lower() == CSV:
                file = Path(folder) / f"{number}.sqlite"
                import_csv(path, file, table)
            with ParameterStore.open(file) as store, _begun(work, store) as merged:
                if merged.space.name != store.space.name:
                    expected = f"colour space {merged.space.name} as in {inputs[0]}"
                    raise StoreError.at(path, "", expected, store.space.name)
                copy_into(store, merged, counts)
        with ParameterStore.open(work) as merged:
            counts["parameters"], counts["targets"] = len(merged), len(merged.targets())
            with atomic_file(out) as temporary:
                if out.suffix.lower() == CSV:
                    export_csv(merged, temporary)
                else:
                    shutil.copyfile(work, temporary)
    return counts


def _begun(work: Path, first: ParameterStore) -> ParameterStore:
    if work.exists():
        return ParameterStore.open(work, write=True)
    return ParameterStore.create(work, first.space.name, first.spread, first.table)


def copy_into(store: ParameterStore, into: ParameterStore, counts: Counter[str]) -> None:
    """Copy all targets and parameters of a store into another of the same colour space.

    Args:
        store: From here.
        into: To here.
        counts: Gets ``twice``, the targets that were there already.
    """
    numbers: dict[int, int] = {}  # id in store → id in into
    for row in store.db.execute("SELECT * FROM targets ORDER BY id").fetchall():
        target = _copy_target(row, into)
        if target is None:
            counts["twice"] += 1
            numbers |= _merge_history(store, into, row)
            continue
        with transaction(into.db):
            for one in store.parameters(target=row["id"]):
                numbers[one.id] = into.insert(dataclasses.replace(one, target=target))
    there = {(one.cell, one.distribution): one for one in into.parameters() if one.target is None}
    with transaction(into.db):
        for one in store.parameters():
            if one.target is None and (one.cell, one.distribution) in there:
                other = there[one.cell, one.distribution]
                numbers[one.id] = other.id
                _take_longer_history(one, other, into)
            elif one.target is None:
                parent = None if one.parent is None else numbers.get(one.parent)
                numbers[one.id] = into.insert(dataclasses.replace(one, parent=parent))


def _copy_target(row: sqlite3.Row, into: ParameterStore) -> int | None:
    """The new id; None if it is there already."""
    columns = [name for name in tuple(row.keys()) if name != "id"]
    marks = ",".join("?" * len(columns))
    with transaction(into.db):
        done = into.db.execute(
            f"INSERT OR IGNORE INTO targets ({','.join(columns)}) VALUES ({marks})",
            [row[name] for name in columns],
        )
    return int(done.lastrowid or 0) if done.rowcount else None


def _merge_history(store: ParameterStore, into: ParameterStore, row: sqlite3.Row) -> dict[int, int]:
    """A target that both have, with the areas of both; id in the store → id in the other."""
    target = target_of(into, row["digest"], Condition(row["time"], row["weather"]))
    own, there = store.of_target(int(row["id"])), into.of_target(target)
    with transaction(into.db):
        lacking = fill(into, target, own, row["index_png"], row["index_names"])
        for area in own.keys() & there.keys():
            _take_longer_history(own[area], there[area], into)
    return {one.id: lacking[a] if a in lacking else there[a].id for a, one in own.items()}


def _take_longer_history(one: Parameter, other: Parameter, into: ParameterStore) -> None:
    """Give a parameter of the merged store the history of its like, if that was used more."""
    if one.used > other.used:
        into.db.execute(
            "UPDATE parameters SET used = ?, accuracy = ?, model = ? WHERE id = ?",
            (one.used, one.accuracy, one.model, other.id),
        )
