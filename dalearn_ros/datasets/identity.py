"""What an input is, by content: the same wherever it lies, other when what is read of it changes.

Of a dataset count its two JSON files and its images, of a run its description and weights, of any
other folder all files that are not hidden. Recordings and shards count with size and both ends
(see :mod:`dalearn_ros.core.digests`), images with name and size, everything else with all its
bytes. Links are followed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from dalearn_ros.core.digests import add_content, add_name_and_size
from dalearn_ros.core.errors import InputError
from dalearn_ros.datasets.store import SHARDS_INDEX
from dalearn_ros.maps.load import INFO_NAME, find_map, map_digest

RECORDINGS = frozenset({".mcap", ".db3", ".bag", ".zstd", ".tar"})
IMAGES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp"})
READ = {  # what makes a folder one of a kind, to what is read of it
    "dataset.json": ("dataset.json", "annotations.json", "images"),
    SHARDS_INDEX: (SHARDS_INDEX, "*.tar"),
    "run.json": ("run.json", "weights.safetensors"),
}


def identity_of(
    path: Path, fault: type[InputError] = InputError, whole_images: bool = False
) -> str:
    """The identity of a file or folder: a bag, a dataset, a run, a store, corrected maps.

    Args:
        path: The file or folder.
        fault: What is raised.
        whole_images: Images count with all their bytes too.

    Returns:
        SHA-256, hexadecimal.

    Raises:
        InputError: As ``fault``: there is nothing, it cannot be read, or a link leads back to a
            folder that it is in.
    """
    if not path.exists():
        raise fault.at(path, "", "a file or folder", "nothing there")
    total = hashlib.sha256()
    try:
        for name, file in [("", path)] if path.is_file() else _read_of(path, fault):
            size, suffix = add_name_and_size(total, name, file), file.suffix.lower()
            if whole_images or suffix not in IMAGES:
                add_content(total, file, size, ends=suffix in RECORDINGS)
    except OSError as error:
        raise fault(f"{path}: cannot be read ({error.strerror or error}).") from None
    return total.hexdigest()


def identity_of_map(path: Path) -> str:
    """The identity of a map, as in a dataset's ``map_sha256``; its projection counts too.

    Returns:
        SHA-256, hexadecimal.

    Raises:
        MapError: There is no map, or several.
        InputError: Its projection cannot be read.
    """
    found, file = map_digest(path), find_map(path)
    for info in dict.fromkeys((file / INFO_NAME, file.with_name(INFO_NAME))):
        if info.is_file():  # the first one holds; see maps.load
            return hashlib.sha256(f"{found}\0{identity_of(info)}".encode()).hexdigest()
    return found


def _read_of(folder: Path, fault: type[InputError]) -> Iterator[tuple[str, Path]]:
    """Names, in their order, and files of all that is read of a folder."""
    kind = next((name for name in READ if (folder / name).is_file()), None)
    if kind is None:
        yield from _files(folder, "", (), fault)
        return
    for pattern in READ[kind]:
        for path in sorted(folder.glob(pattern)):
            if path.is_dir():
                yield from _files(path, f"{path.name}/", (), fault)
            else:
                yield path.name, path


def _files(
    folder: Path, prefix: str, above: tuple[Path, ...], fault: type[InputError]
) -> Iterator[tuple[str, Path]]:
    real = folder.resolve()
    if real in above:
        raise fault.at(folder, "", "files and folders", "a link to a folder that it is in")
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _files(path, f"{prefix}{path.name}/", (*above, real), fault)
        else:
            yield f"{prefix}{path.name}", path
