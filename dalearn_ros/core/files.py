"""Files that are whole or absent: written under a temporary name, then renamed."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dalearn_ros.core.errors import InputError


@contextlib.contextmanager
def atomic_file(path: Path | str) -> Iterator[Path]:
    """Write a file whole or not at all.

    Args:
        path: The final file; its folder is made if it is missing.

    Yields:
        A temporary path in the same folder with the same suffix. On success it is renamed to
        ``path``; on any exception, an interrupt included, it is removed.

    Raises:
        InputError: The disk is full, or the folder cannot be written.
    """
    final = Path(path)
    with _disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = final.with_name(f".{final.stem}.{os.getpid()}.part{final.suffix}")
        try:
            yield temporary
            os.replace(temporary, final)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_directory(path: Path | str) -> Iterator[Path]:
    """Write a folder whole or not at all.

    Args:
        path: The final folder. It must not exist, or be empty.

    Yields:
        A temporary folder beside it, renamed on success and removed on any exception.

    Raises:
        InputError: ``path`` holds files already, the disk is full, or the place is not writable.
    """
    final = Path(path)
    refuse_existing(final)
    with _disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = final.with_name(f".{final.name}.{os.getpid()}.part")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            yield temporary
            if final.is_dir():
                final.rmdir()
            os.replace(temporary, final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def is_leftover(name: str, of: str = "") -> bool:
    """Whether a killed process left a file or folder of this name: it is one of the temporary ones.

    Args:
        name: Its name.
        of: With what the name of the final one begins.
    """
    return re.fullmatch(rf"\.{re.escape(of)}.*\.\d+\.part(\.[^.]+)?", name) is not None


def remove_leftovers(folder: Path, of: str = "") -> None:
    """Remove what killed processes left in a folder; no other process may be writing there.

    Args:
        folder: The folder; it need not be there.
        of: With what the names of the final files and folders begin.
    """
    for path in [*folder.iterdir()] if folder.is_dir() else []:
        if is_leftover(path.name, of):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def fsync_tree(folder: Path) -> None:
    """Wait until a folder with all that is in it is on the disk.

    Raises:
        InputError: The disk is full or broken.
    """
    with _disk_errors(folder):
        for place in [*folder.rglob("*"), folder]:
            fsync_one(place)


def fsync_one(path: Path) -> None:
    """Wait until a file is on the disk, or the names in a folder."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some file systems cannot do it with folders
            raise
    finally:
        os.close(opened)


def refuse_existing(path: Path | str) -> None:
    """Raise InputError if ``path`` is a file or a folder that holds something."""
    final = Path(path)
    if final.is_file() or (final.is_dir() and any(final.iterdir())):
        raise InputError(f"{final}: exists already; choose another --out or remove it first.")


def printable(text: Path | str) -> str:
    """``text`` with U+FFFD for what UTF-8 cannot say, such as bytes of a file's name."""
    return re.sub("[\ud800-\udfff]", "\ufffd", str(text))


def write_json(path: Path | str, content: Any, digits: int | None = 6) -> None:
    """Write JSON atomically: sorted keys, floats rounded to 6 digits, NaN and infinity as null.

    The same content gives the same bytes. ``digits=None`` rounds nothing. It is on the disk when
    this returns.

    Raises:
        InputError: The disk is full, or the folder cannot be written.
    """
    text = json.dumps(plain(content, digits), indent=1, sort_keys=True, allow_nan=False)
    with _disk_errors(Path(path)):
        with atomic_file(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
            fsync_one(temporary)
        fsync_one(Path(path).parent)


def plain(value: Any, digits: int | None = 6) -> Any:
    """``value`` as JSON values: numpy unwrapped, floats rounded, NaN and infinity as None.

    ``digits=None`` rounds nothing.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item, digits) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist(), digits)
    if isinstance(value, (list, tuple)):
        return [plain(item, digits) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item(), digits)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return value if digits is None else round(value, digits)
    if isinstance(value, Path):
        return str(value)
    return value


def first_difference(found: Any, wanted: Any, prefix: str = "") -> str:
    """The first key, in dots, at which two JSON values differ; ``prefix`` if they do as a whole."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in sorted({*found, *wanted}):
            if found.get(key) != wanted.get(key):
                below = f"{prefix}.{key}".lstrip(".")
                return first_difference(found.get(key), wanted.get(key), below)
    return prefix


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno is None or isinstance(error, (InterruptedError, ConnectionError)):
            raise
        name = error.filename or path
        raise InputError(f"{name}: cannot be written ({os.strerror(error.errno)}).") from error
