"""Runs the recipe: each stage hands one checkpoint to the next, what is finished is kept."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
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
from dalearn_ros.core.faults import is_of_the_place
from dalearn_ros.core.files import atomic_file
from dalearn_ros.core.progress import watch
from dalearn_ros.inference.detector import RUN_MODEL
from dalearn_ros.recipe.attempt import Attempt
from dalearn_ros.recipe.inputs import changed, refuse_changed
from dalearn_ros.recipe.order import Recipe
from dalearn_ros.recipe.plan import CACHED, SKIPPED, Step
from dalearn_ros.recipe.records import FOLDER, read_record, write_latest
from dalearn_ros.recipe.report import Summary, write_summary
from dalearn_ros.recipe.settings import STAGES, RecipeSettings
from dalearn_ros.recipe.stages import Outcome
from dalearn_ros.training.run_folder import OtherRun

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
    out = out.resolve()  # an interrupted stage is bound to its place, however that is written
    content = {path.name for path in out.iterdir()} if out.is_dir() else set()
    if out.is_file() or (content - {LOCK} and FOLDER not in content):
        raise InputError(f"{out}: holds something else; choose another --out.")
    with _alone(out):
        recipe = Recipe(settings, out, first, last)
        return _Runner(out, recipe.steps, told).run()


class _Runner:
    def __init__(self, out: Path, plan: Callable[[], Sequence[Step]], told: Told) -> None:
        self.out, self.plan, self.told = out, plan, told
        self.steps = plan()
        self.summary = Summary(len(self.steps))
        self.checkpoint: Path | None = None

    def run(self) -> Summary:
        (self.out / FOLDER).mkdir(exist_ok=True)
        for number in range(len(self.steps)):  # a step may change those after it
            try:
                self._step(number, self.steps[number])
            finally:
                write_summary(self.out, self.summary)
        return self.summary

    def _step(self, number: int, step: Step) -> None:
        if step.state == SKIPPED:
            self._note(number, step, SKIPPED, {"said": step.why})
        elif step.state == CACHED:
            record = read_record(step.folder)
            assert record is not None
            self._finish(number, step, CACHED, {**record, "seconds_now": 0.0})
        else:
            self._work(number, step)

    def _work(self, number: int, step: Step) -> None:
        attempt = Attempt(step)

        def told(task: str, done: int, total: int | None) -> None:
            attempt.alive()
            self._tell(number, step, RUNNING, task, done, total)

        try:
            self._tell(number, step, RUNNING)
            refuse_changed(step.inputs)
            attempt.note(finished=False, said="it was interrupted")
            with watch(told):
                outcome = self._outcome(step, attempt)
            _keep_if_same(step, attempt)
        except BaseException as error:
            self._ended(number, step, attempt, error)
            return
        attempt.finish(**dataclasses.asdict(outcome))
        self._finish(number, step, RAN, attempt.record)
        if outcome.refused:  # what comes after it depends on what it was given
            self.steps = self.plan()

    def _outcome(self, step: Step, attempt: Attempt) -> Outcome:
        assert step.work is not None
        try:
            return step.work(attempt.folder, self.checkpoint)
        except OtherRun as error:  # such as one of another version of the package
            if not attempt.goes_on:
                raise
            logging.getLogger(__name__).warning("%s begins anew: %s", step.name, error)
        attempt.begin_anew()
        return step.work(attempt.folder, self.checkpoint)

    def _ended(self, number: int, step: Step, attempt: Attempt, error: BaseException) -> None:
        """Leave out what is a bad drive's; raise what ends the recipe."""
        said = str(error) or type(error).__name__
        bad = step.about and isinstance(error, BAD_DRIVE) and not is_of_the_place(error)
        if bad and not attempt.replaces and not changed(step.inputs):
            attempt.note(finished=True, left_out=True, said=said)
            self._finish(number, step, LEFT_OUT, attempt.record)
            self.steps = self.plan()  # those after it learn without it
            return
        stopped = isinstance(error, (KeyboardInterrupt, SystemExit))
        attempt.note(finished=False, said="it was interrupted" if stopped else said)
        self._break(number, step, INTERRUPTED if stopped else FAILED, attempt.record)
        if stopped or isinstance(error, ModuleNotFoundError):
            raise error
        raise DalearnError(_failure(step, said)) from error

    def _break(self, number: int, step: Step, state: str, record: dict[str, Any]) -> None:
        """Note that the recipe ends here."""
        self._note(number, step, state, record)
        for later in self.steps[number + 1 :]:
            skipped = later.state == SKIPPED
            said = {"said": later.why} if skipped else {}
            self.summary.add(later, SKIPPED if skipped else "not reached", said)

    def _finish(self, number: int, step: Step, state: str, record: dict[str, Any]) -> None:
        """Hand on the result."""
        write_latest(self.out, step.name, step.key)
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


def _keep_if_same(step: Step, attempt: Attempt) -> None:
    """Discard what was made if an input changed while it was read."""
    try:
        refuse_changed(step.inputs)
    except InputError:
        attempt.discard()
        raise


def _failure(step: Step, said: str) -> str:
    out = step.stage if step.stage in ("harden", "adapt", "distill", "retrain") else ""
    hint = f", or leave the stage out with '{out}: null'" if out else ""
    return (
        f"learn: the stage '{step.name}' failed: {said} What was finished is kept: mend it and "
        f"give the same command again{hint}."
    )


@contextlib.contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder; the lock ends with the process, however that ends.

    A folder that was made for it is removed if nothing else came into it.
    """
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{out}: another recipe is running in it; wait for its end.") from None
        try:
            yield
        finally:
            if is_new and [path.name for path in out.iterdir()] == [LOCK]:
                (out / LOCK).unlink()
                out.rmdir()
