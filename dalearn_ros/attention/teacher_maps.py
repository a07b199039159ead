"""Corrected attention maps, the teacher maps M', as files: a 16-bit PNG and a JSON each (A6).

A map belongs to the bytes of an image, by their SHA-256, so that a renamed or moved file keeps its
map, and a changed one does not get another's. Several people may write to one folder: each map
has a revision, and who writes says which one was seen.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import atomic_file, write_json

Array = npt.NDArray[np.float32]
FORMAT, FORMAT_VERSION = "teacher attention map", 1
MADE = ("hand", "map", "imported")
FULL = 65535  # of 16 bits: attention 1
_DIGEST = re.compile(r"[0-9a-f]{64}")


class EditConflict(InputError):
    """Somebody else wrote the map meanwhile."""


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
            both joined by a comma, or empty.
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


def digest_of(file: Path) -> str:
    """SHA-256 of a file's bytes; OSError if it cannot be read."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


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
            InputError: The digest is none, or its files are damaged or of another version.
        """
        about = self._file(digest)
        if not about.is_file():
            return None
        try:
            content = json.loads(about.read_text(encoding="utf-8"))
            if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
                found = f"{content['format']} version {content['format_version']}"
                raise InputError.at(about, "", f"{FORMAT} version {FORMAT_VERSION}", found)
            values = {f.name: content[f.name] for f in dataclasses.fields(TeacherMap)
                      if f.name != "attention"}  # fmt: skip
            (width, height), (across, down) = values["size_px"], values["covered_px"]
            values.update(
                size_px=(int(width), int(height)), covered_px=(float(across), float(down))
            )
            return TeacherMap(**values, attention=_read_png(about, content["cells"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{about}: is damaged ({type(error).__name__}: {error}).") from None

    def write(self, edit: TeacherMap) -> TeacherMap:
        """Write a map, whole or not at all.

        Args:
            edit: ``revision`` is that of the map that was seen before the change; 0: none was.

        Returns:
            The map as it stands now, with its new revision.

        Raises:
            EditConflict: The map there is of another revision; nothing is changed.
            InputError: The digest is none, or the disk is full or not writable.
        """
        about = self._file(edit.digest)
        self.path.mkdir(parents=True, exist_ok=True)
        with _locked(self.path / ".lock"):
            there = self.read(edit.digest)
            have = 0 if there is None else there.revision
            if have != edit.revision:
                who = "nobody" if there is None else f"{there.who} at {there.when}"
                expected, found = f"revision {edit.revision}", f"revision {have}, by {who}"
                raise EditConflict.at(about, "", expected, found, "Look at that one first.")
            cells = np.rint(np.clip(edit.attention, 0.0, 1.0) * FULL).astype(np.uint16)
            kept = np.asarray(cells / FULL, np.float32)
            written = dataclasses.replace(edit, attention=kept, revision=have + 1)
            named = about.with_name(f"{edit.digest}.{written.revision}.png")
            with atomic_file(named) as file:
                file.write_bytes(cv2.imencode(".png", cells)[1].tobytes())
            content = dataclasses.asdict(written)
            content.pop("attention")
            marks = {"format": FORMAT, "format_version": FORMAT_VERSION, "cells": named.name}
            write_json(about, {**marks, **content})
            for old in self.path.glob(f"{edit.digest}.*.png"):
                if old != named:
                    old.unlink(missing_ok=True)
        return written

    def _file(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise InputError.at(self.path, "image", "64 hexadecimal digits", f"'{digest[:80]}'")
        return self.path / f"{digest}.json"


def _read_png(folder_file: Path, name: Any) -> Array:
    """(h, w) 0 to 1 of the PNG of that name beside a file."""
    file = folder_file.with_name(Path(str(name)).name)
    found = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.ndim != 2:
        raise ValueError(f"{file.name} is no 16-bit grey PNG")
    return np.asarray(found / FULL, np.float32)


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
