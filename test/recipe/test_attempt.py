"""What a recipe's folder says after changes, failures and kills; the stages only write a file."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dalearn_ros.core.errors import BagError, DalearnError, InputError
from dalearn_ros.recipe import attempt as attempt_module
from dalearn_ros.recipe.attempt import Attempt
from dalearn_ros.recipe.inputs import Inputs
from dalearn_ros.recipe.plan import CACHED, CONTINUED, NEW, Planner, Step
from dalearn_ros.recipe.records import read_latest, read_record
from dalearn_ros.recipe.run import _Runner
from dalearn_ros.recipe.stages import Outcome
from dalearn_ros.training.run_folder import FORMAT_VERSION, claim_run

NAMES = ["label-a", "train", "harden", "export"]
Write = Callable[[Path], None]


class Recipe:
    """A ``label`` about one drive, ``train`` and ``harden``.

    Attributes:
        seed: Of ``train``.
        beside: Whether the labels want something beside them.
        version: Of the package, as ``train`` notes it.
        refuses: Whether ``harden`` refuses.
        write: Does the work of ``label``.
        worked: Which stages have worked.
    """

    def __init__(self, place: Path) -> None:
        self.out, self.bag = place / "out", place / "a.mcap"
        self.bag.write_bytes(b"bag")
        self.out.mkdir()
        self.seed, self.beside, self.refuses = "1", False, False
        self.version = "1"
        self.write: Write = lambda folder: None
        self.worked: list[str] = []

    def plan(self, first: str = "label") -> list[Step]:
        planner = Planner(self.out, first, inputs=self.inputs)

        def lacks(figures: object) -> str:
            return "more is wanted" if figures != {"beside": self.beside} else ""

        def label(out: Path, _: Path | None) -> Outcome:
            self._work("label", out)
            (out / "labels").write_text(f"beside: {self.beside}")
            self.write(out)
            return Outcome("", {"beside": self.beside})

        def train(out: Path, _: Path | None) -> Outcome:
            self._work("train", out)
            claim_run(out, {"format_version": FORMAT_VERSION, "version": self.version})
            return Outcome("")

        def harden(out: Path, _: Path | None) -> Outcome:
            self._work("harden", out)
            return Outcome("", refused="nothing was hard" if self.refuses else "")

        def bag() -> dict[str, str]:
            return {"bag": self.inputs(self.bag)}

        labels = planner.add("label-a", "label", bag, label, about="a", lacks=lacks)
        data = {} if labels.left_out else {"data": labels.key}
        step = planner.add("train", "train", lambda: {"seed": self.seed, **data}, train, hands=True)
        found = planner.add("harden", "harden", lambda: {"from": step.key}, harden, hands=True)
        handed = step.key if found.refused else found.key
        planner.add("export", "distill", lambda: {"from": handed}, train)
        return planner.steps

    def run(self, first: str = "label") -> dict[str, str]:
        self.inputs, self.worked = Inputs(), []
        summary = _Runner(self.out, lambda: self.plan(first), lambda progress: None).run()
        return {entry["name"]: entry["state"] for entry in summary.entries}

    def planned(self, first: str = "label") -> dict[str, Step]:
        self.inputs = Inputs()
        return {step.name: step for step in self.plan(first)}

    def _work(self, name: str, out: Path) -> None:
        self.worked.append(name)
        out.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return Recipe(tmp_path)


def test_a_cached_result_is_the_latest_one(recipe: Recipe) -> None:
    keys = {}
    for seed in ("1", "2"):
        recipe.seed = seed
        recipe.run()
        keys[seed] = recipe.planned()["train"].key
    recipe.seed = "1"
    assert set(recipe.run().values()) == {"cached"}
    assert recipe.planned("harden")["train"].key == keys["1"] != keys["2"]
    # A kill between a result's record and latest.json.
    (recipe.out / "latest.json").write_text("{}")
    recipe.run()
    assert read_latest(recipe.out)["train"] == keys["1"]


@pytest.mark.parametrize("error", [DalearnError("no"), BagError("no"), KeyboardInterrupt()])
def test_labels_stay_until_the_new_ones_are_whole(recipe: Recipe, error: BaseException) -> None:
    recipe.run()
    step = recipe.planned()["label-a"]
    recipe.beside = True
    assert recipe.planned()["label-a"].state == NEW

    def broken(folder: Path) -> None:
        raise error

    recipe.write = broken
    with pytest.raises((DalearnError, KeyboardInterrupt)):
        recipe.run()
    record = read_record(step.folder)
    assert record is not None and record["finished"] and record["figures"] == {"beside": False}
    assert (step.folder / "labels").read_text() == "beside: False"
    recipe.write = lambda folder: None
    assert recipe.run()["label-a"] == "run" and recipe.worked == ["label"]
    assert (step.folder / "labels").read_text() == "beside: True"
    folders = [p.name for p in (recipe.out / "stages").glob("label-*") if p.is_dir()]
    assert folders == [step.folder.name]
    assert recipe.planned()["label-a"].state == CACHED


def test_an_input_that_changes_before_or_while_it_is_read_gives_no_result(recipe: Recipe) -> None:
    before = recipe.planned()["label-a"]

    def change(folder: Path) -> None:
        recipe.bag.write_bytes(b"another")

    recipe.write = change
    with pytest.raises(DalearnError, match=r"a\.mcap: has changed"):
        recipe.run()
    record = read_record(before.folder)
    assert record is not None and not record["finished"] and not before.folder.exists()

    recipe.inputs, recipe.worked = Inputs(), []
    runner = _Runner(recipe.out, recipe.plan, lambda progress: None)
    recipe.bag.unlink()  # after the recipe was planned: no bad drive
    with pytest.raises(DalearnError, match=r"a\.mcap: has changed"):
        runner.run()
    assert recipe.worked == []
    recipe.bag.write_bytes(b"bag")
    recipe.write = lambda folder: None
    assert recipe.run()["label-a"] == "run"


def test_a_bad_drive_counts_for_what_is_learnt_without_it(recipe: Recipe) -> None:
    def bad(folder: Path) -> None:
        raise BagError("a.mcap: has no camera.")

    recipe.write = bad
    assert recipe.run() == {"label-a": "left out", **dict.fromkeys(NAMES[1:], "run")}
    assert recipe.planned()["train"].parts == {"seed": "1"}
    assert set(recipe.run().values()) == {"left out", "cached"}
    recipe.write = lambda folder: None
    Path(f"{recipe.planned()['label-a'].folder}.json").unlink()  # to try it once more
    assert recipe.run() == dict.fromkeys(NAMES, "run")
    assert recipe.planned()["train"].parts.keys() == {"seed", "data"}


def test_a_drive_is_not_bad_because_a_disk_is(recipe: Recipe) -> None:
    def coughs(folder: Path) -> None:
        try:
            raise OSError(errno.EIO, "Input/output error")
        except OSError:
            raise BagError("a.mcap: cannot be read (Input/output error).") from None

    recipe.write = coughs
    with pytest.raises(DalearnError, match="'label-a' failed: a.mcap: cannot be read"):
        recipe.run()
    recipe.write = lambda folder: None
    assert recipe.run() == dict.fromkeys(NAMES, "run")


def test_what_another_version_began_begins_anew(recipe: Recipe) -> None:
    recipe.run("label")
    step = recipe.planned()["train"]
    record = Path(f"{step.folder}.json")
    record.write_text(json.dumps({**json.loads(record.read_text()), "finished": False}))
    (step.folder / "half").touch()
    recipe.version = "2"
    assert recipe.planned()["train"].state == CONTINUED
    assert recipe.run()["train"] == "run" and recipe.worked == ["train", "train"]
    assert not (step.folder / "half").exists()
    assert json.loads((step.folder / "run.json").read_text())["version"] == "2"


def test_the_files_are_on_the_disk_before_the_record_says_so(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def sync(folder: Path) -> None:
        record = read_record(folder)
        assert record is not None and not record["finished"]
        synced.append(folder)

    monkeypatch.setattr(attempt_module, "fsync_tree", sync)
    recipe.run()
    assert synced == [step.folder for step in recipe.planned().values()]


def test_what_a_killed_process_left_beside_is_removed(recipe: Recipe) -> None:
    step = recipe.planned()["label-a"]
    stages = step.folder.parent
    for name in (f".{step.folder.name}.7.part", f".{step.folder.name}.7.part.json", ".b-1.7.part"):
        (stages / name).mkdir(parents=True)
    Attempt(step)
    assert [path.name for path in stages.iterdir()] == [".b-1.7.part"]


def test_what_comes_after_a_refusal_does_not_depend_on_it(recipe: Recipe) -> None:
    recipe.refuses = True
    assert recipe.run()["export"] == "run"
    keys = {name: step.key for name, step in recipe.planned().items()}
    record = recipe.out / f"stages/harden-{keys['harden']}.json"
    record.unlink()  # as if a setting of it had changed
    assert recipe.planned()["export"].key != keys["export"]  # it may hand on a run this time
    found = recipe.run()
    assert (found["harden"], found["export"]) == ("run", "cached")
    assert recipe.worked == ["harden"]


def test_a_result_before_from_must_be_there_and_whole(recipe: Recipe) -> None:
    recipe.run()
    recipe.beside = True
    with pytest.raises(InputError, match="a whole result of 'label-a', which is before --from"):
        recipe.planned("train")
    recipe.beside = False
    (recipe.planned()["label-a"].folder / "labels").unlink()
    recipe.planned()["label-a"].folder.rmdir()
    with pytest.raises(InputError, match="a finished result of 'label-a'"):
        recipe.planned("train")


def test_the_time_before_a_kill_counts(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def seconds(step: Step, of: str = "seconds") -> float:
        record = read_record(step.folder)
        assert record is not None
        return float(record[of])

    step = recipe.planned()["train"]
    (recipe.out / "stages").mkdir()
    first = Attempt(step)
    first.note(finished=False, said="")
    clock[0] += attempt_module.NOTED_S - 1
    first.alive()
    assert seconds(step) == 0.0
    clock[0] += 1
    first.alive()  # and then it is killed
    assert seconds(step) == attempt_module.NOTED_S
    again = recipe.planned()["train"]
    assert again.state == CONTINUED
    second = Attempt(again)
    second.note(finished=False, said="")
    clock[0] += 5
    second.finish()
    assert seconds(step) == attempt_module.NOTED_S + 5
    assert seconds(step, "seconds_now") == 5


def test_a_folder_that_has_moved_is_begun_anew(recipe: Recipe) -> None:
    step = recipe.planned()["train"]
    Attempt(step).note(finished=False, said="it was interrupted")
    assert recipe.planned()["train"].state == CONTINUED
    recipe.out = recipe.out.rename(recipe.out.with_name("elsewhere"))
    moved = recipe.planned()["train"]
    assert moved.state == NEW and "it begins anew" in moved.why
    moved.folder.mkdir()
    assert not Attempt(moved).folder.exists()
    assert json.loads(Path(f"{step.folder}.json".replace("/out/", "/elsewhere/")).read_text())
