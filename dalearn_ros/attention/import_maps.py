"""Attention maps that were drawn elsewhere, as teacher maps with a note on where they are from."""

from __future__ import annotations

import datetime
from pathlib import Path

import cv2
import numpy as np

from dalearn_ros.attention.cells import resampled
from dalearn_ros.attention.teacher_maps import TeacherMap, digest_of
from dalearn_ros.core.errors import InputError


def import_map(
    image: Path, drawn: Path, cells: tuple[int, int], covered_px: tuple[float, float],
    who: str, note: str,
) -> TeacherMap:  # fmt: skip
    """Read a map that was drawn over an image, for ``TeacherMaps.write`` (A11).

    Args:
        image: The image's file.
        drawn: A grey picture of any size over the whole image, 8 or 16 bits; black: no attention.
        cells: (rows, columns) of the map.
        covered_px: (width, height) of the image that the map covers; what of it lies beyond the
            image gets no attention.
        who: Who imports it.
        note: Where it is from.

    Returns:
        The map, resampled to the cells by area, of revision 0.

    Raises:
        InputError: A file that cannot be read, a picture that is not grey, or no note.
    """
    if not note.strip():
        raise InputError("note: an imported map needs a note on where it is from.")
    picture, (height, width) = _grey(drawn), _size(image)
    full = np.float32(np.iinfo(picture.dtype).max)
    across, down = covered_px
    columns = max(1, round(picture.shape[1] * across / width))
    rows = max(1, round(picture.shape[0] * down / height))
    canvas = np.zeros((rows, columns), np.float32)
    kept = picture[:rows, :columns]
    canvas[: kept.shape[0], : kept.shape[1]] = kept / full
    return TeacherMap(
        digest=digest_of(image),
        attention=resampled(canvas, cells),
        size_px=(width, height),
        covered_px=covered_px,
        image=image.name,
        made="imported",
        who=who,
        when=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        model={},
        note=note,
    )


def _grey(file: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16]]:
    found = _decoded(file)
    if found.ndim == 3 and (found[..., :1] == found[..., :3]).all():
        found = found[..., 0]  # grey, stored as colours
    if found.ndim != 2 or found.dtype not in (np.uint8, np.uint16):
        expected = "a grey picture of 8 or 16 bits"
        raise InputError.at(file, "", expected, f"{found.shape} of {found.dtype}")
    return found


def _size(file: Path) -> tuple[int, int]:
    height, width = _decoded(file).shape[:2]
    return height, width


def _decoded(file: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8 | np.uint16]]:
    try:
        encoded = np.frombuffer(file.read_bytes(), np.uint8)
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error}).") from None
    found = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED) if encoded.size else None
    if found is None:
        raise InputError.at(file, "", "a picture", "a file that cannot be decoded")
    return np.asarray(found)
