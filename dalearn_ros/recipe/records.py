"""What is known of the stages in a recipe's folder: results, and the latest one of each.

``stages/NAME-KEY/`` is a stage's folder, ``stages/NAME-KEY.json`` its record, ``latest.json`` the
key of the last finished one of each name. A stage whose record says ``finished`` is not run again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import write_json

FOLDER, LATEST = "stages", "latest.json"


def folder_of(out: Path, name: str, key: str) -> Path:
    """Where a stage works."""
    return out / FOLDER / f"{name}-{key}"


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of a stage's folder; None if it has not begun.

    Raises:
        InputError: It is damaged.
    """
    return _read(folder.with_name(folder.name + ".json"))


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a stage's folder."""
    write_json(folder.with_name(folder.name + ".json"), record)


def read_latest(out: Path) -> dict[str, str]:
    """Name of a stage, to the key of its last finished result."""
    return _read(out / LATEST) or {}


def write_latest(out: Path, name: str, key: str) -> None:
    """Say that this is the last finished result."""
    latest = read_latest(out)
    if latest.get(name) != key:
        write_json(out / LATEST, {**latest, name: key})


def finished(out: Path, name: str) -> dict[str, Any] | None:
    """The record of the last finished result; None if there is none or it was removed."""
    key = read_latest(out).get(name)
    return None if key is None else result_in(folder_of(out, name, key))


def result_in(folder: Path) -> dict[str, Any] | None:
    """The record of a finished result; None if it is not finished or its folder is gone.

    Of a bad drive that was left out there is no folder.
    """
    record = read_record(folder)
    if record is None or not record["finished"]:
        return None
    return record if record.get("left_out") or folder.is_dir() else None


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError(f"{path}: is damaged; remove it, and its stage runs anew.") from None
    assert isinstance(content, dict)
    return content
