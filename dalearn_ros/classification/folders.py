"""Images in folders: a folder a class, as torchvision's ``ImageFolder`` has them, or a flat list.

A file that cannot be decoded is left out and named.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dalearn_ros.bags.images import ImageFault, decode_compressed
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.bag_images import LeftOut
from dalearn_ros.datasets.image_filter import FilterSettings, filter_images
from dalearn_ros.inference.preprocess import as_channels

Image = npt.NDArray[np.uint8]
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")


@dataclass(frozen=True)
class ImageSet:
    """Images of one size.

    Attributes:
        images: (n, 1 or 3, H, W) uint8.
        files: n paths.
        labels: (n,) int64 class numbers; of a flat list all 0.
        unreadable: Sentences about files that were left out.
        repeated: How many more files held the same bytes as another of a flat list.
        digests: n SHA-256 of the files.
        left_out: Reason → paths of images that :meth:`filtered` has left out.
    """

    images: Tensor
    files: tuple[Path, ...]
    labels: Tensor
    unreadable: tuple[str, ...]
    repeated: int
    digests: tuple[str, ...]
    left_out: LeftOut = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.files)

    def image(self, index: int) -> Image:
        """(H, W, 3) uint8 BGR."""
        image: Image = self.images[index].expand(3, -1, -1).permute(1, 2, 0).numpy()
        return np.ascontiguousarray(image)

    def name(self, index: int) -> str:
        """The file's path."""
        return str(self.files[index])

    def filtered(self, settings: FilterSettings) -> ImageSet:
        """The images that a filter keeps, as they are here: cut to the network's size (U13)."""
        found = filter_images(self, settings)
        rows = torch.from_numpy(found.rows)
        return dataclasses.replace(
            self,
            images=self.images[rows],
            files=tuple(self.files[row] for row in found.rows),
            labels=self.labels[rows],
            digests=tuple(self.digests[row] for row in found.rows),
            left_out=found.left_out,
        )

    def digest(self, index: int) -> str:
        """SHA-256 of the file."""
        return self.digests[index]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over those of the files, in order."""
        return hashlib.sha256("".join(self.digests).encode()).hexdigest()

    def with_channels(self, channels: int) -> ImageSet:
        """The same images; grey ones repeated if 3 channels are wanted."""
        have = int(self.images.shape[1])
        images = self.images if have == channels else self.images.expand(-1, channels, -1, -1)
        return dataclasses.replace(self, images=images)


def class_names(path: Path) -> tuple[str, ...]:
    """The names of a folder's folders, sorted; no file is opened.

    Raises:
        DatasetError: There is no such folder, or it holds no folders.
    """
    if not path.is_dir():
        raise DatasetError(f"{path}: there is no such folder.")
    names = sorted(p.name for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not names:
        expected = "a folder for each class with its images"
        raise DatasetError.at(path, "", expected, "no folder", "Each folder's name is its class.")
    return tuple(names)


def check_classes(path: Path, names: Sequence[str], wanted: Sequence[str], of: Path) -> None:
    """Raise DatasetError if ``path`` has a class that the folder ``of`` lacks."""
    foreign = [name for name in names if name not in wanted]
    if foreign:
        expected = f"the classes of {of} ({_few(wanted)})"
        raise DatasetError.at(path, "", expected, _few(foreign), "Rename its folders.")


def read_labelled(path: Path, classes: Sequence[str], size: int, channels: int) -> ImageSet:
    """All images of a folder with a folder for each class.

    Args:
        path: The folder. A class may lack a folder.
        classes: Names by class number; other folders are not read.
        size: Width and height of the images as they are returned.
        channels: 1 or 3; 0: 1 if all are grey, else 3.

    Raises:
        DatasetError: Not one readable image.
    """
    found = [(file, number) for number, name in enumerate(classes) for file in _under(path / name)]
    return read_files(path, found, size, channels)


def read_flat(path: Path, size: int, channels: int) -> ImageSet:
    """All images under a folder, whatever its folders are called.

    They are sorted by their content, and those of the same bytes are one, so that names and
    folders change nothing.

    Args:
        path: The folder.
        size: Width and height of the images as they are returned.
        channels: 1 or 3; 0: 1 if all are grey, else 3.

    Raises:
        DatasetError: There is no such folder, or not one readable image in it.
    """
    if not path.is_dir():
        raise DatasetError(f"{path}: there is no such folder.")
    files = _under(path)
    unique = dict(sorted((_digest(file), file) for file in reversed(files)))
    found = read_files(path, [(file, 0) for file in unique.values()], size, channels)
    return dataclasses.replace(found, repeated=len(files) - len(unique))


def fit(image: Image, size: int) -> Image:
    """(H, W, c) uint8 to (size, size, c), stretched if it is not square.

    The border's pixels go on outside, so that no frame of another colour comes in.
    """
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")
    mapping = PixelMap.resize(size / width, size / height) @ PixelMap.crop(1, 1)
    return mapping.warp(padded, (size, size)).reshape(size, size, -1)


def read_files(path: Path, found: Sequence[tuple[Path, int]], size: int, channels: int) -> ImageSet:
    """Images from files.

    Args:
        path: Where they are from, for the sentence of an error.
        found: Each file with its number, which is kept with it among ``labels``.
        size: Width and height of the images as they are returned.
        channels: 1 or 3; 0: 1 if all are grey, else 3.

    Raises:
        DatasetError: Not one readable image.
    """
    images: list[Image] = []
    files: list[Path] = []
    labels: list[int] = []
    unreadable: list[str] = []
    digests: list[str] = []
    for file, label in track(found, label=path.name):
        try:
            encoded = file.read_bytes()
            image = decode_compressed(encoded)
        except (OSError, ImageFault) as error:
            unreadable.append(f"{file}: {error}")
            continue
        if not channels and _grey(image):
            image = image[:, :, :1]
        images.append(fit(as_channels(image, channels) if channels else image, size))
        files.append(file)
        digests.append(hashlib.sha256(encoded).hexdigest())
        labels.append(label)
    if not images:
        unread = f"; {unreadable[0]}" if unreadable else ""
        found_ = f"{len(found)} such files, none of them readable{unread}"
        raise DatasetError.at(path, "", f"images ({', '.join(SUFFIXES)})", found_)
    wanted = channels or max(image.shape[2] for image in images)
    stacked = np.stack([as_channels(image, wanted) for image in images])
    return ImageSet(
        torch.from_numpy(np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))),
        tuple(files),
        torch.tensor(labels),
        tuple(unreadable),
        0,
        tuple(digests),
    )


def _grey(image: Image) -> bool:
    return bool((image == image[:, :, :1]).all())


def _under(path: Path) -> list[Path]:
    return sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


def _digest(file: Path) -> str:
    try:
        return sha256_of(file)
    except OSError:
        return f"unreadable {file}"


def _few(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
