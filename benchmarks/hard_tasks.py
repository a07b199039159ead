"""Drives of ``benchmarks/hard_examples.py``: days to learn from, other conditions to judge on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.adaptation_tasks import Pair
from benchmarks.world_drives import TEST_SEEDS, VAL_SEEDS, learnt_from, rendered
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets import Dataset
from dalearn_ros.datasets.store import DatasetWriter
from dalearn_ros.training.transforms import CropSettings, choose_crop, cut

CITY = "north"  # the shipped store has nothing of it
DAYS = f"{CITY}_day"
JUDGED = ("night", "low_sun", "rain", "fog")
TRAIN_SEEDS = tuple(range(9401, 9416))
CROPS = CropSettings(width=448, height=256, around_landmark=1.0, scale_jitter=0.0)
CROPS_PER_IMAGE = 2
KEPT = ("drive", "tile", "stamp_ns", "map")


def start_pair(data: Path) -> Pair:
    """What the start learns from: days of the city, as for ``benchmarks/adaptation.py``."""
    val = rendered(data, "adaptation_val", DAYS, VAL_SEEDS)
    return Pair("north, day", "world", DAYS, learnt_from(data, DAYS), val, (), ())


def tests(data: Path, drives: int) -> dict[str, list[Dataset]]:
    """Condition → drives to judge on; days are among them, for what is forgotten."""
    return {
        condition: rendered(data, "adaptation_test", f"{CITY}_{condition}", TEST_SEEDS[:drives])
        for condition in ("day", *JUDGED)
    }


def oracle(data: Path) -> list[Dataset]:
    """Drives of the judged conditions, to learn from."""
    return [drive for condition in JUDGED for drive in learnt_from(data, f"{CITY}_{condition}")]


def sources(data: Path, out: Path, drives: int) -> Dataset:
    """Native-scale parts of day images with landmarks and index images, written once.

    A whole image of 1280×720 takes eight times as long to convert and to recognise.
    """
    path = out / "data" / f"sources_{drives}"
    if path.is_dir():
        return Dataset.open(path)
    whole = rendered(data, "hard_train", DAYS, TRAIN_SEEDS[:drives])
    with DatasetWriter(path, whole[0].label_space, {"kind": "native-scale parts"}) as writer:
        for dataset in whole:
            for i in range(len(dataset)):
                add_parts(writer, dataset, i)
    return Dataset.open(path)


def add_parts(writer: DatasetWriter, dataset: Dataset, i: int) -> None:
    """Put parts of one image about its landmarks into a dataset."""
    image, labels, meta = dataset.image(i), dataset.labels(i), dataset.meta(i)
    index = dataset.areas.read(dataset.image_path(i), image.shape)
    name = dataset.image_path(i).stem
    size = (CROPS.width, CROPS.height)
    kept: dict[str, Any] = {key: meta[key] for key in KEPT if key in meta}
    for number in range(CROPS_PER_IMAGE):
        random = generator(0, "part", str(dataset.path.name), name, number)
        mapping = choose_crop(labels, (image.shape[1], image.shape[0]), CROPS, random)
        part, moved = cut(image, labels, mapping, CROPS)
        about = {"name": f"{name}_{number}", "width": size[0], "height": size[1]}
        areas = None if index is None else mapping.warp_labels(index, size)
        writer.add(part, moved, {**kept, **about}, areas=areas)
