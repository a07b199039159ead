"""What the side-by-side comparison is made on: the world, photographs, and CARLA's towns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.ablation import part
from benchmarks.road_photos import FOLDS, SEED, classes_of, run, write_folds
from dalearn_ros.datasets import Dataset
from dalearn_ros.datasets.copy import write_subset
from dalearn_ros.datasets.split import merge, stratified_folds

TOWNS = {
    "Town01 to Town02": (("Town01",), "Town02"),
    "Town02 to Town01": (("Town02",), "Town01"),
    "Town01+02 to Town03": (("Town01", "Town02"), "Town03"),
}
LIGHTS = "traffic_light=signal,traffic_sign=none,vehicle=none,bike=none,motobike=none"
SEEDS = (1, 2, 3)  # of the world; photos have folds
JUDGED = 126  # whole images of the world


@dataclass(frozen=True)
class Split:
    """Data of one training.

    Attributes:
        task: ``world``, ``road_photos`` or ``carla_towns``.
        name: Which part of it.
        train: To learn from.
        val: To choose rates and thresholds.
        test: To judge.
        crop: Side of a crop, pixels.
        mirror: Share of mirrored crops, for both sides: 0 where it breaks the task (a marking's
            lower right end is not the mirror image of one).
        seed: Of the crops' places, the weights and the order.
    """

    task: str
    name: str
    train: Dataset
    val: Dataset
    test: Dataset
    crop: int
    mirror: float
    seed: int = 1


def world(data: Path, test_data: Path, out: Path, images: int) -> list[Split]:
    """The shares of ``ship_data.py``: train and wide, val, and test with exact labels."""
    train = part(data, ["train", "wide"], out, "train", images)
    val = part(data, ["val"], out, "val", JUDGED)
    test = part(test_data, ["test"], out, "test", JUDGED)
    return [
        Split("world", f"unseen streets, seed {seed}", train, val, test, 384, 0.0, seed)
        for seed in SEEDS
    ]


def road_photos(real: Path, out: Path) -> list[Split]:
    """Five stratified folds; a fifth of each training part is held back."""
    everything = out / "all"
    if not everything.exists():
        source = ("--data", real / "road_photos", "--classes", "road_photos")
        run("import", "voc", *source, "--out", everything)
    write_folds(merge([Dataset.open(everything)]), out)
    splits = []
    for number in range(FOLDS):
        fold = out / f"fold{number}"
        train, val, test = (Dataset.open(fold / name) for name in ("train", "val", "test"))
        splits.append(Split("road_photos", f"fold {number}", train, val, test, 416, 0.5))
    return splits


def carla_towns(real: Path, out: Path) -> list[Split]:
    """Traffic lights only, from town to town; a fifth of the training images is held back."""
    everything = out / "all"
    if not everything.exists():
        source = ("--data", real / "carla_towns", "--classes", LIGHTS)
        run("import", "voc", *source, "--out", everything)
    whole = merge([Dataset.open(everything)])
    town = np.array([str(whole.meta(i)["drive"]) for i in range(len(whole))])
    splits = []
    for name, (sources, target) in TOWNS.items():
        rest = whole.select(np.flatnonzero(np.isin(town, sources)))
        held_back, *others = stratified_folds(classes_of(rest), FOLDS, SEED)
        parts = {
            "train": rest.select(np.sort(np.concatenate(others))),
            "val": rest.select(held_back),
            "test": whole.select(np.flatnonzero(town == target)),
        }
        opened = {}
        for key, subset in parts.items():
            path = out / name.replace(" ", "_") / key
            source_of = {"kind": "towns", "split": name, "part": key}
            opened[key] = (
                Dataset.open(path) if path.is_dir() else write_subset(subset, path, source_of)
            )
        splits.append(
            Split("carla_towns", name, opened["train"], opened["val"], opened["test"], 384, 0.5)
        )
    return splits
