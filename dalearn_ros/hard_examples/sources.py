"""The labelled images that a search converts, with their index images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.areas import AreaSidecar, common_areas, read_index
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.hard_examples.conversion import Conversion, Prepared, Sample
from dalearn_ros.hard_examples.store import LEAST_PIXELS
from dalearn_ros.landmarks.types import Labels

Image = npt.NDArray[np.uint8]
KEPT_MB = 600  # of prepared originals
BYTES = 16  # of a pixel: image, area and, at most, its colours as 32-bit numbers


def area_names(data: Sequence[Dataset], index: Path | None) -> tuple[str, ...]:
    """Names of the areas of index images.

    Args:
        data: Datasets.
        index: Folder of their index images; None: those beside them.

    Raises:
        DatasetError: There is no such folder, or the datasets name other areas.
    """
    if index is None:
        return tuple(common_areas([dataset.areas for dataset in data]))
    if not index.is_dir():
        raise DatasetError.at(index, "", "a folder of index images", "no such folder")
    return tuple(AreaSidecar(index).names)


class Sources:
    """Images with at least one object that counts; others say nothing of recognition.

    Attributes:
        frames: (dataset, image in it, place among all images of all datasets) of each row.
        areas: Names of the areas of each row that are large enough; empty without index image.
        sizes: (width, height) of each row, px.
        names: Names of all areas.
        left_out: Reason → number of images.
    """

    def __init__(self, data: Sequence[Dataset], index: Path | None = None) -> None:
        """Look at all images, labels and index images.

        Args:
            data: Datasets of one label space.
            index: Folder of index images, PNG files with the images' names; None: those beside
                the datasets, as far as there are some.

        Raises:
            DatasetError: No image is left, or an index image does not fit.
        """
        self._index = index
        self._sidecars = {dataset.path: dataset.areas for dataset in data}
        self.names = area_names(data, index)
        self.frames: list[tuple[Dataset, int, int]] = []
        self.areas: list[tuple[str, ...]] = []
        self.sizes: list[tuple[int, int]] = []
        self.left_out = {"without objects": 0, "unreadable": 0}
        self._kept: OrderedDict[tuple[str, int], Prepared] = OrderedDict()
        everything = [(dataset, i) for dataset in data for i in range(len(dataset))]
        for place, (dataset, i) in enumerate(track(everything, len(everything), "sources")):
            try:
                labels, shape = dataset.labels(i), dataset.image(i).shape
            except DatasetError:
                self.left_out["unreadable"] += 1
                continue
            if labels.ignore.all():
                self.left_out["without objects"] += 1
            else:
                self._add(dataset, i, place, shape)
        if not self.frames:
            found = ", ".join(f"{n} {why}" for why, n in self.left_out.items())
            raise DatasetError.at("--data", "", "images with objects that count", found)

    def __len__(self) -> int:
        return len(self.frames)

    def _add(self, dataset: Dataset, i: int, place: int, shape: tuple[int, ...]) -> None:
        path = self.index_path(dataset, i)
        areas: tuple[str, ...] = ()
        if path is not None:
            found = read_index(path, shape, self.names)
            counts = np.bincount(found.ravel(), minlength=len(self.names))
            areas = tuple(self.names[k] for k in np.flatnonzero(counts >= LEAST_PIXELS))
        self.frames.append((dataset, i, place))
        self.areas.append(areas)
        self.sizes.append((shape[1], shape[0]))

    def index_path(self, dataset: Dataset, i: int) -> Path | None:
        """The index image of an image of a dataset; None if it has none."""
        name = dataset.image_path(i)
        known = self._index / f"{name.stem}.png" if self._index is not None else None
        path = known or self._sidecars[dataset.path].file(name)
        return path if path.is_file() else None

    def labels(self, row: int) -> Labels:
        """Truth of a row."""
        dataset, i, _ = self.frames[row]
        return dataset.labels(i)

    def name(self, row: int) -> str:
        """Name of a row's image, for people and file names."""
        dataset, i, _ = self.frames[row]
        return dataset.image_path(i).stem

    def sample(self, row: int) -> Sample:
        """A row's image, labels and index image, which is all 0 where there is none.

        Raises:
            DatasetError: The image cannot be read, or has another size than its index image.
        """
        dataset, i, _ = self.frames[row]
        image = dataset.image(i)
        path = self.index_path(dataset, i)
        index = np.zeros(image.shape[:2], np.uint8)
        if path is not None:
            index = read_index(path, image.shape, self.names)
        return Sample(image, dataset.labels(i), index, self.names)

    def prepared(self, row: int, conversion: Conversion) -> Prepared:
        """A row ready to be converted; the last ones are kept in memory.

        Raises:
            DatasetError: As :meth:`sample`.
        """
        key = conversion.name, row
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = conversion.prepare(self.sample(row))
        self._kept[key] = made
        each = BYTES * made.sample.index.size
        while len(self._kept) > max(1, KEPT_MB * 1_000_000 // each):
            self._kept.popitem(last=False)
        return made
