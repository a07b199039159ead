"""Hard images as they are found, and the dataset that they are in the end."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.files import atomic_file, plain
from dalearn_ros.datasets.areas import AreaSidecar
from dalearn_ros.datasets.coco import annotation_rows, categories, labels_of
from dalearn_ros.datasets.split import Subset
from dalearn_ros.datasets.store import FORMAT_VERSION, JPEG_QUALITY, Dataset, DatasetWriter
from dalearn_ros.hard_examples.conversion import Sample
from dalearn_ros.hard_examples.sources import Sources
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels

Image = npt.NDArray[np.uint8]
OF_THE_SOURCE = ("width", "height", "stamp_ns", "drive", "tile", "camera", "map_from_camera")


@dataclasses.dataclass(frozen=True)
class HardImage:
    """One of them.

    Attributes:
        name: Its own.
        row: Its source image.
        provenance: Source, areas with their targets, accuracies, model (H6).
        moved: Whether it has labels and an index image of its own; else those of its source (H10).
    """

    name: str
    row: int
    provenance: Mapping[str, Any]
    moved: bool = False


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

    def add(self, one: HardImage, made: Sample | None) -> None:
        """Keep one.

        Args:
            one: What is known about it.
            made: The converted sample; None: its files are there from before.

        Raises:
            ModelError: A file of it is not there.
            InputError: The disk is full.
        """
        if made is not None:
            self._write(one, made)
        moved = [self._labels(one), self.index_path(one)] if one.moved else []
        for path in (self.path(one), *moved):
            if path is not None and not path.is_file():
                raise ModelError(
                    f"{path}: is missing; the run cannot go on. Start it in a new --out."
                )
        self.found.append(one)

    def _write(self, one: HardImage, made: Sample) -> None:
        with atomic_file(self.path(one)) as file:
            cv2.imwrite(str(file), made.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if one.moved:
            rows = annotation_rows(made.labels, 0, 0, np.zeros(len(made.labels), np.bool_))
            with atomic_file(self._labels(one)) as file:
                file.write_text(json.dumps(rows, allow_nan=False), encoding="utf-8")
            if self._index_of_source(one) is not None:
                self._areas.write(self.path(one), made.index)

    def path(self, one: HardImage) -> Path:
        """The image's file."""
        return self.folder / "images" / f"{one.name}.jpg"

    def _labels(self, one: HardImage) -> Path:
        return self.folder / "labels" / f"{one.name}.json"

    @property
    def _areas(self) -> AreaSidecar:
        return AreaSidecar(self.folder, self._sources.names)

    def _index_of_source(self, one: HardImage) -> Path | None:
        dataset, i, _ = self._sources.frames[one.row]
        return self._sources.index_path(dataset, i)

    def labels(self, one: HardImage) -> Labels:
        """Truth of one: that of its source, moved along where the geometry changed (H10)."""
        if not one.moved:
            return self._sources.labels(one.row)
        return labels_of(json.loads(self._labels(one).read_text(encoding="utf-8")))

    def index_path(self, one: HardImage) -> Path | None:
        """Index image of one, moved along as its labels are; None if its source has none."""
        source = self._index_of_source(one)
        return self._areas.file(self.path(one)) if one.moved and source is not None else source

    def dataset(self) -> Dataset:
        """What is there so far, to learn from."""
        images: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        for number, one in enumerate(self.found, start=1):
            meta, labels = self._meta(one), self.labels(one)
            images.append({**meta, "id": number, "file_name": f"images/{one.name}.jpg"})
            rough = np.zeros(len(labels), np.bool_)
            rows += annotation_rows(labels, number, len(rows) + 1, rough)
        info = {"version": FORMAT_VERSION, "label_space": self._space.to_dict(), "source": {}}
        coco = {"images": images, "annotations": rows, "categories": categories(self._space)}
        return Dataset(self.folder, info, coco)

    def write(self, path: Path, source: Mapping[str, Any]) -> Dataset:
        """Write them as an ordinary dataset, in place of one that is there.

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
                    self.path(one), self.labels(one), meta, dataset.approximate(i),
                    self.index_path(one),
                )  # fmt: skip
        return Dataset.open(path)

    def _meta(self, one: HardImage) -> dict[str, Any]:
        """What is known of the source; its map is named, so that a split keeps both together."""
        dataset, i, _ = self._sources.frames[one.row]
        known, place = dataset.meta(i), Subset(self._space, ((dataset, i),)).place(0)
        return {**{key: known[key] for key in OF_THE_SOURCE if key in known}, "map": place}
