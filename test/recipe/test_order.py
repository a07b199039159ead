"""The plan of a recipe: settings and data are looked at once, before anything runs."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import pytest
from helpers.tiny_training import TINY, write_dataset

from dalearn_ros.core.errors import DatasetError, InputError
from dalearn_ros.datasets.shards import write_shards
from dalearn_ros.recipe.order import Recipe, steps_of
from dalearn_ros.recipe.plan import NEW, Step
from dalearn_ros.recipe.records import write_latest, write_record
from dalearn_ros.recipe.run import LOCK, learn
from dalearn_ros.recipe.stage_settings import load_recipe


def write(place: Path, **changes: Any) -> Path:
    content = {
        "datasets": {"a": {"path": "data"}},
        "train": {"config": "train.yaml"},
        "label": None,
        "evaluate": None,
        **changes,
    }
    (place / "train.yaml").write_text(json.dumps(TINY))
    (place / "learn.yaml").write_text(json.dumps(content))
    return place / "learn.yaml"


def test_a_settings_file_is_read_once(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data")
    recipe = Recipe(load_recipe(write(tmp_path)), tmp_path / "out")
    (tmp_path / "train.yaml").write_text("loop: {steps: 77}")
    stage = recipe.settings.train
    assert stage is not None and stage.config is None
    assert stage.settings["loop"]["steps"] == TINY["loop"]["steps"]
    assert recipe.steps()[1].parts["settings.loop.steps"] == str(TINY["loop"]["steps"])


def test_data_that_cannot_be_read_are_refused_before_the_training(tmp_path: Path) -> None:
    write_dataset(tmp_path / "whole")
    write_shards([tmp_path / "whole"], tmp_path / "data", 2, 0)
    alone = load_recipe(write(tmp_path))
    assert steps_of(alone, tmp_path / "out")[1].state == NEW
    more = load_recipe(write(tmp_path, harden={}))
    with pytest.raises(DatasetError, match="not in shards, for 'harden', found shards"):
        steps_of(more, tmp_path / "out")
    judged = {"a": {"path": "whole"}, "b": {"path": "data", "use": "val"}}
    with pytest.raises(DatasetError, match="not in shards, for 'use: val', found shards"):
        steps_of(load_recipe(write(tmp_path, datasets=judged)), tmp_path / "out")
    (tmp_path / "whole/annotations.json").write_text("{")
    judged["b"]["path"] = "whole"
    with pytest.raises(DatasetError, match=r"annotations\.json"):
        steps_of(load_recipe(write(tmp_path, datasets=judged)), tmp_path / "out")


def test_a_stage_that_refused_does_not_count_for_those_after_it(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data")
    out, settings = tmp_path / "out", load_recipe(write(tmp_path, harden={}))
    for name, refused in (("train", ""), ("harden", "nothing was hard")):
        step = next(s for s in steps_of(settings, out) if s.name == name)
        step.folder.mkdir(parents=True)
        record = {"key": step.key, "parts": step.parts, "finished": True, "said": ""}
        write_record(step.folder, {**record, "figures": {}, "refused": refused})
        write_latest(out, name, step.key)
    steps = {step.name: step for step in steps_of(settings, out)}
    handed = f"train {steps['train'].key}"
    assert steps["export"].parts["the checkpoint that is handed over"] == handed


def test_the_folder_is_locked_before_anything_is_looked_at(tmp_path: Path) -> None:
    out, settings = tmp_path / "out", load_recipe(write(tmp_path))
    out.mkdir()
    with (out / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another recipe is running"):
            learn(settings, out)
    with pytest.raises(InputError, match="nothing there"):  # a lock alone is nothing else
        learn(settings, out)


def test_the_pretrained_weights_count_by_their_content(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data")

    def step(weights: str) -> Step:
        network = {"settings": {"network": {"backbone_weights": weights}}}
        return steps_of(load_recipe(write(tmp_path, train=network)), tmp_path / "out")[1]

    with pytest.raises(InputError, match=r"a\.safetensors: expected a file or folder, found noth"):
        step("a.safetensors")
    (tmp_path / "a.safetensors").write_bytes(b"one")
    (tmp_path / "b.safetensors").write_bytes(b"one")
    first = step("a.safetensors")
    assert step("b.safetensors").key == first.key
    assert tmp_path / "a.safetensors" in [found.path for found in first.inputs]
    (tmp_path / "a.safetensors").write_bytes(b"two")
    assert step("a.safetensors").key != first.key


def test_the_order_in_the_settings_file_does_not_matter(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        write_dataset(tmp_path / name)
    for names in ("ab", "ba"):
        datasets = {name: {"path": name} for name in names}
        targets = {f"t{name}": {"path": name, "use": "target"} for name in names}
        settings = load_recipe(write(tmp_path, datasets={**datasets, **targets}))
        recipe = Recipe(settings, tmp_path / "out")
        found.append((recipe.steps()[1].key, recipe._material()))
    assert found[0] == found[1] and found[0][1].data == [tmp_path / "a", tmp_path / "b"]


def test_labels_of_a_bad_drive_are_no_part_of_what_is_learnt(tmp_path: Path) -> None:
    write_dataset(tmp_path / "data")
    (tmp_path / "map").mkdir()
    (tmp_path / "map/lanelet2_map.osm").write_text("<osm/>")
    (tmp_path / "b.mcap").write_bytes(b"bag")
    drives = {"b": {"bag": "b.mcap", "map": "map"}}
    settings, out = load_recipe(write(tmp_path, drives=drives, label={})), tmp_path / "out"
    label, train = steps_of(settings, out)[:2]
    assert train.parts["train data b"] == label.key
    ended = {"key": label.key, "parts": {}, "finished": True, "said": "no camera"}
    write_record(label.folder, {**ended, "left_out": True})
    recipe = Recipe(settings, out)
    label, without = recipe.steps()[:2]
    assert label.left_out and "train data b" not in without.parts and without.key != train.key
    assert recipe._material().data == [tmp_path / "data"]
