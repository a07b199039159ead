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
from dalearn_ros.recipe.plan import NEW
from dalearn_ros.recipe.records import write_latest, write_record
from dalearn_ros.recipe.run import LOCK, learn
from dalearn_ros.recipe.settings import load_recipe


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
