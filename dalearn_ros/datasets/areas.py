"""Index images beside the images of a dataset: ``areas/NAME.png`` and ``areas/areas.json``.

A PNG holds the area of each pixel as its place in the list of names that ``areas.json`` gives. A
dataset may have index images for some of its images, or for none.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.files import write_json
from dalearn_ros.labels.area_settings import AREAS

Image = npt.NDArray[np.uint8]
FOLDER, NAMES_FILE = "areas", "areas.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class AreaSidecar:
    """The index images of one dataset.

    Attributes:
        dataset: Its folder.
        names: Areas; a label is a place in this list.
        source: How they were made; empty if that is not known.
    """

    dataset: Path
    names: tuple[str, ...] = AREAS
    source: Mapping[str, Any] | None = None

    @classmethod
    def open(cls, dataset: Path) -> AreaSidecar:
        """Those of a dataset, which may be none.

        Raises:
            DatasetError: ``areas.json`` is damaged or of another version.
        """
        path = dataset / FOLDER / NAMES_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(dataset)
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path}: cannot be read as JSON ({error}).") from None
        version = content.get("version") if isinstance(content, dict) else None
        if version != FORMAT_VERSION:
            raise DatasetError.at(path, "key 'version'", f"{FORMAT_VERSION}", repr(version))
        names = content.get("names")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DatasetError.at(path, "key 'names'", "a list of names", repr(names))
        return cls(dataset, tuple(names), content.get("source"))

    def file(self, image: Path | str) -> Path:
        """The index image of an image; it need not exist."""
        return self.dataset / FOLDER / f"{Path(image).stem}.png"

    def read(self, image: Path | str, shape: tuple[int, ...]) -> Image | None:
        """The index image of an image; None if there is none.

        Args:
            image: The image's file or its name.
            shape: (rows, columns, ...) of the image.

        Raises:
            DatasetError: It cannot be read, has another size, or labels without a name.
        """
        file = self.file(image)
        return read_index(file, shape, self.names) if file.is_file() else None

    def write(self, image: Path | str, index: Image | Path) -> None:
        """Put the index image of an image into the dataset, and the list of names with the first.

        Args:
            image: The image's file or its name.
            index: (H, W) uint8, or a PNG file, which is linked or copied.
        """
        file = self.file(image)
        if not (file.parent / NAMES_FILE).is_file():
            file.parent.mkdir(exist_ok=True)
            content = {"version": FORMAT_VERSION, "names": list(self.names), "source": self.source}
            write_json(file.parent / NAMES_FILE, content)
        if isinstance(index, Path):
            link_or_copy(index, file)
        else:
            file.write_bytes(encode_index(index))


def encode_index(index: Image) -> bytes:
    """An index image (H, W) as the bytes of a PNG file."""
    return bytes(cv2.imencode(".png", index, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes())


def read_index(file: Path, shape: tuple[int, ...], names: Sequence[str]) -> Image:
    """An index image from a PNG with one channel of 8 bits.

    Args:
        file: The PNG.
        shape: (rows, columns, ...) that it must have.
        names: Its labels.

    Raises:
        DatasetError: It cannot be read, is no such PNG, has another size or labels without a name.
    """
    index = read_labels_png(file)
    if index.ndim != 2 or index.dtype != np.uint8:
        hint = "Colours and 16-bit values need a mapping (--mapping)."
        found = f"{index.dtype}, {1 if index.ndim == 2 else index.shape[2]} channels"
        raise DatasetError.at(file, "", "8 bits, one channel", found, hint)
    check_shape(file, index, shape)
    largest = int(index.max(initial=0))
    if largest >= len(names):
        known = ", ".join(f"{number} {name}" for number, name in enumerate(names))
        hint = "Is it a segmentation? Give a mapping (--mapping)."
        raise DatasetError.at(file, "labels", known, str(largest), hint)
    return np.asarray(index, np.uint8)


def read_labels_png(file: Path) -> npt.NDArray[Any]:
    """A label PNG as it is: (H, W) or (H, W, 3) BGR, 8 or 16 bits.

    Raises:
        DatasetError: No such file, or it cannot be decoded.
    """
    try:
        encoded = np.frombuffer(file.read_bytes(), np.uint8)
    except OSError as error:
        reason = error.strerror or "none"
        raise DatasetError.at(file, "", "an index image", reason) from None
    labels = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if len(encoded) else None
    if labels is None:
        raise DatasetError.at(file, "", "a PNG", "a file that cannot be decoded")
    return np.asarray(labels[..., :3] if labels.ndim == 3 else labels)


def check_shape(file: Path, index: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    """Raise DatasetError unless an index image has the size of its image (rows, columns, ...)."""
    if index.shape[:2] != tuple(shape[:2]):
        expected = f"{shape[1]}x{shape[0]} px as the image"
        raise DatasetError.at(file, "", expected, f"{index.shape[1]}x{index.shape[0]} px")


def common_areas(sidecars: Sequence[AreaSidecar]) -> tuple[str, ...]:
    """The names of areas that several datasets share; those without index images do not count.

    Raises:
        DatasetError: Two have different ones.
    """
    having = {car.dataset: car for car in sidecars if (car.dataset / FOLDER).is_dir()}
    first, *others = having.values() or [AreaSidecar(Path())]
    for other in others:
        if other.names != first.names:
            expected = f"the areas of {first.dataset}: {', '.join(first.names)}"
            raise DatasetError.at(other.dataset, FOLDER, expected, ", ".join(other.names))
    return first.names


def link_or_copy(file: Path, to: Path) -> None:
    """A hard link where the disk allows it, else a copy."""
    try:
        os.link(file, to)
    except OSError:  # another disk, or one without links
        shutil.copyfile(file, to)
