"""The recipe in a process of its own, for the node ``trainer``: a line of JSON for each progress.

``python -m dalearn_ros.recipe.worker CONFIG OUT FIRST LAST PIPE``; the lines go to the file
descriptor PIPE. SIGINT and SIGTERM let the running stage save its state; so does a reader that has
gone. Exit code: 0 done, 1 failed (the last line says why), 2 stopped.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from dalearn_ros.core.errors import DalearnError

if TYPE_CHECKING:
    from dalearn_ros.recipe.run import Progress

DONE, FAILED, STOPPED = 0, 1, 2
KEY_FAILED, KEY_DONE = "failed", "finished"  # of the last line


def main(arguments: Sequence[str]) -> int:
    """Run the recipe; see the module."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    signal.signal(signal.SIGTERM, _as_interrupt)
    config, out, first, last, pipe = arguments
    try:
        return _learn(Path(config), Path(out), first, last, int(pipe))
    except KeyboardInterrupt:
        return STOPPED


def _learn(config: Path, out: Path, first: str, last: str, pipe: int) -> int:
    def say(line: dict[str, Any]) -> None:
        try:
            os.write(pipe, (json.dumps(line) + "\n").encode())
        except BrokenPipeError:
            raise KeyboardInterrupt from None

    def told(progress: Progress) -> None:
        say(dataclasses.asdict(progress))

    try:
        from dalearn_ros.recipe.run import learn
        from dalearn_ros.recipe.stage_settings import load_recipe

        say({KEY_DONE: learn(load_recipe(config), out, first, last, told).verdict()})
    except DalearnError as error:
        say({KEY_FAILED: str(error)})
        return FAILED
    except Exception as error:
        say({KEY_FAILED: f"{type(error).__name__}: {error}."})
        raise
    return DONE


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGINT)  # which the training loop heeds between two steps


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
