"""A tiny drive, its map, a new city and a store, and settings that take them through all stages."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.statistics import measure
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.labels.area_settings import AREAS
from helpers.tiny_adaptation import ADAPT, picture, write_city
from helpers.tiny_depth import TINY as TINY_DEPTH
from helpers.tiny_depth import merged
from helpers.tiny_training import TINY

ROOT = Path(__file__).resolve().parents[2]
LOOP = {"steps": 2, "warmup_steps": 1, "log_every": 1, "checkpoint_every": 1, "validate_every": 0}
SMALL = {"crops": TINY["crops"], "batch": {**TINY["batch"], "cache_mb": 1}, "loop": LOOP,
         "validation": {"images": 2}}  # fmt: skip
HELPS_NOT = {"choice": {"margin": 1.0}}  # no adaptation is that much better
ONE = {"loop": {"steps": 1}}
POSES = "/ground_truth/pose"
RECIPE: dict[str, Any] = {
    "seed": 1,
    "drives": {
        "north": {"bag": "north/bag", "map": "north/map", "pose_topic": POSES},
        "south": {"bag": "north/bag", "map": "north/map", "use": "test"},
        "blind": {"bag": "blind", "map": "north/map", "pose_topic": POSES},
    },
    "datasets": {"new": {"path": "new", "use": "target"}},
    "label": {"areas": False},
    "train": {"settings": {**SMALL, "network": TINY["network"]}},
    "harden": {
        "store": "store.sqlite",
        "settings": {
            **SMALL,
            "search": {"threshold": 1.0, "failing_originals": "use", "outputs": 1, "tries": 4},
        },
    },
    "adapt": {"settings": merged(ADAPT, {"loop": {"steps": 2, "validate_every": 1}, **HELPS_NOT})},
    "distill": {"settings": merged(TINY_DEPTH, {**ONE, "local": ONE})},
    "retrain": {"settings": SMALL},
    "evaluate": {"threads": 1, "against": "north/tiny.onnx"},
}  # fmt: skip


def write_drive(folder: Path, frames: int) -> Any:
    """Bag, map and a hand-made model of the evaluation's tests."""
    file = ROOT / "test/evaluation/conftest.py"
    spec = importlib.util.spec_from_file_location("evaluation_drive", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["evaluation_drive"] = module
    spec.loader.exec_module(module)
    return module.write_drive(folder, frames)


def write_material(folder: Path) -> None:
    """All inputs of :data:`RECIPE`."""
    write_drive(folder / "north", 3)
    with BagWriter(folder / "blind") as bag:  # it cannot be used
        bag.pose(POSES, Pose(0, Transform.identity()))
    write_city(folder / "new", range(10, 13), light=60)
    index = np.zeros((96, 128), np.uint8)
    index[60:] = AREAS.index("road")
    with ParameterStore.create(folder / "store.sqlite") as store:
        for seed in range(2):
            image = picture(seed, 50 if seed else 180)[0]
            condition = Condition("night" if seed else "day", "sunny")
            found = measure(store.space.from_bgr(image), index, AREAS)
            store.add_target(f"t{seed}", f"t{seed}", condition, found, thumbnail=image[::2, ::2])


def write_recipe(path: Path, changes: dict[str, Any] | None = None) -> Path:
    """The settings with changes, key by key, as a YAML file."""
    path.write_text(yaml.safe_dump(merged(RECIPE, changes or {})), encoding="utf-8")
    return path
