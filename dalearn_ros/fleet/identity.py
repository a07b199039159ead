"""Whether a bag or map is the one that it was: digests that also a long bag gives quickly."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from dalearn_ros.core.digests import add_content, add_name_and_size
from dalearn_ros.core.errors import BagError, MapError
from dalearn_ros.maps.load import INFO_NAME, find_map, map_digest


def identity_of(bag: Path) -> str:
    """SHA-256 (hexadecimal) of the names, sizes, first and last MiB of a bag's files.

    The same wherever the bag lies; see :func:`dalearn_ros.core.digests.add_content`.

    Raises:
        BagError: There is no such bag, or it cannot be read.
    """
    total = hashlib.sha256()
    try:
        files = files_of(bag)
        if not files:
            found = "an empty folder" if bag.is_dir() else "no such file or folder"
            raise BagError.at(bag, "", "a bag", found)
        for file in files:
            name = file.suffix if bag.is_file() else str(file.relative_to(bag))
            size = add_name_and_size(total, name, file)
            add_content(total, file, size, ends=True)
    except OSError as error:
        raise BagError(f"{bag}: cannot be read ({error.strerror}).") from error
    return total.hexdigest()


def files_of(bag: Path) -> list[Path]:
    """The files of a bag, in the order of their names."""
    return [bag] if bag.is_file() else sorted(p for p in bag.rglob("*") if p.is_file())


def identity_of_map(path: Path) -> str:
    """SHA-256 (hexadecimal) of a map's content and its projection; the same wherever it lies.

    The files are read once in a process, and again when their sizes or times have changed.

    Raises:
        MapError: There is no map, or several, or it cannot be read.
    """
    try:
        file = find_map(path)
        tiles = file.rglob("*") if file.is_dir() else [file]
        files = [*sorted(tiles), file.with_name(INFO_NAME)]
        found = [(one, one.stat()) for one in files if one.is_file()]
        return _digest(path, tuple((str(one), s.st_size, s.st_mtime_ns) for one, s in found))
    except OSError as error:
        raise MapError(f"{path}: cannot be read ({error.strerror}).") from error


@functools.lru_cache(maxsize=64)
def _digest(path: Path, _state: tuple[tuple[str, int, int], ...]) -> str:
    total, file = hashlib.sha256(map_digest(path).encode()), find_map(path)
    for info in (file / INFO_NAME, file.with_name(INFO_NAME)):
        total.update(info.read_bytes() if info.is_file() else b"")
    return total.hexdigest()
