"""Which stages would run and why: each has a key, the hash of all that its result depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.recipe.inputs import Input, Inputs
from dalearn_ros.recipe.records import FOLDER, finished, folder_of, read_record, result_in
from dalearn_ros.recipe.settings import STAGES
from dalearn_ros.recipe.stages import Outcome

SKIPPED, CACHED, CONTINUED, NEW = "skipped", "cached", "goes on", "runs"
KEY_DIGITS = 12
FIRST = "it has no result yet"
MOVED = "it was interrupted, and its folder or inputs lie elsewhere now: it begins anew"
NAMED = 4  # changes that are named; the others are counted
Parts = Mapping[str, str]
Work = Callable[[Path, "Path | None"], Outcome]  # folder, checkpoint that it is handed
Lacks = Callable[
    [Mapping[str, Any]], str
]  # figures of a result → what it lacks now; empty: nothing


@dataclass(frozen=True)
class Step:
    """A stage, or its part about one drive.

    Attributes:
        name: Of the stage, or ``STAGE-DRIVE``.
        stage: One of :data:`STAGES`.
        key: Hash of ``parts``; empty if it is left out.
        parts: What the result depends on, by name.
        folder: Where it works.
        state: What a run would do with it: one of the four words above.
        why: A sentence.
        work: Does it.
        resumes: It goes on in a folder where it was interrupted; else it begins anew.
        hands: It hands a checkpoint to the next stage.
        about: The drive or dataset that it is about; a bad one is left out, and the others go on.
        inputs: The files and folders that the key was made from.
        refused: It is known to hand on what it was given.
        left_out: Its drive is known to be a bad one; there is no result.
    """

    name: str
    stage: str
    key: str = ""
    parts: Parts = field(default_factory=dict)
    folder: Path = Path()
    state: str = SKIPPED
    why: str = ""
    work: Work | None = None
    resumes: bool = False
    hands: bool = False
    about: str = ""
    inputs: tuple[Input, ...] = ()
    refused: bool = False
    left_out: bool = False

    @property
    def places(self) -> list[str]:
        """Where it works and where its inputs lie, which a run folder is bound to."""
        return places_of(self.folder, self.inputs)


def places_of(folder: Path, inputs: Sequence[Input]) -> list[str]:
    """A step's folder and the paths of its inputs."""
    return [str(folder), *sorted(str(found.path) for found in inputs)]


