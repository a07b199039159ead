"""Corrected maps and the images they belong to, by the bytes of the images' files (A6, A14)."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.attention.teacher_maps import UNJUDGED, TeacherMap, TeacherMaps
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.progress import track

_SHOWN = 3


@dataclass(frozen=True)
class Edits:
    """What became of the maps of a folder.

    Attributes:
        used: Number of the image among those that were given, to its map.
        skipped: (image, reason) of maps that cannot be used.
        given: How many maps the folder has.
    """

    used: Mapping[int, TeacherMap]
    skipped: tuple[tuple[str, str], ...]
    given: int

    @property
    def images(self) -> set[str]:
        """Digests of the images whose maps are used."""
        return {edit.digest for edit in self.used.values()}

    @property
    def digest(self) -> str:
        """SHA-256 over the maps that are used and their images."""
        total = hashlib.sha256()
        for number, edit in sorted(self.used.items()):
            total.update(f"{number} {edit.digest} {edit.attention.shape}".encode())
            total.update(edit.attention.tobytes())
        return total.hexdigest()

    def about(self, path: Path | None) -> dict[str, Any] | None:
        """What ``run.json`` says of the folder ``path``; None: there is none."""
        if path is None:
            return None
        return {"path": str(path), "used": len(self.used), "content": self.digest}

    def summary(self) -> dict[str, Any]:
        """Counts for ``metrics.json``; of images whose truth was not known nobody can say.

        One that was recognised has no wrong branch.
        """
        edits = list(self.used.values())
        maps = {edit.digest: edit for edit in edits}.values()
        judged = [edit for edit in maps if edit.misrecognised != UNJUDGED]
        right = sum(not edit.misrecognised for edit in judged)
        return {
            "given": self.given,
            "used": len(maps),
            "images": len(edits),
            "made": dict(sorted(Counter(edit.made for edit in maps).items())),
            "recognised_before": right,
            "recognised_before_share": right / len(judged) if judged else None,
            "skipped": [{"image": image, "reason": reason} for image, reason in self.skipped],
        }


NO_EDITS = Edits({}, (), 0)


def match_edits(
    folder: Path, files: Sequence[Path], size_of: Callable[[int], tuple[int, int]]
) -> Edits:
    """Find the images of the maps in a folder.

    Args:
        folder: Of the maps.
        files: Of the images.
        size_of: (width, height) of the image of a number; may raise InputError.

    Raises:
        InputError: No such folder, or not one map that can be used; the reasons are named.
    """
    if not folder.is_dir():
        expected = "a folder of corrected maps, from 'dalearn edit-attention'"
        raise InputError.at(folder, "", expected, "no such folder")
    maps = TeacherMaps(folder)
    wanted = maps.digests()
    numbers = _numbers(files) if wanted else {}
    used: dict[int, TeacherMap] = {}
    skipped: list[tuple[str, str]] = []
    for digest in wanted:
        name = digest
        try:
            edit = maps.read(digest)
            if edit is None:
                raise InputError("it vanished while it was read.")
            name = edit.image
            for number in _images_of(edit, numbers, size_of):
                used[number] = edit
        except InputError as error:
            skipped.append((name, str(error)))
    if not used:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped[:_SHOWN])
        found = f"{len(wanted)} maps, none of which can be used ({reasons})" if wanted else "none"
        raise InputError.at(folder, "", "corrected maps of images of --data", found)
    return Edits(used, tuple(skipped), len(wanted))


def _images_of(
    edit: TeacherMap,
    numbers: Mapping[str, Sequence[int]],
    size_of: Callable[[int], tuple[int, int]],
) -> Sequence[int]:
    found = numbers.get(edit.digest, ())
    if not found:
        raise InputError("its image is in none of the given data, or its file has changed.")
    covered = edit.covered_px
    if not all(math.isfinite(side) and side > 0 for side in covered) or not edit.attention.size:
        raise InputError(f"it covers {covered} px, which is no area.")
    size = size_of(found[0])
    if size != edit.size_px:
        raise InputError(f"it is of an image of {edit.size_px} px, not of {size} px.")
    return found


def _numbers(files: Sequence[Path]) -> dict[str, list[int]]:
    """Digest to the numbers of the files that have it; a file that cannot be read has none."""
    found: dict[str, list[int]] = {}
    for number, file in enumerate(track(files, label="match maps")):
        try:
            found.setdefault(sha256_of(file), []).append(number)
        except OSError:
            continue
    return found
