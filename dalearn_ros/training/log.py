"""What a run writes about itself: ``history.jsonl`` and TensorBoard."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import plain

HISTORY = "history.jsonl"


class RunLog:
    """Appends losses and figures to a run's history and to TensorBoard."""

    def __init__(self, run: Path) -> None:
        """Open the log of a run folder, which must exist.

        Raises:
            InputError: The disk is full or the folder cannot be written.
        """
        self._run = run
        with _disk_errors(run):
            self._file = (run / HISTORY).open("a", encoding="utf-8")
            self._board = SummaryWriter(str(run / "tensorboard"))
        self._hook = threading.excepthook
        threading.excepthook = self._thread_failed

    def losses(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Losses of a training step.

        Raises:
            InputError: The disk is full.
        """
        self._write("loss", step, seconds, values)

    def figures(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Figures of a validation; nothing if there are none.

        Raises:
            InputError: The disk is full.
        """
        if values:
            self._write("validation", step, seconds, values)

    def close(self) -> None:
        """Close both.

        Raises:
            InputError: The disk is full.
        """
        try:
            with _disk_errors(self._run / HISTORY):
                self._file.close()
        finally:
            with _disk_errors(self._run / "tensorboard"):
                self._board.close()
            threading.excepthook = self._hook

    def _write(self, kind: str, step: int, seconds: float, values: Mapping[str, float]) -> None:
        entry = {"kind": kind, "step": step, "seconds": seconds, **values}
        with _disk_errors(self._run / HISTORY):
            self._file.write(json.dumps(plain(entry), sort_keys=True) + "\n")
            self._file.flush()
        with _disk_errors(self._run / "tensorboard"):
            for name, value in values.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def _thread_failed(self, args: threading.ExceptHookArgs) -> None:
        """Keep quiet about the board's thread: its error is raised again at the next entry."""
        if not issubclass(args.exc_type, OSError):
            self._hook(args)


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise InputError(f"{path}: cannot be written ({reason}).") from error
