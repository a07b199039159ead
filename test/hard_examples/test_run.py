"""A tiny model hardened by a tiny store: what is written, and that a killed run goes on."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from helpers.tiny_adaptation import picture, write_city, write_start

from dalearn_ros.cli.main import main
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.areas import AreaSidecar
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.run import open_run, settings_from
from dalearn_ros.hard_examples.album import ALBUM, METRICS, TIMING
from dalearn_ros.hard_examples.hunt import STUCK, Detect, Hunt
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.recognition import Recognition
from dalearn_ros.hard_examples.run import HARD, STORE, TRIES, Inputs, harden
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.hard_examples.statistics import measure
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.try_log import read_tries
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.labels.area_settings import AREAS
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loop import WEIGHTS, Trainer

ROOT = Path(__file__).resolve().parents[2]
SETTINGS: dict[str, Any] = {
    "batch": {"size": 2, "crops_per_image": 1, "workers": 0, "threads": 1},
    "crops": {"width": 96, "height": 64},
    "loop": {"steps": 6, "warmup_steps": 1, "log_every": 1, "checkpoint_every": 2},
    "search": {"threshold": 1.0, "failing_originals": "use", "outputs": 3, "tries": 8},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A start, its city with index images, a store of dark and bright pictures, settings."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("harden")
    data = Dataset.open(write_city(folder / "city", range(4)))
    write_start(folder / "start", folder / "city", steps=3)
    index = np.zeros((96, 128), np.uint8)
    index[60:] = AREAS.index("road")
    sidecar = AreaSidecar(data.path)
    for row in range(len(data)):
        sidecar.write(data.image_path(row), index)
    with ParameterStore.create(folder / "store.sqlite") as store:
        for seed in range(4):
            time, light = ("night", 50) if seed % 2 else ("day", 180)
            image = picture(seed, light)[0]
            found = measure(store.space.from_bgr(image), index, AREAS)
            condition = Condition(time, "sunny")
            store.add_target(f"t{seed}", f"t{seed}", condition, found, thumbnail=image[::2, ::2])
    (folder / "harden.yaml").write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
    return folder


def inputs(place: Path) -> Inputs:
    data = [Dataset.open(place / "city")]
    return Inputs(place / "start", data, place / "store.sqlite")


def arguments(place: Path, out: Path, *more: str) -> list[str]:
    return [
        "harden", "--init", f"{place}/start", "--data", f"{place}/city", "--store",
        f"{place}/store.sqlite", "--config", f"{place}/harden.yaml", "--out", str(out),
        "--seed", "3", *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def done(place: Path) -> Path:
    """A run to the end by the command, online: an update after every image."""
    before = (place / "store.sqlite").read_bytes()
    assert main(arguments(place, place / "run")) == 0
    assert (place / "store.sqlite").read_bytes() == before
    return place / "run"


def test_hard_images_are_an_ordinary_dataset_with_their_provenance(place: Path, done: Path) -> None:
    city, hard = Dataset.open(place / "city"), Dataset.open(done / HARD)
    names = {city.meta(i)["file_name"]: i for i in range(len(city))}
    assert len(hard) == 3
    with ParameterStore.open(done / STORE) as store:
        for i in range(len(hard)):
            said = hard.meta(i)["hard"]
            source = names[said["image"]]
            assert hard.image(i).shape == city.image(source).shape
            assert np.abs(hard.image(i).astype(int) - city.image(source)).mean() > 2.0
            np.testing.assert_allclose(hard.labels(i).point_px, city.labels(source).point_px)
            index = hard.areas.read(hard.image_path(i), hard.image(i).shape)
            assert index is not None and set(np.unique(index)) == {0, AREAS.index("road")}
            assert (
                said["notes"]["changed"] > 2.0 and 0.0 <= said["notes"].get("clipped", 0.0) <= 1.0
            )
            assert said["accuracy"] < 1.0 and 0.0 <= said["accuracy_before"] <= 1.0
            for area, entry in said["areas"].items():
                parameter = store.parameter(entry["parameter"])
                assert parameter.cell.area == area and parameter.used > 0
                assert entry["mean"] == pytest.approx(parameter.distribution.mean, abs=1e-5)


def test_each_image_is_judged_by_the_model_of_its_moment(done: Path) -> None:
    tries = read_tries(done / TRIES)
    found = [entry for entry in tries if entry.name is not None]
    assert [entry.step for entry in found] == [0, 2, 4]  # 6 steps in 3 parts
    assert len({entry.model for entry in found}) == 3
    hard = Dataset.open(done / HARD)
    assert [hard.meta(i)["hard"]["model"] for i in range(3)] == [entry.model for entry in found]


def test_the_run_is_a_model_with_figures_and_an_album(done: Path) -> None:
    LandmarkDetector.load(done, 1).detect(picture(1)[0])
    assert load_checkpoint(done / WEIGHTS).header["step"] == 6
    metrics = json.loads((done / METRICS).read_text(encoding="utf-8"))
    assert metrics["outputs"] == 3 and metrics["steps"] == 6 and metrics["updates"] == 2
    assert metrics["tried"] == sum(metrics["outcomes"].values()) == len(read_tries(done / TRIES))
    assert sum(entry["tried"] for entry in metrics["conditions"].values()) == metrics["tried"]
    assert metrics["before_after"]["images"] == 3 and metrics["search_ended"] == "budget"
    timing = json.loads((done / TIMING).read_text(encoding="utf-8"))
    assert sum(timing["share"].values()) == pytest.approx(1.0, abs=1e-4)
    album = (done / ALBUM).read_text(encoding="utf-8")
    for text in ("Which condition breaks which class", "warning_sign", "mean of L*", "data:image"):
        assert text in album


class Killed(Exception):
    pass


def test_a_killed_run_goes_on_as_if_it_had_not_been(
    place: Path, done: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = settings_from(HardenSettings, place / "start", place / "harden.yaml")
    whole, tried = Trainer._one_step, Hunt._try

    def killed_in_learning(self: Trainer, batch: Any) -> dict[str, float]:
        if self.step == 5:  # a checkpoint is at 4, tries are from there
            raise Killed
        return whole(self, batch)

    monkeypatch.setattr(Trainer, "_one_step", killed_in_learning)
    with pytest.raises(Killed):
        harden(inputs(place), tmp_path / "run", settings, 3)
    monkeypatch.undo()
    again: list[int] = []

    def counted(self: Hunt, step: int, detect: Detect) -> None:
        again.append(step)
        tried(self, step, detect)

    monkeypatch.setattr(Hunt, "_try", counted)
    harden(inputs(place), tmp_path / "run", settings, 3)
    assert not again  # what was tried at step 4 is not tried again
    for name in ("outcome", "accuracy", "parameters", "name"):
        one, other = (
            [getattr(entry, name) for entry in read_tries(run / TRIES)]
            for run in (done, tmp_path / "run")
        )
        assert one == other
    groups = [load_checkpoint(run / WEIGHTS).groups["network"] for run in (done, tmp_path / "run")]
    assert all(torch.equal(groups[0][name], groups[1][name]) for name in groups[0])


def test_all_at_the_end_searches_with_the_start_alone(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hunt, "seconds", lambda self, step: 3600.0 if step == 0 else 0.0)
    values = {
        **SETTINGS,
        "update": {"every": 0, "replayed": "sources"},
        "accuracy": {"measure": "correct"},
    }
    start = settings_from(HardenSettings, place / "start", place / "harden.yaml")
    settings = load_settings(
        HardenSettings,
        None,
        {**values, "network": {"widths": list(start.network.widths),
         "depths": list(start.network.depths), "head_channels": start.network.head_channels}},
    )  # fmt: skip
    outcome = harden(inputs(place), tmp_path / "run", settings, 1)
    assert {entry.step for entry in outcome.hunt.log.entries} == {0}
    assert outcome.steps == 6
    assert 60.0 < outcome.minutes < 70.0  # the first search, before the steps, is counted
    start_weights = open_run(place / "start").network.state_dict()
    changed = [
        not torch.equal(v, start_weights[k]) for k, v in outcome.network.state_dict().items()
    ]
    assert any(changed)


def test_a_model_that_nothing_hurts_stays_as_it_is(place: Path, tmp_path: Path) -> None:
    (tmp_path / "mild.yaml").write_text(
        yaml.safe_dump({**SETTINGS, "search": {"threshold": 0.0, "tries": 3, "outputs": 2}}),
        encoding="utf-8",
    )
    out = tmp_path / "run"
    assert main([*arguments(place, out), "--config", str(tmp_path / "mild.yaml")]) == 0
    kept, start = (open_run(p).network.state_dict() for p in (out, place / "start"))
    assert all(torch.equal(kept[name], start[name]) for name in start)
    assert len(Dataset.open(out / HARD)) == 0
    assert "None of 3" in json.loads((out / METRICS).read_text(encoding="utf-8"))["verdict"]
    timing = json.loads((out / TIMING).read_text(encoding="utf-8"))
    assert timing["minutes"] > 0.0
    assert 60.0 * timing["minutes"] == pytest.approx(timing["search_seconds"], abs=1e-4)


def test_a_search_that_cannot_go_on_ends_and_the_steps_are_taken(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    unseen = Recognition(0.0, {1: (0, 1)})
    monkeypatch.setattr(Hunt, "_recognised", lambda self, *given: unseen)
    original = lambda self, *given: 0.0 if self._step else 0.9  # noqa: E731
    monkeypatch.setattr(Hunt, "_original", original)
    changes = {**SETTINGS, "search": {"outputs": 3}}
    (tmp_path / "hard.yaml").write_text(yaml.safe_dump(changes), encoding="utf-8")
    out = tmp_path / "run"
    words = [*arguments(place, out), "--config", str(tmp_path / "hard.yaml")]
    assert main(words) == 0
    assert f"ended before its budget: {STUCK}." in capsys.readouterr().out
    metrics = json.loads((out / METRICS).read_text(encoding="utf-8"))
    assert metrics["search_ended"] == STUCK
    assert (metrics["outputs"], metrics["steps"]) == (1, 6)
    before = (out / TRIES).read_bytes()
    assert main(words) == 0  # the same command goes on with nothing
    assert (out / TRIES).read_bytes() == before


def test_other_inputs_are_refused(place: Path, done: Path, tmp_path: Path, capsys: Any) -> None:
    copy = shutil.copytree(done, tmp_path / "run")
    settings = settings_from(HardenSettings, place / "start", place / "harden.yaml")
    with pytest.raises(InputError, match="another 'seed'"):
        harden(inputs(place), copy, settings, 4)
    assert main([*arguments(place, tmp_path / "new"), "--store", f"{tmp_path}/none.sqlite"]) == 1
    assert "none.sqlite" in capsys.readouterr().err
    ParameterStore.create(tmp_path / "empty.sqlite").close()
    assert main([*arguments(place, tmp_path / "new"), "--store", f"{tmp_path}/empty.sqlite"]) == 1
    assert "an empty store" in capsys.readouterr().err
    wrong = {**SETTINGS, "convert": {"areas": ["roads"]}}
    (tmp_path / "areas.yaml").write_text(yaml.safe_dump(wrong), encoding="utf-8")
    words = [*arguments(place, tmp_path / "areas"), "--config", str(tmp_path / "areas.yaml")]
    assert main(words) == 1
    assert "Did you mean 'road'?" in capsys.readouterr().err
    assert not (tmp_path / "areas").exists()
    assert not (tmp_path / "new").exists()


def test_the_settings_file_is_up_to_date_and_says_the_defaults() -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "write_settings.py"))
    path = ROOT / "config" / "harden.yaml"
    assert path.read_text(encoding="utf-8") == tool["text_of"]("harden.yaml")
    assert load_settings(HardenSettings, path) == HardenSettings()
