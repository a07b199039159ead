"""Images without labels, of folders, datasets and bags, in an order that no name changes."""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.images import ImageFault, check_complete, decode_compressed, jpeg_size
from dalearn_ros.bags.storage import SUFFIXES as BAG_SUFFIXES
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.bag_images import LeftOut, extract_images

Image = npt.NDArray[np.uint8]
IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff"),
    *(".pgm", ".ppm", ".pnm"),
)
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class _Item:
    """One image: sha256 of its bytes, its file, (width, height) where its header tells."""

    digest: str
    path: Path
    size: tuple[int, int] | None


class ImageList:
    """A flat list of images; make one with :meth:`open`.

    They stand in the order of the digests of their files' bytes, each content once: renaming,
    moving or merging folders, or labels beside the images, change nothing in what
    :meth:`image`, :meth:`digest` and :meth:`size` say. Sizes and colour may differ between images.

    Attributes:
        left_out: Reason (``duplicate``, ``truncated``, ``undecodable``, ...) → names of the files
            that are not in the list.
    """

    def __init__(self, items: Sequence[_Item], left_out: Mapping[str, Sequence[str]]) -> None:
        self._items = tuple(items)
        self.left_out: LeftOut = {reason: list(names) for reason, names in left_out.items()}

    @classmethod
    def open(
        cls, inputs: Sequence[Path | str], extract_to: Path | None = None, topic: str | None = None
    ) -> ImageList:
        """List the images of one or several inputs.

        Every file is read once. JPEG and PNG files are judged by their beginning and end, others
        by decoding them; what only decoding shows comes out in :meth:`image`.

        Args:
            inputs: Each a folder, with all folders in it; a dataset of this project, of which only
                ``images/`` is looked at; an image file; or a rosbag2.
            extract_to: Where the images of bags are written, see :func:`extract_images`.
            topic: Image topic of the bags; None: all cameras.

        Raises:
            DatasetError: No input, no such folder, no image in one, none readable, or a bag
                without ``extract_to``.
            BagError: A bag that cannot be read.
        """
        if not inputs:
            raise DatasetError("No images were given; name a folder, a dataset or a bag.")
        files: set[Path] = set()
        left_out: LeftOut = {}
        for path in map(Path, inputs):
            if is_bag(path):
                if extract_to is None:
                    raise DatasetError(f"{path}: a bag needs a folder for its images; none given.")
                folder, faults = extract_images(path, extract_to, topic)
                for reason, names in faults.items():
                    left_out.setdefault(reason, []).extend(names)
                files.update(image_files(folder))
                continue
            found = list(image_files(path))
            if not found:
                hint = f"Known are {', '.join(IMAGE_SUFFIXES)}; a bag is named by its own folder."
                raise DatasetError.at(path, "", "images", "none in it", hint)
            files.update(found)
        items = _read(sorted(files), left_out)
        if not items:
            text = "; ".join(left_out_lines(left_out))
            place = ", ".join(map(str, inputs))
            raise DatasetError.at(place, "", "images that can be read", text or "none")
        return cls(items, left_out)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def fingerprint(self) -> str:
        """sha256 over the digests of all images: the same for the same images."""
        return hashlib.sha256("".join(item.digest for item in self._items).encode()).hexdigest()

    def path(self, index: int) -> Path:
        """The image's file."""
        return self._items[index].path

    def name(self, index: int) -> str:
        """What to call the image in a report: its path."""
        return str(self._items[index].path)

    def digest(self, index: int) -> str:
        """sha256 of the file's bytes, 64 hexadecimal digits."""
        return self._items[index].digest

    def size(self, index: int) -> tuple[int, int]:
        """(width, height) px as :meth:`image` gives it; decodes only if the header does not tell.

        Raises:
            DatasetError: As :meth:`image`.
        """
        known = self._items[index].size
        if known is not None:
            return known
        height, width = self.image(index).shape[:2]
        return width, height

    def image(self, index: int) -> Image:
        """(H, W, 3) uint8 BGR; a grey file has three equal channels.

        Raises:
            DatasetError: The file is gone or cannot be decoded.
        """
        path = self._items[index].path
        try:
            return decode_compressed(path.read_bytes())
        except FileNotFoundError:
            raise DatasetError.at(path, "", "an image", "no such file") from None
        except (OSError, ImageFault, cv2.error) as error:
            found = f"a file that cannot be decoded ({error})"
            raise DatasetError.at(path, "", "an image", found) from None

    def select(self, rows: npt.ArrayLike, left_out: Mapping[str, Sequence[str]]) -> ImageList:
        """The images of the given row numbers, in that order.

        Args:
            rows: Row numbers.
            left_out: Reason → names of those that are not selected; added to ``left_out``.
        """
        merged = {reason: list(names) for reason, names in self.left_out.items()}
        for reason, names in left_out.items():
            merged.setdefault(reason, []).extend(names)
        return ImageList([self._items[int(row)] for row in np.asarray(rows)], merged)


