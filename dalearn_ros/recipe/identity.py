"""What a stage's input is, by content: the same wherever it lies, other when it has changed.

Files up to 64 MiB, such as weights and annotations, count with all their bytes, larger ones with
size and both ends, images with name and size; folders with the names of what is in them. A dataset
of many images costs little to look at. Bags: :mod:`dalearn_ros.fleet.identity`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from dalearn_ros.core.errors import InputError
from dalearn_ros.maps.load import map_digest

WHOLE_BYTES, END_BYTES = 1 << 26, 1 << 20
IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})
DIGITS = 16


def identity_of(path: Path) -> str:
    """The identity of a file or folder: a dataset, a checkpoint, a store, corrected maps.

    Args:
        path: The file or folder.

    Returns:
        :data:`DIGITS` hexadecimal digits.

    Raises:
        InputError: There is nothing, or it cannot be read.
    """
    if not path.exists():
        raise InputError.at(path, "", "an input of the recipe", "nothing there")
    total = hashlib.sha256()
    try:
        if path.is_file():
            _add(total, path)
        else:
            for file in sorted(found for found in path.rglob("*") if found.is_file()):
                total.update(f"{file.relative_to(path).as_posix()}\0".encode(errors="replace"))
                _add(total, file)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error}).") from None
    return total.hexdigest()[:DIGITS]


def identity_of_map(path: Path) -> str:
    """The identity of a map, as in a dataset's ``map_sha256``; its projection counts too.

    Raises:
        MapError: There is no map, or several.
    """
    info = path / "map_projector_info.yaml"
    found = [map_digest(path)]
    if path.is_dir() and info.is_file():
        found.append(identity_of(info))
    return digest_of(found)


def digest_of(texts: Iterable[str]) -> str:
    """One identity of several texts, in their order."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:DIGITS]


def _add(total: hashlib._Hash, file: Path) -> None:
    size = file.stat().st_size
    total.update(f"{size}\0".encode())
    if file.suffix.lower() in IMAGES:
        return
    with file.open("rb") as stream:
        if size <= WHOLE_BYTES:
            total.update(stream.read())
            return
        total.update(stream.read(END_BYTES))
        stream.seek(-END_BYTES, 2)
        total.update(stream.read())
