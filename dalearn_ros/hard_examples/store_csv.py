"""A parameter store as a table that other tools read and write, and back.

One row a parameter: ``space, time, weather, area, image, pixels, mean_0, std_0, mean_1, std_1,
mean_2, std_2, used, accuracy, model``. A table with ``var_0`` in place of ``std_0`` and so on holds
variances. Rows of one image and condition are one target; without an image, each row is its own. Of
target images with the same name and condition all but the first are written with a number behind.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import math
from collections import defaultdict
from pathlib import Path

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.hard_examples.light_table import Cell, Condition
from dalearn_ros.hard_examples.statistics import Distribution
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_rows import Parameter
from dalearn_ros.hard_examples.store_schema import StoreError, transaction

_MEANS, _STDS, _VARIANCES = (
    tuple(f"{kind}_{channel}" for channel in range(3)) for kind in ("mean", "std", "var")
)
_FIRST, _LAST = (
    ("space", "time", "weather", "area", "image", "pixels"),
    ("used", "accuracy", "model"),
)
HEAD = (*_FIRST, *(n for pair in zip(_MEANS, _STDS, strict=True) for n in pair), *_LAST)
_NEEDED = ("time", "weather", "area", *_MEANS)


def export_csv(store: ParameterStore, path: Path) -> int:
    """Write all parameters of a store; how many there are."""
    names = _told_apart(store)
    found = store.parameters()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEAD)
        for one in found:
            cell, values = one.cell, [f"{x:.6g}" for x in one.distribution.vector]
            image = "" if one.target is None else names[one.target]
            last = (one.used, "" if one.accuracy is None else f"{one.accuracy:.6g}", one.model)
            first = (store.space.name, cell.time, cell.weather, cell.area, image, one.pixels)
            writer.writerow([*first, *values, *last])
    return len(found)


def import_csv(path: Path, out: Path) -> None:
    """Make a store of a table.

    Raises:
        StoreError: No such file, a column or a value is missing or wrong (its line is named), or
            the table holds several colour spaces.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            head = tuple(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StoreError(f"{path}: cannot be read as a CSV table ({error}).") from None
    spreads = _STDS if set(_STDS) <= set(head) else _VARIANCES
    for name in (*_NEEDED, *spreads):
        if name not in head:
            raise StoreError.at(path, "line 1", f"a column '{name}'", ", ".join(head) or "none")
    spaces = sorted({row.get("space") or "lab" for _, row in rows}) or ["lab"]
    if len(spaces) > 1:
        raise StoreError.at(path, "column 'space'", "one colour space", ", ".join(spaces))
    with ParameterStore.create(out, spaces[0]) as store:
        groups: dict[tuple[str, Condition], list[Parameter]] = defaultdict(list)
        for line, row in rows:
            try:
                one = _parameter(row, spreads, store)
            except (ValueError, SettingsError) as error:
                sentence = str(error).rstrip(".")
                raise StoreError(f"{path}, line {line}: {sentence}.") from None
            groups[row.get("image") or f"line {line}", one.cell.condition].append(one)
        for (image, condition), found in groups.items():
            digest = _digest(image, found)
            with transaction(store.db):
                done = store.db.execute(
                    "INSERT INTO targets (digest, name, source, time, weather, width, height) "
                    "VALUES (?, ?, ?, ?, ?, 0, 0)",
                    (digest, image, path.name, condition.time, condition.weather),
                )
                for one in found:
                    store.insert(dataclasses.replace(one, target=int(done.lastrowid or 0)))


def _told_apart(store: ParameterStore) -> dict[int, str]:
    """Target → its name, other than those of all others under the same condition."""
    taken: set[tuple[str, Condition]] = set()
    names = {}
    for target in store.targets():
        name, number = target.name, 1
        while (name, target.condition) in taken:
            number += 1
            name = f"{target.name} ({number})"
        taken.add((name, target.condition))
        names[target.id] = name
    return names


def _digest(image: str, found: list[Parameter]) -> str:
    """What tells a target from others: its name and colours, not what became of them."""
    colours = sorted((one.cell.area, *map(float, one.distribution.vector)) for one in found)
    return hashlib.sha256(repr(("csv", image, colours)).encode()).hexdigest()


def _parameter(row: dict[str, str], spreads: tuple[str, ...], store: ParameterStore) -> Parameter:
    condition = store.table.condition(f"{row['time']}/{row['weather']}")
    if not row["area"]:
        raise ValueError("its area has no name")
    mean = [_number(row, name) for name in _MEANS]
    spread = [_number(row, name) for name in spreads]
    if min(spread) < 0.0:
        raise ValueError(f"a deviation or variance below 0: {min(spread):g}")
    std = [math.sqrt(value) for value in spread] if spreads == _VARIANCES else spread
    distribution = Distribution((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]))
    accuracy = _number(row, "accuracy") if row.get("accuracy") else None
    return Parameter(
        0, Cell(condition.time, condition.weather, row["area"]), distribution,
        int(row.get("pixels") or 0), None, None, int(row.get("used") or 0), accuracy,
        row.get("model") or "",
    )  # fmt: skip


def _number(row: dict[str, str], name: str) -> float:
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        raise ValueError(f"column '{name}' needs a number, found {row[name]!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"column '{name}' needs a finite number, found {row[name]!r}")
    return value
