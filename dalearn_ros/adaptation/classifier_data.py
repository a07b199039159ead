"""What a classifier is adapted with: folders of source, target, few labelled and test images."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch.nn import functional

from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings
from dalearn_ros.adaptation.oversampling import OversamplingSettings, even_repeats
from dalearn_ros.adaptation.source_images import check_kept
from dalearn_ros.classification.folders import (
    ImageSet,
    check_classes,
    class_names,
    read_flat,
    read_labelled,
)
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.bag_images import LeftOut
from dalearn_ros.datasets.image_list import left_out_lines

_HANDFUL = 10  # images of a class below which nothing much can be learnt of the target


@dataclass(frozen=True)
class Folders:
    """What is read.

    Attributes:
        source: Labelled images, a folder a class.
        target: Images; the names of its folders are not looked at.
        few_shot: A few labelled target images, or None.
        evaluate: Labelled target images for the score alone, opened after the training; or None.
    """

    source: Path
    target: Path
    few_shot: Path | None = None
    evaluate: Path | None = None


@dataclass(frozen=True)
class Data:
    """What is learnt from."""

    classes: tuple[str, ...]
    source: ImageSet
    target: ImageSet
    few_shot: ImageSet | None

    @property
    def channels(self) -> int:
        """1 or 3, of all images."""
        return int(self.source.images.shape[1])

    @property
    def left_out(self) -> LeftOut:
        """Reason → files that the filter has left out of any of them."""
        joined: LeftOut = {}
        for data in self.sets:
            for reason, files in data.left_out.items():
                joined.setdefault(reason, []).extend(files)
        return joined

    @property
    def sets(self) -> list[ImageSet]:
        """All that there are."""
        return [data for data in (self.source, self.target, self.few_shot) if data is not None]


def read_data(folders: Folders, settings: AdaptClassifierSettings) -> Data:
    """Read all that is learnt from; of ``folders.evaluate`` only the folders' names.

    Raises:
        DatasetError: No images, classes that do not fit, or a target that is the source.
    """
    classes = class_names(folders.source)
    if len(classes) < 2:
        raise DatasetError.at(folders.source, "", "at least two classes", f"only {classes[0]}")
    for path in (folders.few_shot, folders.evaluate):
        if path is not None:
            check_classes(path, class_names(path), classes, folders.source)
    size, channels = settings.input.size, settings.input.channels
    source = read_labelled(folders.source, classes, size, channels)
    source = _wanted(source, folders.source, settings)
    empty = [n for i, n in enumerate(classes) if not bool((source.labels == i).any())]
    if empty:
        found = "no readable one" + "".join(f"; {line}" for line in left_out_lines(source.left_out))
        raise DatasetError.at(folders.source, empty[0], "images of this class", found)
    target = _wanted(read_flat(folders.target, size, channels), folders.target, settings)
    if set(source.digests) == set(target.digests):
        raise DatasetError(
            f"{folders.target}: holds the same images as {folders.source}; there is nothing to "
            "adapt to."
        )
    few_shot = None
    if folders.few_shot is not None:
        few_shot = read_labelled(folders.few_shot, classes, size, channels)
        few_shot = _wanted(few_shot, folders.few_shot, settings)
    sets = [data for data in (source, target, few_shot) if data is not None]
    wanted = max(int(data.images.shape[1]) for data in sets)
    if len(target) < _HANDFUL * len(classes):
        logging.getLogger(__name__).warning(
            "%s: only %d images for %d classes; do not expect much.",
            folders.target, len(target), len(classes),
        )  # fmt: skip
    return Data(
        classes,
        source.with_channels(wanted),
        target.with_channels(wanted),
        None if few_shot is None else few_shot.with_channels(wanted),
    )


def _wanted(images: ImageSet, path: Path, settings: AdaptClassifierSettings) -> ImageSet:
    """What the filter keeps; what it leaves out is said."""
    if not settings.filter.on:
        return images
    kept = images.filtered(settings.filter)
    check_kept(path, len(kept), kept.left_out)
    if kept.left_out:
        lines = "; ".join(left_out_lines(kept.left_out))
        logging.getLogger(__name__).warning("%s: the filter leaves out %s.", path, lines)
    return kept


def class_repeats(images: ImageSet, settings: OversamplingSettings) -> npt.NDArray[np.int64]:
    """(n,) how often each labelled image comes in a round, so that rare classes come as often."""
    counts = functional.one_hot(images.labels).numpy().astype(np.int64)
    return even_repeats(counts, settings.largest)
