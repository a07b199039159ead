"""A corrected map that was saved, beside the map that the model makes of its image now."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.seen import Seen
from dalearn_ros.attention.teacher_maps import FULL, TeacherMap
from dalearn_ros.coding.pixels import PixelMap

Array = npt.NDArray[np.float32]


def same_in_file(one: Array, other: Array) -> npt.NDArray[np.bool_]:
    """(h, w) where two maps (h, w) of 0 to 1 are the same in the 16 bits of a file."""
    return np.asarray(np.rint(one * FULL) == np.rint(other * FULL))


def with_own_cells(seen: Seen, edit: TeacherMap) -> TeacherMap:
    """A map whose cells have the branch's value, bit by bit, where its file cannot tell them apart.

    One of other cells stays as it is.
    """
    own, saved = seen.view.attention, edit.attention
    if saved.shape != own.shape:
        return edit
    return dataclasses.replace(edit, attention=np.where(same_in_file(own, saved), own, saved))


def fits(seen: Seen, edit: TeacherMap) -> bool:
    """Whether a map has this model's cells, and is of an image of this size."""
    cells = edit.attention.shape == seen.view.attention.shape
    covers = np.allclose(edit.covered_px, seen.covered_px, atol=0.5)
    return cells and covers and edit.size_px == seen.size_px


def resampled(seen: Seen, edit: TeacherMap) -> Array:
    """A map of other cells on this model's, (h, w), bilinear between the centres of cells."""
    rows, columns = seen.view.attention.shape
    ours = (
        columns * seen.size_px[0] / seen.covered_px[0],
        rows * seen.size_px[1] / (seen.covered_px[1]),
    )  # cells that the image has, along each axis
    down, across = edit.attention.shape
    theirs = (
        across * edit.size_px[0] / edit.covered_px[0],
        down * edit.size_px[1] / edit.covered_px[1],
    )
    mapping = PixelMap.resize(ours[0] / theirs[0], ours[1] / theirs[1])
    found = cv2.warpAffine(
        edit.attention,
        mapping.matrix,
        (columns, rows),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.clip(np.asarray(found, np.float32), 0.0, 1.0)
