"""Train, validation and test sets that share no place and no landmark, written to disk."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dalearn_ros.core.files import atomic_directory, write_json
from dalearn_ros.datasets.copy import write_subset
from dalearn_ros.datasets.split import TILE_M, Subset, split_by_place
from dalearn_ros.landmarks.types import Labels


def landmark_names(subset: Subset, index: int, labels: Labels) -> list[str]:
    """The landmark of each label of an image, told apart between maps; empty if it has none.

    A crosswalk is one landmark for each direction: ``ID:+`` and ``ID:-`` are the same paint.
    """
    place = subset.place(index)
    stems = [str(name).removesuffix(":+").removesuffix(":-") for name in labels.map_id]
    return [f"{place}:{stem}" if stem else "" for stem in stems]


def owners(parts: Mapping[str, Subset]) -> dict[str, str]:
    """Landmark → the one part in which it may be a target: where it is one most often.

    Images near the border of a tile see landmarks of the next one, so a place of its own is not
    enough. With a tie the smaller part gets it.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for part, subset in parts.items():
        for index in range(len(subset)):
            labels = subset.labels(index)
            names = landmark_names(subset, index, labels)
            for name, ignored in zip(names, labels.ignore, strict=True):
                if name and not ignored:
                    counts[name][part] += 1
    sizes = {part: len(subset) for part, subset in parts.items()}
    return {
        name: max((count, -sizes[part], part) for part, count in found.items())[2]
        for name, found in counts.items()
    }


@dataclasses.dataclass(frozen=True)
class OwnedSubset(Subset):
    """A subset in which landmarks that belong to another part are marked `ignore`.

    Attributes:
        part: Its name.
        owner: Landmark → part, of :func:`owners`.
    """

    part: str = ""
    owner: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def labels(self, index: int) -> Labels:
        """As :meth:`Subset.labels`, with the other parts' landmarks ignored."""
        labels = super().labels(index)
        names = landmark_names(self, index, labels)
        foreign = np.array([self.owner.get(n, self.part) != self.part for n in names], dtype=bool)
        return dataclasses.replace(labels, ignore=labels.ignore | foreign)


def split_disjoint(
    subset: Subset, shares: Mapping[str, float], seed: int = 0
) -> dict[str, OwnedSubset]:
    """Split images so that no tile and no landmark that is a target is in two parts.

    Args:
        subset: All images.
        shares: Part → share of the images.
        seed: Seed of the tiles' order.

    Raises:
        DatasetError: Fewer tiles than parts, or a share is not positive.
    """
    rows = split_by_place(subset.tiles, dict(shares), seed)
    chosen = {part: subset.select(found) for part, found in rows.items()}
    owner = owners(chosen)
    return {
        part: OwnedSubset(found.label_space, found.items, part, owner)
        for part, found in chosen.items()
    }


def write_splits(
    subset: Subset, out: Path, shares: Mapping[str, float], seed: int = 0
) -> dict[str, Any]:
    """Write ``OUT/PART`` datasets and ``OUT/split.json``: all of them or nothing.

    Args:
        subset: All images.
        out: The new folder.
        shares: Part → share of the images, such as ``{"train": 0.7, "val": 0.15, "test": 0.15}``.
        seed: Seed of the tiles' order.

    Returns:
        The content of ``split.json``: for each part its images, targets, landmarks, tiles, and how
        many targets became `ignore` because their landmark belongs to another part.

    Raises:
        DatasetError: Too few tiles, or an image is missing.
        InputError: ``out`` exists, or the disk is full.
    """
    parts = split_disjoint(subset, shares, seed)
    told: dict[str, Any] = {"seed": seed, "shares": dict(shares), "tile_m": TILE_M, "parts": {}}
    datasets = sorted({str(dataset.path.resolve()) for dataset, _ in subset.items})
    with atomic_directory(out) as folder:
        for part, found in parts.items():
            source = {"kind": "split by place", "part": part, "seed": seed, "datasets": datasets}
            write_subset(found, folder / part, source)
            told["parts"][part] = _told(found)
        write_json(folder / "split.json", told)
    return told


def _told(part: OwnedSubset) -> dict[str, Any]:
    before = targets = 0
    landmarks: set[str] = set()
    for index in range(len(part)):
        labels = part.labels(index)
        before += int((~Subset.labels(part, index).ignore).sum())
        targets += int((~labels.ignore).sum())
        names = landmark_names(part, index, labels)
        landmarks |= {n for n, ignored in zip(names, labels.ignore, strict=True) if not ignored}
    return {
        "images": len(part),
        "targets": targets,
        "targets_ignored": before - targets,
        "landmarks": len(landmarks - {""}),
        "tiles": sorted(set(part.tiles)),
    }
