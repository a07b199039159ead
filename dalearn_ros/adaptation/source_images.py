"""Which labelled images are drawn, and how often: filter and oversampling together (U12, U13, U22).

A copy of an image differs by its crop only, so that the filter judges it as it does the image:
unwanted images go first, and those that stay are made even.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.adaptation.oversampling import (
    Counts,
    even_repeats,
    repeats_to_total,
    vanished_classes,
)
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.bag_images import LeftOut
from dalearn_ros.datasets.image_filter import FilterSettings, LabelledImages, filter_images
from dalearn_ros.datasets.image_list import left_out_lines
from dalearn_ros.datasets.split import Subset, merge
from dalearn_ros.datasets.store import Dataset


@dataclass(frozen=True)
class Draws:
    """How often the images of some datasets are drawn in a round.

    Attributes:
        repeats: (n,) for the images of all datasets, one dataset after the other; 0: left out.
        left_out: Reason → names of those that are left out.
        notes: Sentences to warn with: classes that the filter has left without an image.
    """

    repeats: npt.NDArray[np.int64]
    left_out: LeftOut
    notes: tuple[str, ...]


def draws_of(
    data: Sequence[Dataset],
    filtering: FilterSettings | None,
    largest: int,
    total: int | None = None,
) -> Draws:
    """Filter labelled images and make their classes even.

    Args:
        data: Datasets of one label space.
        filtering: The filter; None: every image stays.
        largest: Largest number of repeats that evenness asks for; 1: no copies.
        total: For the few labelled target images: how many repeats there are to be in all.

    Raises:
        DatasetError: No image is left, or the datasets have different classes.
    """
    images = merge(data)
    counts = class_counts(images)
    rows, left_out = np.arange(len(images)), LeftOut()
    if filtering is not None:
        found = filter_images(LabelledImages(images), filtering)
        rows, left_out = found.rows, found.left_out
    check_kept(", ".join(str(dataset.path) for dataset in data), len(rows), left_out)
    kept = counts[rows]
    few = even_repeats(kept, largest) if total is None else repeats_to_total(kept, total, largest)
    repeats = np.zeros(len(images), dtype=np.int64)
    repeats[rows] = few
    gone = [images.label_space.names[c] for c in vanished_classes(counts, kept)]
    reasons = "; ".join(left_out_lines(left_out, 1))
    note = f"The filter has left no image with {', '.join(gone)}: {reasons}."
    return Draws(repeats, left_out, (note,) if gone else ())


def check_kept(place: Path | str, kept: int, left_out: LeftOut) -> None:
    """Raise DatasetError if a filter has kept no image of a place; it says what it left out."""
    if not kept:
        text = "; ".join(left_out_lines(left_out)) or "none"
        hint = "Loosen the filter, or switch off the test that is named most."
        raise DatasetError.at(place, "", "images that the filter keeps", text, hint)


def class_counts(images: Subset) -> Counts:
    """(n, C) how many landmarks of each class of the label space each image shows.

    Ignored ones do not count, nor those of an image whose labels cannot be read: training leaves
    it out.
    """
    classes = len(images.label_space)
    counts = np.zeros((len(images), classes), dtype=np.int64)
    for row in range(len(images)):
        try:
            labels = images.labels(row)
        except DatasetError:
            continue
        counts[row] = np.bincount(labels.class_id[~labels.ignore], minlength=classes)
    return counts
