"""The whole recipe on a tiny world: what is handed on, cached, run again, refused, left out."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.tiny_recipe import RECIPE, write_material, write_recipe
from helpers.tiny_training import TINY, write_dataset

from dalearn_ros.cli.main import main
from dalearn_ros.core import progress
from dalearn_ros.core.errors import InputError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.taught import has_depth
from dalearn_ros.detector.regime import DetectorTask
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.recipe.run import Progress, learn
from dalearn_ros.recipe.settings import STAGES
from dalearn_ros.recipe.stage_settings import load_recipe
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loop import CHECKPOINT, WEIGHTS

NAMES = ["label-north", "label-blind", *STAGES[1:7], "against-south", "evaluate-south"]
DONE = {"label-blind": "left out"}  # its bag has no images


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe's inputs, and the recipe after one whole run."""
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("recipe")
    write_material(place)
    assert call(place) == 0
    return place


def call(place: Path, *words: str, **changes: Any) -> int:
    config = write_recipe(place / "learn.yaml", changes)
    return main(["learn", "--config", str(config), "--out", str(place / "out"), *words])


def summary(place: Path) -> dict[str, dict[str, Any]]:
    content = json.loads((place / "out" / "summary.json").read_text())
    return {step["name"]: step for step in content["steps"]}


def states(place: Path) -> dict[str, str]:
    return {name: step["state"] for name, step in summary(place).items()}


def plan(place: Path, capsys: pytest.CaptureFixture[str], **changes: Any) -> dict[str, str]:
    capsys.readouterr()
    assert call(place, "--dry-run", **changes) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    return {line.split()[0]: line.partition(" ")[2].strip() for line in lines}


def of(place: Path, name: str) -> Path:
    """The folder of a stage's latest result."""
    key = json.loads((place / "out" / "latest.json").read_text())[name]
    return place / "out" / "stages" / f"{name}-{key}"


def test_each_stage_hands_its_checkpoint_to_the_next(world: Path) -> None:
    assert states(world) == {**dict.fromkeys(NAMES, "run"), **DONE}
    inits = {}
    for name in ("harden", "adapt", "distill", "retrain"):
        init = json.loads((of(world, name) / "run.json").read_text())["init"]
        inits[name] = Path(init["path"] if isinstance(init, dict) else init)
    # 'adapt' did not help, so that 'distill' begins where 'adapt' did.
    assert inits == {
        "harden": of(world, "train"),
        "adapt": of(world, "harden"),
        "distill": of(world, "harden"),
        "retrain": of(world, "distill"),
    }
    steps = summary(world)
    assert steps["adapt"]["refused"].startswith("adaptation did not help")
    assert has_depth(of(world, "retrain")) and steps["export"]["figures"]["depth"]
    assert steps["harden"]["figures"]["hard"] == 1
    parts = json.loads(Path(f"{of(world, 'train')}.json").read_text())["parts"]
    assert "train data north" in parts and "train data blind" not in parts
    data = Dataset.open(of(world, "label-north"))
    assert len(data) == steps["label-north"]["figures"]["frames"] == 3
    assert data.distances(0) is not None  # because 'distill' runs


def test_the_model_and_the_report_lie_in_the_folder(world: Path) -> None:
    out = world / "out"
    assert (out / "model.onnx").read_bytes() == (of(world, "export") / "model.onnx").read_bytes()
    written = LandmarkDetector.load(out / "model.onnx", 1).metadata
    assert written.attention is not None and written.depth is not None
    page = (out / "report.html").read_text()
    for text in ("Refused; it hands on", "F1 on south", "Reports of the stages", "comparison"):
        assert text in page, text
    assert "Left out, because they cannot be used: label-blind." in page
    assert summary(world)["label-blind"]["said"] in html.unescape(page)
    scores = {name: summary(world)[f"{name}-south"]["figures"] for name in ("against", "evaluate")}
    assert scores["against"]["f1"] > 0.9 > scores["evaluate"]["f1"]  # made by hand; 2 steps old
    assert "Too little to tell: F1 -1.000" in summary(world)["evaluate-south"]["said"]
    for target in re.findall(r'href="([^"]+)"', page):
        assert (out / target).is_file(), target


