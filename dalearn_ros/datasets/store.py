"""A labelled set of images on disk: ``dataset.json``, ``annotations.json``, ``images/``."""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.images import ImageFault, decode_compressed
from dalearn_ros.core.errors import DatasetError, SettingsError
from dalearn_ros.core.files import atomic_directory, atomic_file, plain, write_json
from dalearn_ros.datasets.areas import AreaSidecar, link_or_copy
from dalearn_ros.datasets.coco import annotation_rows, categories, known_labels
from dalearn_ros.datasets.distances import DISTANCES, read_distances, write_distances
from dalearn_ros.labels.area_settings import AREAS
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Distances, Labels

Image = npt.NDArray[np.uint8]
FORMAT_VERSION = 1
JPEG_QUALITY = 95
SHARDS_INDEX = "shards.json"  # of the other form of a dataset, see datasets.shards


class DatasetWriter:
    """Writes a new dataset; the folder appears when the block ends without an error.

    Args:
        path: The dataset's folder; it must not exist or be empty.
        label_space: The classes.
        source: Where the labels come from: command, bag, map, settings.
        areas: Names of the areas, if index images are added too.

    Raises:
        InputError: ``path`` holds files already, or the disk is full.
    """

    def __init__(
        self,
        path: Path | str,
        label_space: LabelSpace,
        source: Mapping[str, Any],
        areas: Sequence[str] = AREAS,
    ) -> None:
        self.path = Path(path)
        self.label_space = label_space
        self.source = dict(source)
        self.areas = tuple(areas)
        self._images: list[dict[str, Any]] = []
        self._names: set[str] = set()
        self._annotations: list[dict[str, Any]] = []
        self._stack = contextlib.ExitStack()
        self.folder = self.path

    def __enter__(self) -> DatasetWriter:
        self.folder = self._stack.enter_context(atomic_directory(self.path))
        (self.folder / "images").mkdir()
        return self

    def __len__(self) -> int:
        return len(self._images)

    def add(
        self,
        image: Image | bytes | Path,
        labels: Labels,
        meta: Mapping[str, Any],
        approximate: npt.NDArray[np.bool_] | None = None,
        areas: Image | Path | None = None,
        distances: Distances | None = None,
    ) -> None:
        """Add one labelled image.

        Args:
            image: (H, W, 3) uint8 BGR, stored as JPEG, or the bytes of a JPEG or PNG file, stored
                as they are, or such a file, of which a hard link is made where the disk allows it
                (two datasets then share one copy) and else a copy.
            labels: What is in it; NaN is stored as null.
            meta: ``name`` (unique, fit for a file name), ``width``, ``height``, and what else is
                known: ``stamp_ns``, ``drive``, ``tile``, ``camera``, ``map_from_camera``.
            approximate: (N,) points that must not be scored in pixels; None: none.
            areas: (H, W) uint8 index image, its PNG file, or None: it has none.
            distances: Where the distance is known, kept beside the image; None: nowhere.

        Raises:
            DatasetError: There is an image of that name already.
        """
        number = len(self._images) + 1
        encoded, suffix = (b"", image.suffix) if isinstance(image, Path) else _encode(image)
        name = f"images/{meta['name']}{suffix}"
        if name in self._names:
            expected = "images with names of their own"
            raise DatasetError.at(self.path, "", expected, f"{name} twice")
        self._names.add(name)
        if isinstance(image, Path):
            link_or_copy(image, self.folder / name)
        else:
            (self.folder / name).write_bytes(encoded)
        if areas is not None:
            AreaSidecar(self.folder, self.areas).write(name, areas)
        extra = {key: value for key, value in meta.items() if key != "name"}
        if distances is not None:
            extra[DISTANCES] = f"{DISTANCES}/{meta['name']}.npz"
            write_distances(self.folder / extra[DISTANCES], distances)
        self._images.append({"id": number, "file_name": name, **plain(extra)})
        flags = np.zeros(len(labels), dtype=bool) if approximate is None else approximate
        self._annotations += annotation_rows(labels, number, len(self._annotations) + 1, flags)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack.pop_all():
            self._finish()

    def _finish(self) -> None:
        coco = {
            "info": {"description": "landmarks with one reference point each"},
            "licenses": [],
            "images": self._images,
            "annotations": self._annotations,
            "categories": categories(self.label_space),
        }
        with atomic_file(self.folder / "annotations.json") as file:
            file.write_text(json.dumps(coco, sort_keys=True, allow_nan=False), encoding="utf-8")
        info = {
            "format": "dalearn landmarks",
            "version": FORMAT_VERSION,
            "label_space": self.label_space.to_dict(),
            "source": self.source,
            "images": len(self._images),
            "annotations": len(self._annotations),
        }
        write_json(self.folder / "dataset.json", info)


