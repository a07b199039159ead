"""Corrected attention maps, the teacher maps M', as files: a 16-bit PNG and a JSON each (A6).

A map belongs to the bytes of an image, by their SHA-256, so that a renamed or moved file keeps its
map, and a changed one does not get another's. Several people may write to one folder: each map
has a revision, and who writes says which one was seen.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.cells import WantedMap
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import atomic_file, write_json

Array = npt.NDArray[np.float32]
FORMAT, FORMAT_VERSION = "teacher attention map", 1
MADE = ("hand", "map", "imported")
FULL = 65535  # of 16 bits: attention 1
UNJUDGED = "unknown"  # whether the image was misrecognised
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[.-](\d+)(?:\.png)?$")  # of a PNG, or of what was kept of a damaged map


class EditConflict(InputError):
    """Somebody else wrote the map meanwhile."""


class DamagedMap(InputError):
    """The files of a map cannot be understood; a new map may be written in their place."""


@dataclass(frozen=True)
class TeacherMap:
    """One corrected map.

    Attributes:
        digest: SHA-256 of the image file's bytes, 64 hexadecimal digits.
        attention: (h, w) 0 to 1, in steps of 1/65535 once it was written.
        size_px: (width, height) of the image.
        covered_px: (width, height) of the image that the map covers.
        image: The image's file, for people.
        made: ``hand``, ``map`` (the landmarks of the HD map, unchanged) or ``imported``.
        who: Who made or confirmed it.
        when: ISO 8601, UTC.
        model: What the map was seen with, such as ``run``, ``weights`` (SHA-256) and ``synthesis``.
        misrecognised: By which branch the image was misrecognised: ``perception``, ``attention``,
            both joined by a comma, or empty; :data:`UNJUDGED` if its truth was not known.
        note: Where an imported map is from, or what its maker wants to say.
        revision: 1, 2, ...: how often it was written; 0: never.
    """

    digest: str
    attention: Array
    size_px: tuple[int, int]
    covered_px: tuple[float, float]
    image: str
    made: str
    who: str
    when: str
    model: Mapping[str, Any]
    misrecognised: str = ""
    note: str = ""
    revision: int = 0

    @property
    def wanted(self) -> WantedMap:
        """The map with what it covers."""
        return WantedMap(self.attention, self.covered_px, self.size_px)


class TeacherMaps:
    """A folder of corrected maps; made with the first one that is written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def digests(self) -> list[str]:
        """Of the images that have a map, sorted."""
        names = (file.stem for file in self.path.glob("*.json"))
        return sorted(name for name in names if _DIGEST.fullmatch(name))

    def read(self, digest: str) -> TeacherMap | None:
        """The map of an image; None if it has none.

        Raises:
            DamagedMap: Its files are damaged.
            InputError: The digest is none, or its files are of another version or not readable.
        """
        about = self._file(digest)
        with contextlib.suppress(FileNotFoundError):  # a newer map may have taken the PNG's place
            return _read(about)
        try:
            return _read(about)
        except FileNotFoundError as error:
            raise _damaged(about, error) from None

    def write(self, edit: TeacherMap) -> TeacherMap:
        """Write a map, whole or not at all.

        A damaged map is written over by who saw none (revision 0): its files are kept, with
        ``.damaged-N`` after their names, N the new revision.

        Args:
            edit: ``revision`` is that of the map that was seen before the change; 0: none was.

        Returns:
            The map as it stands now, with its new revision.

        Raises:
            EditConflict: The map there is of another revision; nothing is changed.
            DamagedMap: The map there is damaged, and ``revision`` is not 0; nothing is changed.
            InputError: The digest is none, or the disk is full or not writable.
        """
        about = self._file(edit.digest)
        self.path.mkdir(parents=True, exist_ok=True)
        with _locked(self.path / ".lock"):
            last, damaged = self._last_revision(edit)
            cells = np.rint(np.clip(edit.attention, 0.0, 1.0) * FULL).astype(np.uint16)
            kept = np.asarray(cells / FULL, np.float32)
            written = dataclasses.replace(edit, attention=kept, revision=last + 1)
            named = about.with_name(f"{edit.digest}.{written.revision}.png")
            with atomic_file(named) as file:
                file.write_bytes(cv2.imencode(".png", cells)[1].tobytes())
            content = dataclasses.asdict(written)
            content.pop("attention")
            marks = {"format": FORMAT, "format_version": FORMAT_VERSION, "cells": named.name}
            for bad in damaged:
                bad.rename(f"{bad}.damaged-{written.revision}")
            write_json(about, {**marks, **content})
            for old in self.path.glob(f"{edit.digest}.*.png"):
                if old != named:
                    old.unlink(missing_ok=True)
        return written

    def _last_revision(self, edit: TeacherMap) -> tuple[int, list[Path]]:
        """The revision that a new map follows, and the files of a damaged one that it replaces."""
        about = self._file(edit.digest)
        try:
            there = self.read(edit.digest)
        except DamagedMap:
            if edit.revision != 0:
                raise
            files = sorted(self.path.glob(f"{edit.digest}.*"))
            numbers = [_NUMBER.search(file.name) for file in files]
            bad = [file for file in files if file.suffix in (".json", ".png")]
            return max((int(number[1]) for number in numbers if number), default=0), bad
        have = 0 if there is None else there.revision
        if have != edit.revision:
            who = "nobody" if there is None else f"{there.who} at {there.when}"
            expected, found = f"revision {edit.revision}", f"revision {have}, by {who}"
            raise EditConflict.at(about, "", expected, found, "Look at that one first.")
        return have, []

    def _file(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise InputError.at(self.path, "image", "64 hexadecimal digits", f"'{digest[:80]}'")
        return self.path / f"{digest}.json"


def _read(about: Path) -> TeacherMap | None:
    """What a JSON and its PNG hold; FileNotFoundError if only the PNG is missing."""
    try:
        text = about.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{about}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise _damaged(about, error) from None
    try:
        content = json.loads(text)
        if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
            found = f"{content['format']} version {content['format_version']}"
            raise InputError.at(about, "", f"{FORMAT} version {FORMAT_VERSION}", found)
        values = _checked(content)
        if values["digest"] != about.stem:
            raise ValueError(f"it is of the image {values['digest']}")
        return TeacherMap(**values, attention=_read_png(about, content["cells"]))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"{about}: its map cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError, RecursionError, cv2.error) as error:
        raise _damaged(about, error) from None


def _damaged(about: Path, error: Exception) -> DamagedMap:
    hint = "Open the image anew; a map that is saved then takes the place of this one, kept aside."
    return DamagedMap(f"{about}: is damaged ({type(error).__name__}: {error}). {hint}")


def _checked(content: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a map but its cells; ValueError, KeyError or TypeError if they are none."""
    names = [f.name for f in dataclasses.fields(TeacherMap) if f.name != "attention"]
    values = {name: content[name] for name in names}
    for name, value in values.items():
        wanted: type = {"model": dict, "revision": int, "size_px": list, "covered_px": list}.get(
            name, str
        )
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise TypeError(f"'{name}' is {value!r:.40}")
    for name, kind in (("size_px", int), ("covered_px", float)):
        width, height = values[name]
        if not all(math.isfinite(side) for side in (width, height)):
            raise ValueError(f"'{name}' is {width} x {height}")
        values[name] = kind(width), kind(height)
    return values


def _read_png(folder_file: Path, name: Any) -> Array:
    """(h, w) 0 to 1 of the PNG of that name beside a file."""
    file = folder_file.with_name(Path(str(name)).name)
    encoded = np.frombuffer(file.read_bytes(), np.uint8)
    found = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if len(encoded) else None
    if found is None or found.dtype != np.uint16 or found.ndim != 2:
        raise ValueError(f"{file.name} is no 16-bit grey PNG")
    return np.asarray(found / FULL, np.float32)


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    handle = os.open(file, os.O_RDONLY | os.O_CREAT, 0o666)  # another user's file will do
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
