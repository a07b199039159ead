"""Leaves out unwanted images: noisy, blurred, badly exposed, or seen before (U13).

Every image is measured in grey levels and pixels of its own; only the search for repeated images
looks at several, and its result does not depend on their order.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.progress import track
from dalearn_ros.core.settings import field
from dalearn_ros.datasets.bag_images import LeftOut
from dalearn_ros.datasets.image_quality import (
    Image,
    as_grey,
    blur_px,
    bright_share,
    dark_share,
    noise_level,
    thumbnail,
)


@dataclass(frozen=True)
class FilterSettings:
    """Which images are unwanted; null switches a test off."""

    max_noise: float | None = field(
        10.0, "Largest standard deviation of the noise.", unit="grey levels", minimum=0.0
    )
    max_blur_px: float | None = field(
        1.1,
        "Largest blur (sigma) of the sharpest edges, in an image of at most 640 columns.",
        unit="px",
        minimum=0.0,
    )
    max_bright: float | None = field(
        0.3, "Largest share of pixels that are burnt out.", minimum=0.0, maximum=1.0
    )
    max_dark: float | None = field(
        0.85, "Largest share of pixels that are black.", minimum=0.0, maximum=1.0
    )
    min_change: float | None = field(
        0.035,
        "Smallest mean difference to every other image, as a share of the contrast; less is a "
        "vehicle that stands still.",
        minimum=0.0,
    )

    @property
    def on(self) -> bool:
        """Is any test switched on?"""
        return any(limit is not None for limit in dataclasses.astuple(self))


class Images(Protocol):
    """Images to look at, such as an :class:`ImageList`."""

    def __len__(self) -> int: ...
    def image(self, index: int) -> Image:
        """(H, W, 3) uint8 BGR."""

    def name(self, index: int) -> str:
        """What to call it."""

    def digest(self, index: int) -> str:
        """Decides which of several like images stays: the smallest."""


class LabelledImages:
    """The images of a dataset, or of a part of one or several, as :class:`Images`."""

    def __init__(self, data: Any) -> None:
        """Wrap a :class:`Dataset` or a :class:`Subset`."""
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def image(self, index: int) -> Image:
        """As :meth:`Dataset.image`."""
        image: Image = self.data.image(index)
        return image

    def name(self, index: int) -> str:
        """The file's path."""
        return str(self.data.image_path(index))

    def digest(self, index: int) -> str:
        """sha256 of the file's bytes."""
        return sha256_of(self.data.image_path(index))


@dataclass(frozen=True)
class Filtered:
    """What a filter has left.

    Attributes:
        rows: Row numbers of the images that stay, ascending.
        left_out: Reason (``noise``, ``blur``, ``overexposed``, ``underexposed``, ``standing``,
            ``unreadable``) → names of the others.
    """

    rows: npt.NDArray[np.int64]
    left_out: LeftOut


def filter_images(images: Images, settings: FilterSettings, threads: int | None = None) -> Filtered:
    """Look at every image once.

    An image that is left out counts under the first reason that holds, in the order of
    :func:`fault_of`; repeated images are looked for among those that pass.

    Args:
        images: The images; one that cannot be read is left out as ``unreadable``.
        settings: The limits.
        threads: Images looked at together; None: as many as there are cores.
    """

    def look(row: int) -> str | Image:
        try:
            grey = as_grey(images.image(row))
        except DatasetError:
            return "unreadable"
        fault = fault_of(grey, settings)
        return thumbnail(grey) if fault is None else fault

    left_out: LeftOut = {}
    kept: list[int] = []
    thumbnails: list[Image] = []
    with ThreadPool(threads or len(os.sched_getaffinity(0))) as pool:
        found = pool.imap(look, range(len(images)))
        for row, result in enumerate(track(found, len(images), "filter")):
            if isinstance(result, str):
                left_out.setdefault(result, []).append(images.name(row))
            else:
                kept.append(row)
                thumbnails.append(result)
    rows = np.array(kept, dtype=np.int64)
    if settings.min_change is not None and kept:
        keys = [images.digest(row) for row in kept]
        new = distinct(np.stack(thumbnails), keys, settings.min_change)
        if not new.all():
            left_out["standing"] = [images.name(int(row)) for row in rows[~new]]
        rows = rows[new]
    return Filtered(rows, left_out)


def fault_of(grey: Image, settings: FilterSettings) -> str | None:
    """Why one image (H, W) uint8 is unwanted; None: it is not."""
    tests = (
        ("overexposed", settings.max_bright, bright_share),
        ("underexposed", settings.max_dark, dark_share),
        ("noise", settings.max_noise, noise_level),
        ("blur", settings.max_blur_px, blur_px),
    )
    for reason, limit, measure in tests:
        if limit is not None and measure(grey) > limit:
            return reason
    return None


def distinct(thumbnails: Image, keys: Sequence[str], min_change: float) -> npt.NDArray[np.bool_]:
    """Which images differ from all those that stay, whatever their order.

    In the order of the keys, an image stays if its mean difference to each that stays already is
    larger than ``min_change`` times the larger standard deviation of the two.

    Args:
        thumbnails: (N, h, w) uint8; h is a multiple of 4, w of 8.
        keys: (N,) keys, such as digests; equal ones mean equal images.
        min_change: Share of the contrast.

    Returns:
        (N,) True for those that stay.
    """
    count, height, width = thumbnails.shape
    flat = thumbnails.reshape(count, -1).astype(np.int16)
    contrast = flat.std(axis=1) * min_change
    # Blocks differ on average by no more than their pixels: a bound that spares most comparisons.
    blocks = thumbnails.reshape(count, 4, height // 4, 8, width // 8).mean(axis=(2, 4))
    blocks = blocks.reshape(count, -1).astype(np.float32)
    stay = np.zeros(count, dtype=bool)
    kept = np.zeros(count, dtype=np.int64)
    have = np.zeros_like(blocks)
    n = 0
    for row in sorted(range(count), key=lambda row: keys[row]):
        limit = np.maximum(contrast[kept[:n]], contrast[row])
        near = np.flatnonzero(np.abs(have[:n] - blocks[row]).mean(axis=1) <= limit + 1e-3)
        change = np.abs(flat[kept[near]] - flat[row]).mean(axis=1)
        if not (change <= limit[near]).any():
            kept[n], have[n], stay[row] = row, blocks[row], True
            n += 1
    return stay
