"""A parameter store as a table that other tools read and write, and back.

One row a parameter: ``space, time, weather, area, image, pixels, mean_0, std_0, mean_1, std_1,
mean_2, std_2, used, accuracy, model, id, parent``. A table with ``var_0`` in place of ``std_0`` and
so on holds variances. A row with a ``parent``, the ``id`` of another row, was generated near that
and is of no image. Of the others, rows of one image and condition are one target; without an image,
each row is its own. Of target images with the same name and condition all but the first are written
with a number behind. Columns before ``mean_0`` and behind the deviations may be missing, but not
``time, weather, area``.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.hard_examples.light_table import Cell, Condition, LightTable
from dalearn_ros.hard_examples.statistics import Distribution
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_rows import Parameter
from dalearn_ros.hard_examples.store_schema import StoreError, transaction

_MEANS, _STDS, _VARIANCES = (
    tuple(f"{kind}_{channel}" for channel in range(3)) for kind in ("mean", "std", "var")
)
_FIRST, _LAST = (
    ("space", "time", "weather", "area", "image", "pixels"),
    ("used", "accuracy", "model", "id", "parent"),
)
HEAD = (*_FIRST, *(n for pair in zip(_MEANS, _STDS, strict=True) for n in pair), *_LAST)
_NEEDED = ("time", "weather", "area", *_MEANS)


@dataclasses.dataclass(frozen=True)
class _Row:
    """A row of the table: its line, its image (empty: none), its id and its parent's (or None)."""

    line: int
    image: str
    number: int | None
    parent: int | None
    one: Parameter


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
            accuracy = "" if one.accuracy is None else f"{one.accuracy:.6g}"
            last = (one.used, accuracy, one.model, one.id, one.parent or "")
            first = (store.space.name, cell.time, cell.weather, cell.area, image, one.pixels)
            writer.writerow([*first, *values, *last])
    return len(found)


def import_csv(path: Path, out: Path, table: LightTable | None = None) -> None:
    """Make a store of a table.

    Args:
        path: The table.
        out: The new store.
        table: Light change table that its conditions are of; None: the default.

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
    with ParameterStore.create(out, spaces[0], table=table) as store:
        found = []
        for line, row in rows:
            try:
                found.append(_row(line, row, spreads, store))
            except (ValueError, SettingsError) as error:
                sentence = str(error).rstrip(".")
                raise StoreError(f"{path}, line {line}: {sentence}.") from None
        _check_ids(path, found)
        with transaction(store.db):
            numbers = _insert_measured(path, [row for row in found if row.parent is None], store)
            made = [row for row in found if row.parent is not None]
            _insert_generated(path, made, numbers, store)


def _insert_measured(path: Path, rows: Sequence[_Row], store: ParameterStore) -> dict[int, int]:
    """Put in rows by their targets; id in the table → id in the store."""
    groups: dict[tuple[str, Condition], list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.image or f"line {row.line}", row.one.cell.condition].append(row)
    numbers = {}
    for (image, condition), own in groups.items():
        digest = _digest(image, [row.one for row in own])
        done = store.db.execute(
            "INSERT INTO targets (digest, name, source, time, weather, width, height) "
            "VALUES (?, ?, ?, ?, ?, 0, 0)",
            (digest, image, path.name, condition.time, condition.weather),
        )
        for row in own:
            new = store.insert(dataclasses.replace(row.one, target=int(done.lastrowid or 0)))
            if row.number is not None:
                numbers[row.number] = new
    return numbers


def _insert_generated(
    path: Path, rows: Sequence[_Row], numbers: dict[int, int], store: ParameterStore
) -> None:
    """Put in rows after their parents, in whatever order they stand; ``numbers`` gets their ids."""
    while rows:
        ready = [row for row in rows if row.parent in numbers]
        if not ready:
            expected = "the id of another row, not generated near this one"
            place = f"line {rows[0].line}, column 'parent'"
            raise StoreError.at(path, place, expected, f"{rows[0].parent}")
        rows = [row for row in rows if row.parent not in numbers]
        for row in ready:
            assert row.parent is not None
            new = store.insert(dataclasses.replace(row.one, parent=numbers[row.parent]))
            if row.number is not None:
                numbers[row.number] = new


def _check_ids(path: Path, rows: Sequence[_Row]) -> None:
    """Raise StoreError unless every id is that of one row."""
    lines: dict[int, int] = {}
    for row in rows:
        if row.number is not None and lines.setdefault(row.number, row.line) != row.line:
            found = f"{row.number} as in line {lines[row.number]}"
            raise StoreError.at(path, f"line {row.line}, column 'id'", "a number of its own", found)


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


def _row(line: int, row: dict[str, str], spreads: tuple[str, ...], store: ParameterStore) -> _Row:
    ids = _whole(row, "id"), _whole(row, "parent")
    return _Row(line, row.get("image") or "", *ids, _parameter(row, spreads, store))


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


def _whole(row: dict[str, str], name: str) -> int | None:
    """A whole number, with .0 behind it too, as tools write them; None: it is not given."""
    if not row.get(name):
        return None
    value = _number(row, name)
    if not value.is_integer():
        raise ValueError(f"column '{name}' needs a whole number, found {row[name]!r}")
    return int(value)


def _number(row: dict[str, str], name: str) -> float:
    try:
        value = float(row[name])
    except (TypeError, ValueError):
        raise ValueError(f"column '{name}' needs a number, found {row[name]!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"column '{name}' needs a finite number, found {row[name]!r}")
    return value
