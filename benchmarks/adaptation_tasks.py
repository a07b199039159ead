"""From where to where the adaptation is measured: cities of the world, CARLA's towns, photographs.

Labels of the target serve the oracle, the few-shot rows and the final score only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.road_photos import SEED, classes_of, run
from benchmarks.side_tasks import LIGHTS, TOWNS
from benchmarks.world_drives import TEST_SEEDS, VAL_SEEDS, learnt_from, rendered
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets import Dataset
from dalearn_ros.datasets.copy import write_subset
from dalearn_ros.datasets.split import Subset, merge, stratified_folds

WORLD = {
    "north to south": ("north_day", "south_day"),
    "north to east": ("north_day", "east_day"),
    "north, day to night": ("north_day", "north_night"),
}
PHOTO_LIGHTS = "trafficlight=signal,speedlimit=none,crosswalk=none,stop=none"
PHOTOS = "CARLA to photos"


@dataclass(frozen=True)
class Pair:
    """One adaptation.

    Attributes:
        name: From where to where.
        group: ``world`` or ``lights``: which recipe.
        start: Name of the source, whose start several pairs may share.
        source: Labelled.
        val: Labelled source images that learning does not see.
        target: What is adapted to, without its labels; with them for the oracle.
        test: Other target images, for the score.
    """

    name: str
    group: str
    start: str
    source: Sequence[Dataset]
    val: Sequence[Dataset]
    target: Sequence[Dataset]
    test: Sequence[Dataset]


def world_pairs(data: Path, wanted: Sequence[str]) -> list[Pair]:
    """Drives of ``ship_data.py``; those to validate and test on are rendered if they are absent.

    Args:
        data: Folder of the drives.
        wanted: Parts of the names of the pairs.
    """
    pairs = []
    for name, (source, target) in WORLD.items():
        if not any(part in name for part in wanted):
            continue
        pairs.append(
            Pair(
                name,
                "world",
                source,
                learnt_from(data, source),
                rendered(data, "adaptation_val", source, VAL_SEEDS),
                learnt_from(data, target),
                rendered(data, "adaptation_test", target, TEST_SEEDS),
            )
        )
    return pairs


def light_pairs(real: Path, out: Path) -> list[Pair]:
    """Traffic lights: CARLA's towns, and from all of them to photographs.

    Half of a target's images are adapted to, the others judge.
    """
    towns = merge([_imported(real / "carla_towns", LIGHTS, out / "towns")])
    photos = merge([_imported(real / "road_photos", PHOTO_LIGHTS, out / "photos")])
    town = np.array([str(towns.meta(i)["drive"]) for i in range(len(towns))])
    sides = {
        name: (towns.select(np.flatnonzero(np.isin(town, sources))), _of(towns, town, target))
        for name, (sources, target) in TOWNS.items()
    }
    sides[PHOTOS] = (towns, photos)
    pairs = []
    for name, (source, target) in sides.items():
        place = out / name.replace(" ", "_")
        val, *train = stratified_folds(classes_of(source), 5, SEED)
        adapt, test = stratified_folds(classes_of(target), 2, SEED)
        parts = {
            "source": source.select(np.sort(np.concatenate(train))),
            "val": source.select(val),
            "target": target.select(adapt),
            "test": target.select(test),
        }
        opened = {key: [_written(subset, place / key)] for key, subset in parts.items()}
        pairs.append(Pair(name, "lights", f"lights {name}", **opened))
    return pairs


def few_shot(pair: Pair, per_class: int, seed: int, path: Path) -> Dataset:
    """Labelled target images: drawn until each class that occurs is in ``per_class`` of them.

    An image counts for each class in it, so that there are fewer images than classes times
    ``per_class``.
    """
    if path.is_dir():
        return Dataset.open(path)
    whole = merge(pair.target)
    classes = classes_of(whole)
    wanted = dict.fromkeys(sorted({c for row in classes for c in row}), per_class)
    chosen = []
    for i in generator(seed, "few shot", pair.name).permutation(len(whole)).tolist():
        if any(wanted[c] > 0 for c in set(classes[i])):
            chosen.append(i)
            for c in set(classes[i]):
                wanted[c] -= 1
    return write_subset(whole.select(np.array(sorted(chosen))), path, {"kind": "few shot"})


def _imported(folder: Path, classes: str, out: Path) -> Dataset:
    if not out.is_dir():
        run("import", "voc", "--data", folder, "--classes", classes, "--out", out)
    return Dataset.open(out)


def _of(towns: Subset, town: np.ndarray, name: str) -> Subset:
    return towns.select(np.flatnonzero(town == name))


def _written(subset: Subset, path: Path) -> Dataset:
    return Dataset.open(path) if path.is_dir() else write_subset(subset, path, {"kind": "part"})
