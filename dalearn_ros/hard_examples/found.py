"""Hard images as they are found, and the dataset that they are in the end."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.files import atomic_file, plain
from dalearn_ros.datasets.coco import annotation_rows, categories
from dalearn_ros.datasets.store import FORMAT_VERSION, JPEG_QUALITY, Dataset, DatasetWriter
from dalearn_ros.hard_examples.sources import Sources
from dalearn_ros.landmarks.catalogue import LabelSpace

Image = npt.NDArray[np.uint8]
OF_THE_SOURCE = (
    *("width", "height", "stamp_ns", "drive", "tile", "camera", "map_from_camera", "map"),
)


@dataclasses.dataclass(frozen=True)
class HardImage:
    """One of them.

    Attributes:
        name: Its own.
        row: Its source image.
        provenance: Source, areas with their targets, accuracies, model (H6).
    """

    name: str
    row: int
    provenance: Mapping[str, Any]


class HardImages:
    """Writes hard images into a folder and shows them as a dataset that grows.

    Attributes:
        found: What is there so far.
    """

    def __init__(self, folder: Path, sources: Sources, label_space: LabelSpace) -> None:
        self.folder, self._sources, self._space = folder, sources, label_space
        self.found: list[HardImage] = []

    def __len__(self) -> int:
        return len(self.found)

    def add(self, one: HardImage, image: Image | None) -> None:
        """Keep one.

        Args:
            one: What is known about it.
            image: (H, W, 3) uint8 BGR; None: its file is there from before.

        Raises:
            ModelError: Its file is not there.
            InputError: The disk is full.
        """
        path = self.path(one)
        if image is not None:
            with atomic_file(path) as file:
                cv2.imwrite(str(file), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        elif not path.is_file():
            raise ModelError(f"{path}: is missing; the run cannot go on. Start it in a new --out.")
        self.found.append(one)

    def path(self, one: HardImage) -> Path:
        """The image's file."""
        return self.folder / "images" / f"{one.name}.jpg"

    def dataset(self) -> Dataset:
        """What is there so far, to learn from."""
        images: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        for number, one in enumerate(self.found, start=1):
            meta, labels = self._meta(one), self._sources.labels(one.row)
            images.append({**meta, "id": number, "file_name": f"images/{one.name}.jpg"})
            rough = np.zeros(len(labels), np.bool_)
            rows += annotation_rows(labels, number, len(rows) + 1, rough)
        info = {"version": FORMAT_VERSION, "label_space": self._space.to_dict(), "source": {}}
        coco = {"images": images, "annotations": rows, "categories": categories(self._space)}
        return Dataset(self.folder, info, coco)

    def write(self, path: Path, source: Mapping[str, Any]) -> Dataset:
        """Write them as an ordinary dataset, in place of one that is there.

        Labels and index images are those of their sources (H10).

        Args:
            path: Its folder.
            source: Where it comes from, for ``dataset.json``.

        Raises:
            InputError: The disk is full.
        """
        shutil.rmtree(path, ignore_errors=True)
        with DatasetWriter(path, self._space, source, self._sources.names) as writer:
            for one in self.found:
                dataset, i, _ = self._sources.frames[one.row]
                meta = {**self._meta(one), "name": one.name, "hard": plain(one.provenance)}
                writer.add(
                    self.path(one), dataset.labels(i), meta, dataset.approximate(i),
                    self._sources.index_path(dataset, i),
                )  # fmt: skip
        return Dataset.open(path)

    def _meta(self, one: HardImage) -> dict[str, Any]:
        dataset, i, _ = self._sources.frames[one.row]
        known = dataset.meta(i)
        return {key: known[key] for key in OF_THE_SOURCE if key in known}
