"""Which stages would run, and what is said of the reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.settings import field
from dalearn_ros.recipe.plan import CACHED, CONTINUED, NEW, SKIPPED, Planner, Step, settings_parts
from dalearn_ros.recipe.records import write_latest, write_record
from dalearn_ros.recipe.stages import Outcome


@dataclass(frozen=True)
class Loop:
    steps: int = field(3)


@dataclass(frozen=True)
class Settings:
    loop: Loop = field(Loop)
    rate: float = field(0.5)


def work(folder: Path, checkpoint: Path | None) -> Outcome:
    return Outcome("")


def step_of(out: Path, parts: dict[str, str], first: str = "label", last: str = "evaluate") -> Step:
    return Planner(out, first, last).add("train", "train", lambda: parts, work, hands=True)


def finish(out: Path, step: Step, **values: object) -> None:
    step.folder.mkdir(parents=True)
    record = {"key": step.key, "parts": step.parts, "finished": True, "said": "", "figures": {}}
    write_record(step.folder, {**record, **values})
    write_latest(out, step.name, step.key)


def test_defaults_do_not_count() -> None:
    assert settings_parts(Settings()) == {}
    assert settings_parts(Settings(Loop(4))) == {"settings.loop.steps": "4"}


def test_what_has_changed_is_named(tmp_path: Path) -> None:
    parts = {"option.seed": "1", "data": "ab", "store": "cd"}
    first = step_of(tmp_path, parts)
    assert (first.state, first.why) == (NEW, "it has no result yet")
    assert step_of(tmp_path, dict(reversed(parts.items()))).key == first.key
    finish(tmp_path, first)
    assert step_of(tmp_path, parts).state == CACHED
    changed = {"option.seed": "2", "data": "xy", "edits": "e", "settings.rate": "0.1"}
    found = step_of(tmp_path, changed)
    assert (found.state, found.key == first.key) == (NEW, False)
    assert found.why == (
        "data has changed; edits is new; seed 1 → 2; rate default → 0.1; and 1 more"
    )


def test_other_states(tmp_path: Path) -> None:
    step = step_of(tmp_path, {"a": "1"})
    write_record(step.folder, {"finished": False, "said": "it was interrupted"})
    assert step_of(tmp_path, {"a": "1"}).state == CONTINUED
    finish(tmp_path, step)
    assert step_of(tmp_path, {"a": "2"}, last="label").state == SKIPPED
    left = step_of(tmp_path, {"a": "2"}, first="export")  # its parts are not looked at
    assert (left.state, left.key) == (CACHED, step.key)
    step.folder.rmdir()
    assert step_of(tmp_path, {"a": "1"}).state == NEW
    with pytest.raises(InputError, match="expected a stage from 'export' on, found 'train'"):
        Planner(tmp_path, "export", "train")


def test_a_bad_drive_is_not_tried_again(tmp_path: Path) -> None:
    step = step_of(tmp_path, {"a": "1"})
    finish(tmp_path, step, left_out=True, said="no camera")
    found = step_of(tmp_path, {"a": "1"})
    assert (found.state, found.why) == (CACHED, "left out: no camera")