class Dataset:
    """A dataset opened for reading; make one with :meth:`open`.

    Attributes:
        path: Its folder.
        label_space: Its classes.
        source: Where its labels come from.
    """

    def __init__(self, path: Path, info: Mapping[str, Any], coco: Mapping[str, Any]) -> None:
        self.path = path
        self.label_space = LabelSpace.from_dict(info["label_space"], str(path / "dataset.json"))
        self.source: Mapping[str, Any] = info.get("source", {})
        self._images = [{**image, "file_name": str(image["file_name"])} for image in coco["images"]]
        grouped: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for row in coco["annotations"]:
            grouped[row["image_id"]].append(row)
        self._rows = [grouped[image["id"]] for image in self._images]

    @classmethod
    def open(cls, path: Path | str) -> Dataset:
        """Open a dataset.

        Raises:
            DatasetError: No dataset there, unreadable or half-written files, or another version.
        """
        folder = Path(path)
        if not (folder / "dataset.json").is_file():
            hint = "Make one with `dalearn label` or `dalearn import`."
            if (folder / SHARDS_INDEX).is_file():
                hint = "These are shards, which only `dalearn train --data` reads."
            found = "no dataset.json in it" if folder.is_dir() else "no such folder"
            raise DatasetError.at(folder, "", "a dataset", found, hint)
        info = read_json(folder / "dataset.json")
        if info.get("version") != FORMAT_VERSION:
            expected = f"version {FORMAT_VERSION}"
            found = repr(info.get("version"))
            raise DatasetError.at(folder / "dataset.json", "key 'version'", expected, found)
        try:
            return cls(folder, info, read_json(folder / "annotations.json"))
        except (KeyError, TypeError, SettingsError) as error:
            found = f"{type(error).__name__}: {error}"
            raise DatasetError.at(folder, "", "images and annotations", found) from None

    def __len__(self) -> int:
        return len(self._images)

    def labels(self, index: int) -> Labels:
        """Labels of an image.

        Raises:
            DatasetError: An annotation lacks what it must have, or its class is not one of the
                dataset's.
        """
        try:
            return known_labels(self._rows[index], self.label_space)
        except (KeyError, TypeError, ValueError) as error:
            place = f"annotations of image {self._images[index]['file_name']}"
            found = f"{type(error).__name__}: {error}"
            raise DatasetError.at(
                self.path / "annotations.json", place, "bbox, category_id, keypoints", found
            ) from None

    def rows(self, index: int) -> list[dict[str, Any]]:
        """COCO annotations of an image."""
        return [dict(row) for row in self._rows[index]]

    def approximate(self, index: int) -> npt.NDArray[np.bool_]:
        """(N,) labels whose point is a stand-in and is not scored in pixels."""
        flags = [bool(row.get("approximate_point", False)) for row in self._rows[index]]
        return np.array(flags, dtype=np.bool_)

    def image(self, index: int) -> Image:
        """(H, W, 3) uint8 BGR.

        Raises:
            DatasetError: The file is missing, half-written, or cannot be decoded.
        """
        file = self.image_path(index)
        try:
            return decode_compressed(file.read_bytes())
        except FileNotFoundError:
            raise DatasetError.at(file, "", "an image", "no such file") from None
        except (OSError, ImageFault) as error:
            found = f"a file that cannot be decoded ({error})"
            raise DatasetError.at(file, "", "an image", found) from None

    def image_path(self, index: int) -> Path:
        """The image's file."""
        return self.path / str(self._images[index]["file_name"])

    @property
    def areas(self) -> AreaSidecar:
        """Index images of its images; there may be none."""
        return AreaSidecar.open(self.path)

    def distances(self, index: int) -> Distances | None:
        """Where in an image the distance is known; None if none were kept for it.

        Raises:
            DatasetError: The file is missing, damaged, or its arrays do not belong together.
        """
        name = self._images[index].get(DISTANCES)
        return None if name is None else read_distances(self.path / str(name))

    def meta(self, index: int) -> dict[str, Any]:
        """What is known about an image: id, file_name, width, height, drive, tile, ..."""
        return dict(self._images[index])


def _encode(image: Image | bytes) -> tuple[bytes, str]:
    if isinstance(image, bytes):
        return image, ".png" if image[:4] == b"\x89PNG" else ".jpg"
    done, buffer = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise DatasetError("An image cannot be encoded as JPEG.")
    return buffer.tobytes(), ".jpg"


def read_json(path: Path) -> dict[str, Any]:
    """A file of a dataset.

    Raises:
        DatasetError: It is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{path}: is missing; the dataset is not whole.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as JSON ({error}).") from None
    if not isinstance(content, dict):
        raise DatasetError.at(path, "", "keys and values", type(content).__name__)
    return content
