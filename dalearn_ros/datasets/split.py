"""Splits by place, folds by content, and several datasets as one."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Distances, Labels

TILE_M = 200.0
Rows = npt.NDArray[np.int64]


def tile_of(position_m: npt.ArrayLike) -> str:
    """Name of the 200 m map tile of a position (2 or 3 values, metres), such as ``3_-1``."""
    x, y = np.asarray(position_m, dtype=np.float64).ravel()[:2]
    return f"{math.floor(x / TILE_M)}_{math.floor(y / TILE_M)}"


def split_by_place(
    tiles: Sequence[str], shares: dict[str, float], seed: int = 0
) -> dict[str, Rows]:
    """Split frames so that no map tile is in two parts.

    Args:
        tiles: Tile of each frame (``meta(i)["tile"]``, with the map's name where maps differ).
        shares: Part → share of the frames, such as ``{"train": 0.8, "val": 0.1, "test": 0.1}``.
        seed: Seed of the shuffle.

    Returns:
        Part → row numbers, ascending. The tiles with most frames first, equal ones in random
        order, each goes to the part that lacks most.

    Raises:
        DatasetError: There are fewer tiles than parts, or the shares are not positive.
    """
    counts = Counter(tiles)
    if any(share <= 0.0 for share in shares.values()):
        raise DatasetError(f"A split needs shares above 0, found {shares}.")
    if len(counts) < len(shares):
        found = f"{len(counts)} map tile{'s' if len(counts) != 1 else ''} of {TILE_M:.0f} m"
        raise DatasetError.at("split", "", f"a tile or more for each of {list(shares)}", found)
    names = sorted(counts)
    order = generator(seed, "split").permutation(len(names))
    order = order[np.argsort([-counts[names[i]] for i in order], kind="stable")]
    total, wanted = sum(counts.values()), sum(shares.values())
    have: dict[str, int] = dict.fromkeys(shares, 0)
    part_of: dict[str, str] = {}
    for position, number in enumerate(order):
        empty = [part for part in shares if not have[part]]
        left = len(names) - position
        candidates = empty if len(empty) >= left else list(shares)
        lack = {p: shares[p] / wanted - have[p] / total for p in candidates}
        part = max(candidates, key=lambda p: lack[p])
        part_of[names[number]] = part
        have[part] += counts[names[number]]
    parts = np.array([part_of[tile] for tile in tiles])
    return {part: np.flatnonzero(parts == part) for part in shares}


def stratified_folds(classes: Sequence[Sequence[int]], folds: int, seed: int = 0) -> list[Rows]:
    """Split images into folds with about the same number of each class.

    Rarest class first, each image goes to the fold that has fewest of that class (Sechidis 2011,
    iterative stratification).

    Args:
        classes: Class ids in each image.
        folds: How many.
        seed: Seed of the order.

    Returns:
        Row numbers of each fold, ascending; every image is in exactly one.

    Raises:
        DatasetError: Fewer images than folds.
    """
    if len(classes) < folds or folds < 2:
        raise DatasetError.at("folds", "", f"2 or more folds of {len(classes)} images", f"{folds}")
    support = Counter(c for ids in classes for c in ids)
    have = [Counter[int]() for _ in range(folds)]
    members: list[list[int]] = [[] for _ in range(folds)]
    order = generator(seed, "folds").permutation(len(classes))
    rarest = {int(i): min(classes[i], key=lambda c: support[c], default=-1) for i in order}
    for i in sorted(rarest, key=lambda i: (rarest[i] < 0, support[rarest[i]])):
        key = rarest[i]
        fold = min(range(folds), key=lambda f: (have[f][key], len(members[f])))
        members[fold].append(i)
        have[fold].update(classes[i] or [-1])
    return [np.array(sorted(fold), dtype=np.int64) for fold in members]


@dataclass(frozen=True)
class Subset:
    """Some images of one or several datasets, read as one.

    Attributes:
        label_space: The classes, the same in all.
        items: (dataset, row in it) of each image.
    """

    label_space: LabelSpace
    items: tuple[tuple[Dataset, int], ...]

    def __len__(self) -> int:
        return len(self.items)

    def labels(self, index: int) -> Labels:
        """As :meth:`Dataset.labels`."""
        dataset, row = self.items[index]
        return dataset.labels(row)

    def approximate(self, index: int) -> npt.NDArray[np.bool_]:
        """As :meth:`Dataset.approximate`."""
        dataset, row = self.items[index]
        return dataset.approximate(row)

    def distances(self, index: int) -> Distances | None:
        """As :meth:`Dataset.distances`."""
        dataset, row = self.items[index]
        return dataset.distances(row)

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """As :meth:`Dataset.image`."""
        dataset, row = self.items[index]
        return dataset.image(row)

    def image_path(self, index: int) -> Path:
        """As :meth:`Dataset.image_path`."""
        dataset, row = self.items[index]
        return dataset.image_path(row)

    def meta(self, index: int) -> dict[str, Any]:
        """As :meth:`Dataset.meta`."""
        dataset, row = self.items[index]
        return dataset.meta(row)

    def select(self, rows: npt.ArrayLike) -> Subset:
        """The images of the given row numbers, in that order; otherwise as this one."""
        items = tuple(self.items[int(i)] for i in np.asarray(rows))
        return replace(self, items=items)

    def place(self, index: int) -> str:
        """The map of an image, which tells tiles and ids apart.

        By its content, the same in whatever folder it lay; of datasets that do not state that, by
        its path; the dataset itself where no map is known.
        """
        dataset, _ = self.items[index]
        source = dataset.source
        known = (self.meta(index).get("map"), source.get("map_sha256"), source.get("map"))
        return str(next((name for name in known if name), dataset.path))

    @property
    def tiles(self) -> list[str]:
        """Map and tile of each image, for :func:`split_by_place`."""
        return [f"{self.place(i)}:{self.meta(i).get('tile', 'none')}" for i in range(len(self))]


def merge(datasets: Sequence[Dataset]) -> Subset:
    """Several datasets as one.

    Raises:
        DatasetError: None given, or they have different classes.
    """
    if not datasets:
        raise DatasetError("No dataset was given.")
    first = datasets[0]
    by_digest: dict[str, list[str]] = defaultdict(list)
    for dataset in datasets:
        by_digest[dataset.label_space.digest].append(str(dataset.path))
    if len(by_digest) > 1:
        other = next(p for d, ps in by_digest.items() if d != first.label_space.digest for p in ps)
        expected = f"the classes of {first.path}"
        raise DatasetError.at(other, "label_space", expected, "other classes")
    items = tuple((dataset, row) for dataset in datasets for row in range(len(dataset)))
    return Subset(first.label_space, items)
