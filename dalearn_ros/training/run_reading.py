"""Opening a finished run folder: which kind it is, what it says of itself, its weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import ModelError, SettingsError
from dalearn_ros.training.checkpoint import Checkpoint, load_checkpoint
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import RUN_FILE, read_run


def described_run(run: Path, kind: str, hint: str, other: str = "") -> dict[str, Any]:
    """What a run of a kind says of itself.

    Args:
        run: The folder.
        kind: Its ``format``, as words.
        hint: A sentence for who gives a folder without a run.
        other: A sentence for who gives a run of another kind; default: ``hint``.

    Raises:
        ModelError: No run, one of another kind, or damaged.
    """
    description = read_run(run)
    article = "an" if kind[0] in "aeiou" else "a"
    if description is None:
        raise ModelError.at(run, "", f"{article} {kind} with {RUN_FILE}", "none", hint)
    if description.get("format") != kind:
        found = f"a {description.get('format')}"
        raise ModelError.at(run, "", f"{article} {kind}", found, other or hint)
    return description


@contextlib.contextmanager
def reading_of(run: Path) -> Iterator[None]:
    """What cannot be read of a run's description becomes a ModelError that names the file."""
    try:
        yield
    except (KeyError, TypeError, ValueError, SettingsError) as error:
        raise ModelError(f"{run / RUN_FILE}: is damaged ({error}).") from None


def finished_weights(run: Path, verb: str) -> Checkpoint:
    """The averaged weights of a finished run.

    Args:
        run: The folder.
        verb: That continues it.

    Raises:
        ModelError: It is not finished, or they are damaged.
    """
    weights = run / WEIGHTS
    if not weights.is_file():
        raise ModelError(f"{run}: the run is not finished; continue it with 'dalearn {verb}'.")
    return load_checkpoint(weights)
