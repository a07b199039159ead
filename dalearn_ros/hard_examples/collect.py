"""Pictures of one condition into a parameter store."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.files import atomic_file
from dalearn_ros.hard_examples.light_table import Condition, LightTable
from dalearn_ros.hard_examples.pictures import Picture
from dalearn_ros.hard_examples.statistics import measure
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_fill import complete_target
from dalearn_ros.hard_examples.store_schema import StoreError

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Kept:
    """How much of each target is kept beside its numbers.

    Attributes:
        index_px: Longer side of the index image in the store, px; 0: none.
        thumbnail_px: Longer side of the picture, px; 0: none.
    """

    index_px: int = 320
    thumbnail_px: int = 160


@contextlib.contextmanager
def open_or_create(
    path: Path, space: str, table: LightTable | None = None
) -> Iterator[ParameterStore]:
    """A store to add to: a copy of the file that is there, which takes its place in the end.

    Args:
        path: The store; it may exist.
        space: Colour space of a new one.
        table: Light change table of a new one; None: the default.

    Raises:
        StoreError: It is no store, or has another colour space or another table than the given.
    """
    with atomic_file(path) as temporary:
        if path.exists():
            ParameterStore.open(path).close()
            shutil.copyfile(path, temporary)
            store = ParameterStore.open(temporary, write=True)
        else:
            store = ParameterStore.create(temporary, space, table=table)
        with store:
            if store.space.name != space:
                raise StoreError.at(path, "", f"colour space {space}", store.space.name)
            if table is not None and store.table != table:
                hint = "Collect into a new file."
                raise StoreError.at(path, "", "the given light change table", "another", hint)
            yield store


def collect(
    store: ParameterStore,
    pictures: Iterable[Picture],
    condition: Condition,
    source: str,
    kept: Kept = Kept(),
) -> Counter[str]:
    """Measure pictures and put them into a store.

    Args:
        store: Opened to write.
        pictures: Images, all of one condition.
        condition: When and in what weather they were taken.
        source: Where they come from.
        kept: What is kept of each picture.

    Returns:
        ``targets``, ``whole_only`` (those without an index image), ``twice``: those that were there
        already, and ``completed``: those of them that had lacked areas.
    """
    counts: Counter[str] = Counter()
    for picture in pictures:
        height, width = picture.image.shape[:2]
        known = picture.index is not None
        index = np.zeros((height, width), np.uint8) if picture.index is None else picture.index
        statistics = measure(store.space.from_bgr(picture.image), index, picture.areas)
        if not known:
            counts["whole_only"] += 1
            statistics = statistics.of_the_whole()
        digest = hashlib.sha256(picture.image.tobytes()).hexdigest()
        small = smaller_index(index, kept.index_px) if known and kept.index_px else None
        added = store.add_target(
            picture.name, digest, condition, statistics, source, (width, height), small,
            smaller(picture.image, kept.thumbnail_px) if kept.thumbnail_px else None,
        )  # fmt: skip
        counts["twice" if added is None else "targets"] += 1
        if added is None and complete_target(store, digest, condition, statistics, small):
            counts["completed"] += 1
    return counts


def smaller(image: Image, side_px: int) -> Image:
    """An image whose longer side is at most ``side_px``; averaged over areas."""
    scale = side_px / max(image.shape[:2])
    if scale >= 1.0:
        return image
    size = _size(image, scale)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def smaller_index(index: Image, side_px: int) -> Image:
    """An index image whose longer side is at most ``side_px``."""
    scale = side_px / max(index.shape[:2])
    if scale >= 1.0:
        return index
    width, height = _size(index, scale)
    mapping = PixelMap.resize(width / index.shape[1], height / index.shape[0])
    return mapping.warp_labels(index, (width, height))


def _size(image: Image, scale: float) -> tuple[int, int]:
    return max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