class Planner:
    """Gathers steps in their order.

    Args:
        out: Folder of the recipe.
        first: Stages before this one are taken as they were left, whatever has changed since.
        last: Stages after this one are left out.
        inputs: Looks at the inputs; what the parts of a step ask it for is noted.
    """

    def __init__(
        self,
        out: Path,
        first: str = STAGES[0],
        last: str = STAGES[-1],
        inputs: Inputs | None = None,
    ) -> None:
        self.out, self._first, self._last = out, STAGES.index(first), STAGES.index(last)
        if self._first > self._last:
            raise InputError.at("--until", "", f"a stage from '{first}' on", f"'{last}'")
        self.inputs = inputs or Inputs()
        self.steps: list[Step] = []

    def works(self, stage: str) -> bool:
        """Whether a stage is neither taken as it was left nor left out because of the last one."""
        return self._first <= STAGES.index(stage) <= self._last

    def skip(self, stage: str, why: str) -> None:
        """A stage that is left out."""
        self.steps.append(Step(stage, stage, why=why))

    def add(
        self,
        name: str,
        stage: str,
        parts: Callable[[], Parts],
        work: Work,
        *,
        hands: bool = False,
        about: str = "",
        lacks: Lacks = lambda figures: "",
    ) -> Step:
        """A stage that runs if its result is not there.

        Args:
            name: Its name.
            stage: Which stage it is (a part of).
            parts: Gives what its result depends on; asked only if that counts.
            work: Does it.
            hands: Whether it hands on a checkpoint; such stages go on where they were interrupted.
            about: The drive or dataset that it is about, if it is about one.
            lacks: What is wanted beside the result now and may not be there; with it the result
                is made anew under the same key, as nothing else of it changes.

        Returns:
            The step, with its key.

        Raises:
            InputError: It is before the first stage and has no finished result.
        """
        place = STAGES.index(stage)
        if place < self._first:
            step = self._as_left(name, stage, work, hands, about, lacks)
        else:
            self.inputs.asked()
            found = dict(parts())
            inputs = self.inputs.asked()
            key = digest_of(f"{k}={v}" for k, v in sorted({**found, "stage": stage}.items()))
            key = key[:KEY_DIGITS]
            folder = folder_of(self.out, name, key)
            places = places_of(folder, inputs) if hands else []
            state, why = self._state(name, folder, found, lacks, places)
            if place > self._last:
                state, why = SKIPPED, f"after '{STAGES[self._last]}'"
            known = (read_record(folder) if state == CACHED else None) or {}
            made = key, found, folder, state, why, work, hands, hands, about, inputs
            refused, left_out = _ended(known)
            step = Step(name, stage, *made, refused=refused, left_out=left_out)
        self.steps.append(step)
        return step

    def _as_left(
        self, name: str, stage: str, work: Work, hands: bool, about: str, lacks: Lacks
    ) -> Step:
        record = finished(self.out, name)
        hint = f"Begin with --from {stage}, or leave --from away."
        if record is None:
            expected = f"a finished result of '{name}', which is before --from"
            raise InputError.at(self.out, "", expected, "none", hint)
        missing = "" if record.get("left_out") else lacks(record["figures"])
        if missing:
            expected = f"a whole result of '{name}', which is before --from"
            raise InputError.at(self.out, "", expected, f"one that is not: {missing}", hint)
        key, folder = record["key"], folder_of(self.out, name, record["key"])
        why = "before --from: taken as it is"
        found = key, record["parts"], folder, CACHED, why, work, hands, hands, about
        refused, left_out = _ended(record)
        return Step(name, stage, *found, refused=refused, left_out=left_out)

    def _state(
        self, name: str, folder: Path, parts: Parts, lacks: Lacks, places: Sequence[str]
    ) -> tuple[str, str]:
        record = read_record(folder)
        if record is not None and record.get("left_out"):
            return CACHED, f"left out: {record['said']}"
        if (result := result_in(folder)) is not None:
            missing = lacks(result["figures"])
            return (NEW, missing) if missing else (CACHED, "nothing has changed")
        if record is not None and not record["finished"]:
            if places and record.get("places", places) != places:
                return NEW, MOVED
            return CONTINUED, record["said"]
        before = finished(self.out, name)
        if before is None:
            return NEW, FIRST
        return NEW, _changes(before["parts"], parts)


def _ended(record: Mapping[str, Any]) -> tuple[bool, bool]:
    """What those after a finished step must know of it: was it refused, is it left out."""
    return bool(record.get("refused")), bool(record.get("left_out"))


def digest_of(texts: Iterable[str]) -> str:
    """SHA-256 (hexadecimal) of several texts, in their order."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def settings_parts(settings: Any) -> dict[str, str]:
    """Each value of a settings dataclass that is not its default, by its full name.

    Defaults are left away, so that a version of the package with one setting more runs nothing
    anew.
    """
    usual = _flat(dump_settings(type(settings)()), "settings")
    found = _flat(dump_settings(settings), "settings")
    return {name: value for name, value in found.items() if usual.get(name) != value}


def _flat(values: Any, prefix: str) -> dict[str, str]:
    if not isinstance(values, Mapping):
        return {prefix: str(values)}
    found: dict[str, str] = {}
    for key, value in values.items():
        found.update(_flat(value, f"{prefix}.{key}"))
    return found


def _changes(before: Parts, now: Parts) -> str:
    """What differs, as a sentence; values are said where they are settings."""
    texts = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if name.startswith(("settings.", "option.")):
            texts.append(f"{name.partition('.')[2]} {old or 'default'} → {new or 'default'}")
        elif old is None or new is None:
            texts.append(f"{name} {'is new' if old is None else 'is gone'}")
        else:
            texts.append(f"{name} has changed")
    more = len(texts) - NAMED
    return "; ".join([*texts[:NAMED], *([f"and {more} more"] if more > 0 else [])])


def told(steps: Sequence[Step]) -> list[str]:
    """A line for each step: what would be done with it and why."""
    width = max(len(step.name) for step in steps)
    return [f"{step.name:<{width}}  {step.state:<8} {step.why}" for step in steps]


def unused(out: Path, steps: Sequence[Step]) -> list[str]:
    """Names of the folders of former settings, which none of the steps uses."""
    used = {step.folder.name for step in steps}
    stages = out / FOLDER
    found = (path.name for path in stages.iterdir() if path.is_dir()) if stages.is_dir() else ()
    return sorted(set(found) - used)
