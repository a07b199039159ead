"""What a run writes about itself: ``history.jsonl`` and TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import plain

HISTORY = "history.jsonl"


class RunLog:
    """Appends losses and figures to a run's history and to TensorBoard."""

    def __init__(self, run: Path) -> None:
        """Open the log of a run folder, which must exist."""
        self._file = (run / HISTORY).open("a", encoding="utf-8")
        self._board = SummaryWriter(str(run / "tensorboard"))

    def losses(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Losses of a training step.

        Raises:
            InputError: The disk is full.
        """
        self._write("loss", step, seconds, values)

    def figures(self, step: int, seconds: float, values: Mapping[str, float]) -> None:
        """Figures of a validation; nothing if there are none."""
        if values:
            self._write("validation", step, seconds, values)

    def close(self) -> None:
        """Close both."""
        self._file.close()
        self._board.close()

    def _write(self, kind: str, step: int, seconds: float, values: Mapping[str, float]) -> None:
        entry = {"kind": kind, "step": step, "seconds": seconds, **values}
        try:
            self._file.write(json.dumps(plain(entry), sort_keys=True) + "\n")
            self._file.flush()
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise InputError(f"{self._file.name}: cannot be written ({reason}).") from error
        for name, value in values.items():
            self._board.add_scalar(f"{kind}/{name}", value, step)
