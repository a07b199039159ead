"""Runs the recipe: each stage hands one checkpoint to the next, what is finished is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import (
    BagError,
    DalearnError,
    DatasetError,
    InputError,
    MapError,
    PoseError,
)
from dalearn_ros.core.files import atomic_file
from dalearn_ros.core.progress import watch
from dalearn_ros.inference.detector import RUN_MODEL
from dalearn_ros.recipe.order import steps_of
from dalearn_ros.recipe.plan import CACHED, CONTINUED, SKIPPED, Step
from dalearn_ros.recipe.records import FOLDER, read_record, write_latest, write_record
from dalearn_ros.recipe.report import Summary, write_summary
from dalearn_ros.recipe.settings import STAGES, RecipeSettings

LOCK = ".lock"
RUNNING, RAN, FAILED, INTERRUPTED = "running", "run", "failed", "interrupted"
LEFT_OUT = "left out"
BAD_DRIVE = (BagError, MapError, PoseError, DatasetError)  # its drive is left out, others go on


@dataclass(frozen=True)
class Progress:
    """How far the recipe is.

    Attributes:
        step: Name of the step.
        number: Its number, from 1.
        steps: How many there are.
        state: ``running``, or how it ended.
        task: What is done within it, such as ``train``; empty: not known.
        done: Parts of that task that are done.
        total: How many there are; None: not known.
        said: A sentence, once it has ended.
    """

    step: str
    number: int
    steps: int
    state: str
    task: str = ""
    done: int = 0
    total: int | None = None
    said: str = ""


Told = Callable[[Progress], None]


def learn(
    settings: RecipeSettings,
    out: Path,
    first: str = STAGES[0],
    last: str = STAGES[-1],
    told: Told = lambda progress: None,
) -> Summary:
    """Run the recipe, or go on with it.

    Args:
        settings: All of them.
        out: Folder of the recipe: ``stages/``, ``model.onnx``, ``summary.json``, ``report.html``.
        first: Stages before it are taken as they were left, whatever has changed since.
        last: Stages after it are left out.
        told: Called with the progress. What it raises stops the recipe between two items.

    Returns:
        What stands in ``summary.json``.

    Raises:
        DalearnError: A stage failed; the sentence says which, why, and how to go on.
        InputError: An input is not there, the folder holds something else, or another recipe
            runs in it.
        KeyboardInterrupt: The state is saved; the same call goes on.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir()) and not (out / FOLDER).is_dir()):
        raise InputError(f"{out}: holds something else; choose another --out.")
    steps = steps_of(settings, out, first, last)
    (out / FOLDER).mkdir(parents=True, exist_ok=True)
    with _alone(out):
        return _Runner(out, steps, told).run()


class _Runner:
    def __init__(self, out: Path, steps: list[Step], told: Told) -> None:
        self.out, self.steps, self.told = out, steps, told
        self.summary = Summary(len(steps))
        self.checkpoint: Path | None = None

    def run(self) -> Summary:
        for number, step in enumerate(self.steps):
            try:
                self._step(number, step)
            finally:
                write_summary(self.out, self.summary)
        return self.summary

    def _step(self, number: int, step: Step) -> None:
        if step.state == SKIPPED:
            self._note(number, step, SKIPPED, {"said": step.why})
        elif step.state == CACHED:
            record = read_record(step.folder)
            assert record is not None
            self._finish(number, step, CACHED, record)
        else:
            self._work(number, step)

    def _work(self, number: int, step: Step) -> None:
        before = read_record(step.folder) or {}
        if not (step.resumes and step.state == CONTINUED):
            shutil.rmtree(step.folder, ignore_errors=True)
            before = {}
        start = time.monotonic() - before.get("seconds", 0.0)
        record: dict[str, Any] = {"name": step.name, "key": step.key, "parts": step.parts}

        def keep(**values: Any) -> None:
            record.update(values, seconds=time.monotonic() - start)
            write_record(step.folder, record)

        try:
            self._tell(number, step, RUNNING)
            keep(finished=False, said="it was interrupted")
            with watch(lambda *task: self._tell(number, step, RUNNING, *task)):
                assert step.work is not None
                outcome = step.work(step.folder, self.checkpoint)
        except BaseException as error:
            said = str(error) or type(error).__name__
            if step.about and isinstance(error, BAD_DRIVE):
                keep(finished=True, left_out=True, said=said)
                write_latest(self.out, step.name, step.key)
                self._finish(number, step, LEFT_OUT, record)
                return
            stopped = isinstance(error, (KeyboardInterrupt, SystemExit))
            keep(said="it was interrupted" if stopped else said)
            self._break(number, step, INTERRUPTED if stopped else FAILED, record)
            if stopped or isinstance(error, ModuleNotFoundError):
                raise
            raise DalearnError(_failure(step, said)) from error
        keep(finished=True, **dataclasses.asdict(outcome))
        write_latest(self.out, step.name, step.key)
        self._finish(number, step, RAN, record)

    def _break(self, number: int, step: Step, state: str, record: dict[str, Any]) -> None:
        """Note that the recipe ends here."""
        self._note(number, step, state, record)
        for later in self.steps[number + 1 :]:
            skipped = later.state == SKIPPED
            said = {"said": later.why} if skipped else {}
            self.summary.add(later, SKIPPED if skipped else "not reached", said)

    def _finish(self, number: int, step: Step, state: str, record: dict[str, Any]) -> None:
        """Hand on the result."""
        if record.get("left_out"):
            self._note(number, step, LEFT_OUT, record)
            return
        if step.hands and not record["refused"]:
            self.checkpoint = step.folder
        if step.stage == "export":
            with atomic_file(self.out / RUN_MODEL) as file:
                shutil.copyfile(step.folder / RUN_MODEL, file)
        self._note(number, step, state, record)

    def _note(self, number: int, step: Step, state: str, record: dict[str, Any]) -> None:
        self.summary.add(step, state, record)
        self._tell(number, step, state, said=record["said"])

    def _tell(
        self,
        number: int,
        step: Step,
        state: str,
        task: str = "",
        done: int = 0,
        total: int | None = None,
        said: str = "",
    ) -> None:
        place = step.name, number + 1, len(self.steps)
        self.told(Progress(*place, state, task, done, total, said))


def _failure(step: Step, said: str) -> str:
    out = step.stage if step.stage in ("harden", "adapt", "distill", "retrain") else ""
    hint = f", or leave the stage out with '{out}: null'" if out else ""
    return (
        f"learn: the stage '{step.name}' failed: {said} What was finished is kept: mend it and "
        f"give the same command again{hint}."
    )


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder; the lock ends with the process, however that ends."""
    with (out / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another recipe is running in it; wait for its end.") from None
        yield