def left_out_lines(left_out: Mapping[str, Sequence[str]], names: int = 3) -> list[str]:
    """A line for each reason: how many, and the first names; the most frequent one first."""
    lines = []
    for reason, group in sorted(left_out.items(), key=lambda entry: (-len(entry[1]), entry[0])):
        shown = ", ".join(group[:names]) + (", ..." if len(group) > names else "")
        lines.append(f"{len(group)} {reason} ({shown})")
    return lines


def is_bag(path: Path) -> bool:
    """Whether a path is a rosbag2: a storage file, or a folder that holds one."""
    if path.is_file():
        return path.suffix in BAG_SUFFIXES
    return path.is_dir() and any(file.suffix in BAG_SUFFIXES for file in path.iterdir())


def image_files(path: Path) -> Iterator[Path]:
    """Image files of a folder and the folders in it, of datasets only those in ``images/``.

    Links are followed, hidden files and folders left out. An image file stands for itself.

    Raises:
        DatasetError: No such folder, or a file that is no image.
    """
    if path.is_file():
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            expected = "a folder of images, a dataset, a bag or an image file"
            raise DatasetError.at(path, "", expected, f"a '{path.suffix}' file")
        yield path
        return
    if not path.is_dir():
        raise DatasetError(f"{path}: there is no such folder; name one that holds images.")
    seen: set[str] = set()
    for folder, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        if "dataset.json" in names:  # the pictures of its audit are none of its images
            folders[:] = [name for name in folders if name == "images"]
            continue
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in IMAGE_SUFFIXES:
                yield Path(folder, name)


def _read(files: Sequence[Path], left_out: LeftOut) -> list[_Item]:
    """Items by digest; of equal files the first by name stands for all."""
    items: dict[str, _Item] = {}
    for path in track(files, len(files), "list images"):
        try:
            encoded = path.read_bytes()
            size = _header(encoded)
        except OSError:
            left_out.setdefault("unreadable", []).append(str(path))
            continue
        except (ImageFault, cv2.error) as fault:
            reason = fault.reason if isinstance(fault, ImageFault) else "undecodable"
            left_out.setdefault(reason, []).append(str(path))
            continue
        digest = hashlib.sha256(encoded).hexdigest()
        if digest in items:
            left_out.setdefault("duplicate", []).append(str(path))
        else:
            items[digest] = _Item(digest, path, size)
    return [items[digest] for digest in sorted(items)]


def _header(encoded: bytes) -> tuple[int, int] | None:
    """(width, height) that decoding gives; None: only decoding tells, such as of a turned photo.

    Raises:
        ImageFault: Empty, half-written, or no image.
    """
    check_complete(encoded)
    turned = b"Exif\0\0" in encoded[:65536] or b"eXIf" in encoded
    size: tuple[int, int] | None = None
    if encoded[:2] == b"\xff\xd8":
        size = jpeg_size(encoded)
    elif encoded[:8] == _PNG and encoded[12:16] == b"IHDR":
        with contextlib.suppress(struct.error):
            width, height = struct.unpack(">II", encoded[16:24])
            size = width, height
    if size is None or 0 in size:
        height, width = decode_compressed(encoded).shape[:2]
        size = width, height
        turned = False
    return None if turned else size
