"""Settings of the recipe: what does not fit together is a sentence."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import load_settings
from dalearn_ros.recipe.settings import STAGES, HardenStage, stage_of
from dalearn_ros.recipe.stage_settings import SETTINGS, load_recipe
from dalearn_ros.recipe.stages import store_of

DRIVE = {"bag": "a/bag", "map": "a/map"}


def write(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "learn.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_paths_begin_at_the_file(tmp_path: Path) -> None:
    stages = {
        "train": {"config": "train.yaml"},
        "harden": {"settings": {"network": {"backbone_weights": "b.safetensors"}}},
    }
    (tmp_path / "train.yaml").write_text("network: {backbone_weights: weights/a.safetensors}")
    content = {"drives": {"a": DRIVE}, **stages, "start": "/w.safetensors"}
    settings = load_recipe(write(tmp_path, content))
    assert settings.drives["a"].bag == tmp_path / "a/bag"
    assert settings.drives["a"].map == tmp_path / "a/map"
    assert settings.start == Path("/w.safetensors")
    assert settings.train is not None and settings.train.config is None  # it is read
    for name, weights in (("train", "weights/a.safetensors"), ("harden", "b.safetensors")):
        network = stage_of(settings, name).settings["network"]
        assert network["backbone_weights"] == str(tmp_path / weights)
    assert stage_of(settings, "adapt") is None


def test_the_shipped_file_can_be_used() -> None:
    path = Path(__file__).resolve().parents[2] / "config/learn.yaml"
    settings = load_recipe(path)
    assert {drive.use for drive in settings.drives.values()} == {"train", "val", "target", "test"}
    assert settings.start is not None and settings.start.is_file()
    assert set(yaml.safe_load(path.read_text())) == {f.name for f in dataclasses.fields(settings)}
    for name in STAGES:
        stage = stage_of(settings, name)
        assert load_settings(SETTINGS[name], stage.config, stage.settings) is not None
        assert stage.config is None or stage.config.is_file()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"drives": {"a": {**DRIVE, "poes_topic": "/p"}}}, "Did you mean 'drives.a.pose_topic'"),
        ({"drives": {"a": {**DRIVE, "use": "training"}}}, "Did you mean 'train'"),
        ({"drives": {"a": DRIVE}, "hardn": None}, "Did you mean 'harden'"),
        ({"drives": {"a": {"map": "m"}}}, "key 'drives.a.bag'"),
        ({"drives": {"a": {"bag": "b"}}}, "a map, because its use is 'train'"),
        ({"drives": {"a/b": DRIVE}}, "a name of letters"),
        ({"drives": {"a": DRIVE}, "datasets": {"a": {"path": "d"}}}, "once among drives"),
        ({"datasets": {"a": {}}}, "key 'datasets.a.path'"),
        ({}, "with 'use: train', for 'train'"),
        ({"drives": {"a": DRIVE}, "label": None}, "the stage, for drives to learn from"),
        (
            {
                "datasets": {"d": {"path": "d"}},
                "drives": {"a": {**DRIVE, "use": "val"}},
                "label": None,
            },
            "the stage, for drives to learn from",
        ),
        ({"drives": {"a": DRIVE}, "train": None}, "a run folder, because 'train' is left out"),
        ({"drives": {"a": DRIVE}, "adapt": {}}, "'use: target', for 'adapt'"),
        ({"drives": {"a": DRIVE}, "export": {"enabled": False}}, "the stage, for 'evaluate'"),
        (
            {"drives": {"a": {**DRIVE, "use": "test", "readout_ms": 30.0}}},
            "key 'drives.a.readout_ms': expected none, because nothing reads it",
        ),
        (
            {"drives": {"a": {**DRIVE, "use": "test", "pose_topic": "/p"}}},
            "Name its true poses as 'truth_topic'.",
        ),
        ({"drives": {"a": {**DRIVE, "truth_topic": "/p"}}}, "a drive with 'use: train'"),
        ({"drives": {"a": {**DRIVE, "use": "target", "map_frame": "m"}}}, "with 'use: target'"),
        (
            {
                "drives": {
                    "a": DRIVE,
                    "b": {"bag": "b", "use": "target", "camera_topic": "/x"},
                    "c": {"bag": "c", "use": "target"},
                }
            },
            "the same in all drives",
        ),
    ],
)
def test_what_does_not_fit_is_a_sentence(
    tmp_path: Path, content: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError) as error:
        load_recipe(write(tmp_path, content))
    assert said in str(error.value)
    assert "learn.yaml" in str(error.value)


def test_without_colours_harden_gets_no_store_unless_one_is_named() -> None:
    edges = {"conversions": {"use": ["edges"]}}
    assert store_of(HardenStage(settings=edges)) is None
    assert store_of(HardenStage(settings=edges, store=Path("a.sqlite"))) == Path("a.sqlite")
    shipped = store_of(HardenStage())
    assert shipped is not None and shipped.is_file()
