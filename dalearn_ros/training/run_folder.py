"""What a run folder says of itself, so that the same run goes on and another one is refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import InputError, ModelError
from dalearn_ros.core.files import (
    first_difference,
    is_leftover,
    plain,
    remove_leftovers,
    write_json,
)

RUN_FILE = "run.json"
FORMAT_VERSION = 1


class OtherRun(InputError):
    """The folder holds a run, and another one than was asked for."""


def claim_run(run: Path, description: Mapping[str, Any], prepared: Collection[str] = ()) -> None:
    """Make the folder this run's, or see that it is.

    Args:
        run: The folder.
        description: All that the run's outcome depends on, as JSON values.
        prepared: Names that may be in the folder before the run is.

    Raises:
        InputError: It holds something else.
        OtherRun: It holds a run that differs; the difference is named.
    """
    found = read_run(run)
    wanted = plain(description, None)
    if found is None:
        refuse_other(run, prepared)
        remove_leftovers(run)
        write_json(run / RUN_FILE, description, None)
    elif found not in (wanted, plain(description)):  # runs of before had their numbers rounded
        key = first_difference(found, wanted)
        raise OtherRun(
            f"{run}: holds a run with another '{key}'; choose another --out, or give the same "
            "settings, data and seed to continue it."
        )
    else:
        remove_leftovers(run)


def refuse_other(run: Path, prepared: Collection[str] = ()) -> None:
    """Raise InputError if the folder holds something that is no run.

    What a process left that was killed while it wrote does not count.

    Args:
        run: The folder.
        prepared: Names that may be in it before the run is.
    """
    if (run / RUN_FILE).is_file():
        return
    names = {path.name for path in run.iterdir()} if run.is_dir() else set[str]()
    if run.is_file() or any(not is_leftover(name) for name in names - {*prepared}):
        raise InputError(f"{run}: holds something else; choose another --out.")


def read_run(run: Path) -> dict[str, Any] | None:
    """What the run in a folder says of itself; None if there is none.

    Raises:
        ModelError: Damaged, or of another format.
    """
    path = run / RUN_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ModelError(f"{path}: is damaged; it is no readable JSON.") from None
    if not isinstance(content, dict) or content.get("format_version") != FORMAT_VERSION:
        raise ModelError.at(path, "", f"a run of format {FORMAT_VERSION}", "another")
    return content
