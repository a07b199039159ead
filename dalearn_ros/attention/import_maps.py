"""Attention maps that were drawn elsewhere, as teacher maps with a note on where they are from."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.cells import resampled
from dalearn_ros.attention.teacher_maps import UNJUDGED, TeacherMap
from dalearn_ros.bags.images import ImageFault, decode_compressed
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import InputError

Array = npt.NDArray[np.float32]
PROPORTION = 0.02  # by how much its sides may differ from the image's, as a logarithm


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
        InputError: A file that cannot be read, a picture that is not grey or has other proportions
            than the image, or no note.
    """
    if not note.strip():
        raise InputError("note: an imported map needs a note on where it is from.")
    try:
        height, width = decode_compressed(_read(image)).shape[:2]  # turned as its EXIF says
    except ImageFault as error:
        raise InputError(f"{image}: {error}.") from None
    return TeacherMap(
        digest=sha256_of(image),
        attention=drawn_cells(_read(drawn), str(drawn), (width, height), cells, covered_px),
        size_px=(width, height),
        covered_px=covered_px,
        image=image.name,
        made="imported",
        who=who,
        when=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        model={},
        misrecognised=UNJUDGED,
        note=note,
    )


def drawn_cells(
    encoded: bytes, name: str, size_px: tuple[int, int], cells: tuple[int, int],
    covered_px: tuple[float, float],
) -> Array:  # fmt: skip
    """The cells of a picture that was drawn over an image.

    Args:
        encoded: Bytes of its file: a grey picture of any size over the whole image, 8 or 16 bits;
            black or clear: no attention.
        name: Of the file, for the error.
        size_px: (width, height) of the image.
        cells: (rows, columns) of the map.
        covered_px: (width, height) of the image that the map covers.

    Returns:
        (rows, columns), 0 to 1, resampled by area.

    Raises:
        InputError: No picture, one that is not grey, or of other proportions than the image.
    """
    picture, (width, height) = _grey(encoded, name), size_px
    if abs(np.log(picture.shape[1] * height / (picture.shape[0] * width))) > PROPORTION:
        expected = f"the proportions of the image, {width} x {height}"
        raise InputError.at(name, "", expected, f"{picture.shape[1]} x {picture.shape[0]}")
    across, down = covered_px
    columns = max(1, round(picture.shape[1] * across / width))
    rows = max(1, round(picture.shape[0] * down / height))
    canvas = np.zeros((rows, columns), np.float32)
    kept = picture[:rows, :columns]
    canvas[: kept.shape[0], : kept.shape[1]] = kept
    return resampled(canvas, cells)


def _grey(encoded: bytes, name: str) -> Array:
    """(h, w), 0 to 1."""
    found = _decoded(encoded, name)
    grey = found.ndim == 2 or bool((found[..., :1] == found[..., :3]).all())  # or stored as colours
    if not grey or found.dtype not in (np.uint8, np.uint16):
        kind = f"{'grey' if grey else 'colours'} of {found.dtype}"
        raise InputError.at(name, "", "a grey picture of 8 or 16 bits", kind)
    shares: Array = found.astype(np.float32) / np.float32(np.iinfo(found.dtype).max)
    if found.ndim == 2:
        return shares
    clear = shares[..., 3] if found.shape[2] == 4 else np.float32(1.0)
    return np.asarray(shares[..., 0] * clear, np.float32)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error}).") from None


def _decoded(encoded: bytes, name: str) -> np.ndarray[Any, Any]:
    values = np.frombuffer(encoded, np.uint8)
    try:
        found = cv2.imdecode(values, cv2.IMREAD_UNCHANGED) if values.size else None
    except cv2.error:  # such as one of more pixels than OpenCV takes
        found = None
    if found is None:
        raise InputError.at(name, "", "a picture", "a file that cannot be decoded")
    return np.asarray(found)
