"""``dalearn adapt`` of a detector: what it writes and says, and that no label of B is looked at."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.tiny_adaptation import (
    ADAPT,
    picture,
    png,
    write_adapt_config,
    write_city,
    write_start,
)

from dalearn_ros.adaptation.detector_inputs import Inputs
from dalearn_ros.adaptation.detector_regime import AdaptTask
from dalearn_ros.adaptation.detector_run import (
    CANDIDATES,
    LEARNING,
    PSEUDO_LABELS,
    SUMMARY,
    adapt_detector,
)
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.report import METRICS, REPORT
from dalearn_ros.adaptation.selection import candidates
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.cli.main import main
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.run import settings_from
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.log import HISTORY
from dalearn_ros.training.loop import WEIGHTS

SEED = "3"


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """City a with a start that has learnt it, and city b, which is darker."""
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("cities")
    write_city(place / "a", range(4))
    write_city(place / "b", range(10, 15), light=60)
    write_start(place / "start", place / "a")
    write_adapt_config(place / "adapt.yaml")
    return place


def _arguments(place: Path, out: Path, *more: str) -> list[str]:
    return [
        "adapt", "--init", f"{place}/start", "--source", f"{place}/a", "--target", f"{place}/b",
        "--config", f"{place}/adapt.yaml", "--out", str(out), "--seed", SEED, *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def adapted(cities: Path) -> Path:
    """A run to the end by the command, scored on labels of b that are opened last."""
    out, opened = cities / "run", []
    whole = Dataset.open.__func__  # type: ignore[attr-defined]

    def watched(cls: type[Dataset], path: Path | str) -> Dataset:
        opened.append((Path(path).name, (out / SUMMARY).is_file()))
        found: Dataset = whole(cls, path)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dataset, "open", classmethod(watched))
        assert main(_arguments(cities, out, "--evaluate", f"{cities}/b")) == 0
    assert opened == [("a", False), ("b", True)]
    return out


def _again(cities: Path, out: Path, target: Path) -> None:
    """The same adaptation without the command."""
    settings = settings_from(AdaptSettings, cities / "start", cities / "adapt.yaml")
    source = [Dataset.open(cities / "a")]
    images = ImageList.open([target])
    adapt_detector(Inputs(cities / "start", source, [], images), out, settings, int(SEED))


def test_a_run_can_be_used_and_read(adapted: Path) -> None:
    assert LandmarkDetector.load(adapted).metadata.label_space.names[1] == "warning_sign"
    metrics = json.loads((adapted / METRICS).read_text())
    assert metrics["target_images"] == 5
    assert [event["what"] for event in metrics["self_training"]] == ["started"]
    made = metrics["pseudo_labels"]["all"]["made"]
    assert made == len((adapted / PSEUDO_LABELS).read_text().splitlines()) - 1 > 0
    assert metrics["pseudo_labels"]["by_class"]["warning_sign"]["made"] > 0
    steps = [network["step"] for network in metrics["evaluation"]["networks"]]
    assert steps == [entry["step"] for entry in metrics["candidates"]] == [0, 2, 4]
    assert metrics["evaluation"]["images"] == 5
    page = (adapted / REPORT).read_text()
    for part in (
        *("Choice without target labels", "Scores on target labels", "Pseudo labels"),
        *("Never claimed", "started: 0% of the schedule are done", "data:image/jpeg;base64"),
        metrics["verdict"],
    ):
        assert part in page, part
    assert not re.search(r'(src|href)="?(https?:)?//', page)


def test_names_folders_and_labels_of_the_target_change_nothing(
    cities: Path, adapted: Path, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere"
    for number, file in enumerate(sorted((cities / "b" / "images").iterdir())):
        folder = other / ("x" if number % 2 else "y/z")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / f"{9 - number}{file.suffix}")
    (other / "annotations.json").write_text("{ scrambled")
    _again(cities, tmp_path / "run", other)
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == (adapted / WEIGHTS).read_bytes()


def test_an_interrupted_run_ends_as_a_whole_one(
    cities: Path, adapted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = AdaptTask.losses, []

    def interrupted(self: AdaptTask, network: torch.nn.Module, batch: dict[str, Any]) -> Any:
        calls.append(1)
        os.kill(os.getpid(), signal.SIGINT)  # this step is still done
        return whole(self, network, batch)

    scrambled = tmp_path / "b"  # a dataset whose labels cannot be read
    shutil.copytree(cities / "b", scrambled)
    (scrambled / "annotations.json").write_text("{ scrambled")
    with monkeypatch.context() as patch:
        patch.setattr(AdaptTask, "losses", interrupted)
        for _ in range(3):  # the second time between a step and its validation
            with pytest.raises(KeyboardInterrupt):
                _again(cities, tmp_path / "run", scrambled)
    assert not (tmp_path / "run" / SUMMARY).exists()
    _again(cities, tmp_path / "run", scrambled)
    assert len(calls) == 3
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == (adapted / WEIGHTS).read_bytes()
    lines = (tmp_path / "run" / PSEUDO_LABELS).read_text().replace(str(scrambled), f"{cities}/b")
    assert lines == (adapted / PSEUDO_LABELS).read_text()
    one, other = (
        [c.figures for c in candidates(run / CANDIDATES)] for run in (tmp_path / "run", adapted)
    )
    assert one == other
    assert "target/same_as_before" in one[2]


def test_a_refused_adaptation_to_a_bag_says_so_and_keeps_the_start(
    cities: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        for seed in range(20, 23):
            encoded = png(picture(seed, 60)[0])
            bag.compressed_image("/camera/image_raw/compressed", seed, encoded, "camera", "png")
    write_city(tmp_path / "few", range(40, 42), light=60)
    write_city(tmp_path / "mapped", range(21, 24), light=60, as_png=True)
    loop = {**ADAPT["loop"], "steps": 2}
    config = write_adapt_config(tmp_path / "c.yaml", {"choice": {"margin": 1.0}, "loop": loop})
    more = [
        "--target", f"{tmp_path}/bag", "--config", str(config), "--val", f"{cities}/a",
        "--few-shot", f"{tmp_path}/few", "--map-labels", f"{tmp_path}/mapped",
    ]  # fmt: skip
    assert main(_arguments(cities, tmp_path / "run", *more)) == 0
    told = capsys.readouterr().out
    assert "refused: adaptation did not help by target/agreement" in told
    page = (tmp_path / "run" / REPORT).read_text()
    assert "Adaptation did not help by target/agreement" in page
    assert "the source model is kept." in page
    assert "which was refused" in page
    metrics = json.loads((tmp_path / "run" / METRICS).read_text())
    assert metrics["target_images"] == 3
    note = "The map has labels for 2 of 3 target images"
    assert any(text.startswith(note) for text in metrics["warnings"]) and note in page
    history = (tmp_path / "run" / LEARNING / HISTORY).read_text()
    assert '"few_shot"' in history
    kept, start = (
        load_checkpoint(path / WEIGHTS).groups["network"]
        for path in (tmp_path / "run", cities / "start")
    )
    assert all(torch.equal(kept[name], value) for name, value in start.items())


@pytest.mark.parametrize(
    "words,said",
    [
        (["--init", "{place}/nowhere"], "a run folder or weights to start from"),
        (["--evaluate", "{place}/b/images"], "a dataset for --evaluate"),
        (["--source", "{place}/nowhere"], "no such folder"),
        (["--target", "{place}/nowhere"], "there is no such folder"),
        (["--target", "{place}/a"], "there is nothing to adapt to"),
        (["--map-labels", "{place}/a"], "matched by the bytes of the image files"),
        (["--config", "{place}/strict.yaml"], "images that pass the filter, found 5 noise"),
        (["--out", "{place}/a"], "holds something else"),
        (["--topic", "/image"], "--topic: expected a bag among those of --target"),
    ],
)
def test_what_does_not_fit_is_a_sentence(
    cities: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    write_adapt_config(cities / "strict.yaml", {"filter": {"max_noise": 0.0}})
    more = [word.format(place=cities) for word in words]
    assert main(_arguments(cities, cities / "none", *more)) == 1
    told = capsys.readouterr().err
    assert said in told
    assert not (cities / "none").exists()


def test_without_a_start(cities: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapt", "--source", f"{cities}/a", "--target", f"{cities}/b", "--out", "x"]) == 1
    assert "needs a trained network" in capsys.readouterr().err
