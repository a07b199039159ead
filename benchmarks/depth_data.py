"""Drives with depth for ``benchmarks/depth.py``: two cities, other focal lengths, no blur, a crop.

Seeds are of the ranges of ``world.lock`` and differ between shares, so that no street is seen
twice; ``map`` shows those of ``train`` as a drive without sensors has them: neither depth image nor
LiDAR, and the rough pose that vehicles have. Only ``longer`` and ``shorter`` show
the streets of ``test`` again, through other lenses, and ``sharp_test`` without blur. The bag of a
drive is removed once it is labelled. A drive that is there already is kept.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.files import atomic_directory
from dalearn_ros.datasets.from_bag import Extras, label_bag
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.world.drive import write_messages
from dalearn_ros.world.mapping import write_map
from dalearn_ros.world.plan import make_plan
from dalearn_ros.world.studio import Studio
from dalearn_ros.world.style import city_named

EVERY = 10  # of the camera's 10 Hz: a picture a second
POSE_TOPIC = "/ground_truth/pose"
NO_BLUR = 1000.0  # f-number of a lens whose depth of field has no end
CROP = (260, 140, 896, 480)  # left, top, width, height
CROPPED = "crop"
PRIOR_TOPIC = "/localization/prior"
TEST_SEEDS = (95301, 95302, 95303)


class Share(NamedTuple):
    """Drives of one kind: city, seeds, frames each, the lens, the map, and what measures."""

    city: str
    seeds: tuple[int, ...]
    frames: int
    focal: float = 1.0
    f_number: float | None = None
    exact: bool = False
    sensors: bool = True


TRAIN_SEEDS = (15101, 15102, 15103, 15104, 15105, 15106)
SHARES = {
    "train": Share("north", TRAIN_SEEDS, 30),
    "test": Share("north", TEST_SEEDS, 15, exact=True),
    "map": Share("north", TRAIN_SEEDS, 30, sensors=False),
    "target": Share("east", (15401, 15402, 15403, 15404), 30),
    "target_test": Share("east", (95501, 95502, 95503), 15, exact=True),
    "longer": Share("north", TEST_SEEDS, 15, focal=1.4, exact=True),
    "shorter": Share("north", TEST_SEEDS, 15, focal=0.8, exact=True),
    "sharp": Share("north", TRAIN_SEEDS, 30, f_number=NO_BLUR),
    "sharp_test": Share("north", TEST_SEEDS, 15, f_number=NO_BLUR, exact=True),
}


def share_of(name: str, out: Path, frames: int | None = None) -> list[Dataset]:
    """The datasets of a share, rendered and labelled where they are absent.

    Args:
        name: One of :data:`SHARES`, or ``crop``: the middle of the images of ``test``.
        out: Folder of all shares.
        frames: Pictures of each drive, for a quick look; None: as the share says.
    """
    if name == CROPPED:
        return [_cropped(data, out / name) for data in share_of("test", out, frames)]
    share = SHARES[name]
    found = []
    for seed in share.seeds if frames is None else share.seeds[:1]:
        dataset = out / name / f"{share.city}_{seed}"
        if not (dataset / "dataset.json").is_file():
            print(f"drive {dataset}", flush=True)
            raw = out / "raw" / f"{name}_{seed}"
            shutil.rmtree(raw, ignore_errors=True)
            render(share, seed, frames or share.frames, raw)
            drawn = raw / ("exact_map" if share.exact else "map")
            pose, kept = (POSE_TOPIC, "all") if share.sensors else (PRIOR_TOPIC, "map")
            label_bag(raw / "bag", drawn, dataset, pose, extras=Extras(distances=kept))
            shutil.rmtree(raw)
        found.append(Dataset.open(dataset))
    return found


def render(share: Share, seed: int, frames: int, out: Path) -> None:
    """Write bag, map and exact map of a drive; the lens may differ from the city's."""
    style = city_named(share.city)
    f_number = style.f_number if share.f_number is None else share.f_number
    style = dataclasses.replace(style, focal_px=style.focal_px * share.focal, f_number=f_number)
    with atomic_directory(out) as folder:
        plan = make_plan(style, (frames - 1) * EVERY + 1, seed)
        studio = Studio(style, "day", seed, plan)
        try:
            write_map(studio.scene, plan, seed, folder / "map")
            write_map(studio.scene, plan, seed, folder / "exact_map", exact=True)
            with BagWriter(folder / "bag") as bag:
                write_messages(bag, studio, plan, frames, seed, share.sensors, EVERY)
        finally:
            studio.close()


def _cropped(data: Dataset, folder: Path) -> Dataset:
    """The middle of all images, as another camera would see it; labels are left out."""
    out = folder / data.path.name
    if (out / "dataset.json").is_file():
        return Dataset.open(out)
    left, top, width, height = CROP
    with DatasetWriter(out, data.label_space, {"kind": "crop", "of": str(data.path)}) as writer:
        for index in range(len(data)):
            image = data.image(index)[top : top + height, left : left + width]
            known = data.distances(index)
            assert known is not None
            at = known.pixels - np.array([left, top])
            inside = ((at >= -0.5) & (at <= np.array([width, height]) - 0.5)).all(axis=1)
            moved = dataclasses.replace(known, pixels=at).select(inside)
            meta = {**data.meta(index), "width": width, "height": height}
            meta["camera"] = _moved(meta["camera"], left, top)
            for key in ("id", "distances"):
                meta.pop(key)
            meta["name"] = Path(meta.pop("file_name")).stem
            writer.add(np.ascontiguousarray(image), Labels.empty(), meta, distances=moved)
    return Dataset.open(out)


def _moved(camera: dict[str, Any], left: int, top: int) -> dict[str, Any]:
    matrix = np.array(camera["matrix"], float)
    matrix[:2, 2] -= [left, top]
    return {**camera, "matrix": matrix}