def test_a_second_run_does_nothing(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = (of(world, "retrain") / WEIGHTS).stat().st_mtime_ns
    assert call(world) == 0
    assert states(world) == {**dict.fromkeys(NAMES, "cached"), **DONE}
    assert json.loads((world / "out/summary.json").read_text())["seconds"] == 0.0
    assert all(summary(world)[name]["seconds"] > 0.0 for name in STAGES[1:7])
    assert (of(world, "retrain") / WEIGHTS).stat().st_mtime_ns == weights


def test_a_change_reruns_only_what_depends_on_it(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = plan(world, capsys)
    assert same.pop("label-blind").startswith("cached   left out: ")
    assert all(line == "cached   nothing has changed" for line in same.values())
    loop = {"loop": {"steps": 1}}
    more = {"loop": {"steps": 2}}
    changed = plan(world, capsys, distill={"settings": more}, retrain={"settings": loop})
    assert [name for name in NAMES if changed[name].startswith("runs")] == [
        *("distill", "retrain", "export", "evaluate-south"),
    ]
    assert changed["retrain"].startswith("runs     ") and "loop.steps 2 → 1" in changed["retrain"]
    assert (
        "the checkpoint that is handed over has changed"
        in plan(world, capsys, distill={"settings": {"weights": {"variance": 0.2}}})["retrain"]
    )
    assert "cached" in plan(world, capsys, drives={"north": {"use": "train"}})["label-north"]
    beside = plan(world, capsys, label={"areas": True}, distill=None)
    assert beside["label-north"] == "runs     index images are wanted now"
    assert "cached" in beside["train"] and beside["harden"] == "runs     areas False → True"
    longer = plan(world, capsys, evaluate={"match_px": 6.0})
    assert [name for name in NAMES if "runs" in longer[name]] == NAMES[-2:]
    assert longer["against-south"] == "runs     match_px 8.0 → 6.0"


def test_other_bytes_of_an_input_are_seen_and_its_place_is_not(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(world / "north", tmp_path / "elsewhere")
    moved = {"bag": str(tmp_path / "elsewhere/bag"), "map": str(tmp_path / "elsewhere/map")}
    assert "cached" in plan(world, capsys, drives={"north": moved})["label-north"]
    (tmp_path / "elsewhere/bag/note.txt").write_text("one more file")
    found = plan(world, capsys, drives={"north": moved})
    assert found["label-north"] == "runs     bag has changed"
    assert found["train"] == "runs     train data north has changed"


def test_stages_are_left_out_and_one_stage_alone_is_run_again(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    off = {"harden": None, "adapt": {"enabled": False}, "distill": None, "retrain": None}
    assert call(world, **off) == 0
    assert states(world) == {
        **DONE,
        **dict.fromkeys(("label-north", "train", "against-south"), "cached"),
        **dict.fromkeys(("harden", "adapt", "distill", "retrain"), "skipped"),
        **dict.fromkeys(("export", "evaluate-south"), "run"),
    }
    assert LandmarkDetector.load(world / "out/model.onnx", 1).metadata.attention is None
    faster = {"settings": {"loop": {"learning_rate": 0.01}}}
    # What is before --from stays as it is, though it would be learnt otherwise now.
    assert call(world, "--from", "evaluate", train=faster, evaluate={"match_px": 5.0}, **off) == 0
    assert states(world)["train"] == "cached" and states(world)["evaluate-south"] == "run"
    used = {of(world, name).name for name in NAMES[2:6]}
    capsys.readouterr()
    assert call(world, "--dry-run", **off) == 0
    former = capsys.readouterr().out.strip().splitlines()[-1]
    assert former.startswith("Of former settings, not used now: ")
    assert (used - {of(world, "train").name}) <= set(re.findall(r"[\w-]+-\w{12}", former))
    assert of(world, "train").name not in former
    assert call(world, "--until", "train", **off) == 0
    assert states(world)["export"] == "skipped"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Datasets and a recipe that only trains and exports."""
    write_dataset(tmp_path / "data")
    (tmp_path / "learn.yaml").write_text(json.dumps(small_recipe(4)))
    return tmp_path


def small_recipe(steps: int) -> dict[str, Any]:
    loop = {**TINY["loop"], "steps": steps, "checkpoint_every": 1}
    return {
        "datasets": {"a": {"path": "data"}},
        "train": {"settings": {**TINY, "loop": loop}},
        "label": None,
        "evaluate": None,
    }


def test_an_interrupted_stage_goes_on(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["learn", "--config", str(small / "learn.yaml"), "--out", str(small / "out")]
    losses, calls = DetectorTask.losses, []

    def interrupted(self: DetectorTask, network: Any, batch: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return losses(self, network, batch)

    monkeypatch.setattr(DetectorTask, "losses", interrupted)
    assert main(words) == 1
    assert "interrupted" in capsys.readouterr().err
    assert states(small)["train"] == "interrupted" and states(small)["export"] == "not reached"
    (folder,) = (path for path in (small / "out/stages").iterdir() if path.is_dir())
    assert load_checkpoint(folder / CHECKPOINT).header["step"] == 2
    words[-1] = "out"  # the same place, said otherwise
    monkeypatch.chdir(small)
    assert main([*words, "--dry-run"]) == 0
    assert re.search(r"train +goes on", capsys.readouterr().out)
    assert main(words) == 0
    assert len(calls) == 4  # two steps were left
    assert states(small) == {
        **dict.fromkeys(["label", *STAGES[2:6], "evaluate"], "skipped"),
        "train": "run",
        "export": "run",
    }


def test_a_broken_stage_says_how_to_go_on_and_what_was_before_it_stays(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = {**small_recipe(1), "retrain": {"edits": "edits"}}
    (small / "learn.yaml").write_text(json.dumps(content))
    (small / "edits").mkdir()
    words = ["learn", "--config", str(small / "learn.yaml"), "--out", str(small / "out")]
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "the stage 'retrain' failed:" in error and "corrected maps of images of --data" in error
    assert "give the same command again, or leave the stage out with 'retrain: null'" in error
    assert states(small)["train"] == "run" and states(small)["export"] == "not reached"
    assert "'retrain' failed" in html.unescape((small / "out/report.html").read_text())
    (small / "learn.yaml").write_text(json.dumps({**content, "retrain": None}))
    assert main(words) == 0
    assert states(small)["train"] == "cached"


def test_progress_is_told_and_two_recipes_do_not_share_a_folder(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    told: list[Progress] = []

    def listen(now: Progress) -> None:
        told.append(now)
        if len(told) == 1:
            with pytest.raises(InputError, match="another recipe is running"):
                learn(settings, small / "out")

    settings = load_recipe(small / "learn.yaml")
    learn(settings, small / "out", told=listen)
    assert (told[0].step, told[0].state) == ("label", "skipped")
    training = [p for p in told if p.step == "train" and p.task == "train"]
    # The loop leaves in the middle of the last step, which is told by the stage's end.
    assert (training[-1].done, training[-1].total, training[-1].number) == (3, 4, 2)
    assert told[-1].state == "skipped" and told[-1].number == told[-1].steps


def test_a_listener_that_has_gone_stops_the_recipe(small: Path) -> None:
    def gone(now: Progress) -> None:
        if now.task == "train":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(load_recipe(small / "learn.yaml"), small / "out", told=gone)
    assert states(small)["train"] == "interrupted"


def test_a_folder_of_something_else_is_refused(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["learn", "--config", str(small / "learn.yaml"), "--out", str(small / "data")]
    assert main(words) == 1
    assert "holds something else" in capsys.readouterr().err
    words[-1] = str(small / "out")
    assert main([*words, "--from", "export"]) == 1
    assert "a finished result of 'train', which is before --from" in capsys.readouterr().err
    assert main([*words, "--from", "export", "--until", "train"]) == 1
    assert not (small / "out").exists()


def test_every_stage_of_the_tiny_recipe_is_known() -> None:
    assert set(RECIPE) - {"seed", "drives", "datasets"} <= set(STAGES)
