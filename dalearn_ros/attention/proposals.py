"""The map as a free teacher: projected outlines say where to look."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.types import Labels

Array = npt.NDArray[np.float32]
Cells = tuple[int, int]


def proposed_map(
    labels: Labels, cells: Cells, covered_px: tuple[float, float], margin_cells: float = 1.0
) -> Array:
    """The attention map that truth asks for: 1 on the landmarks, 0 elsewhere (M' of A6).

    Args:
        labels: Of the image; landmarks that are ignored are left out, see :func:`known_cells`.
        cells: (rows, columns) of the map.
        covered_px: (width, height) of the image that the map covers, pixels; cells at its border
            may lie beyond the image.
        margin_cells: How far the attention reaches beyond an outline, so that the landmark's rim,
            which tells it from its background, and a face smaller than a cell are seen.

    Returns:
        (rows, columns) 0 to 1: the share of each cell that lies on a landmark or in its margin.
    """
    return _drawn(labels, ~labels.ignore, cells, covered_px, margin_cells)


def known_cells(
    labels: Labels, wanted: Array, covered_px: tuple[float, float], margin_cells: float = 1.0
) -> Array:
    """Where truth says whether to look: not on ignored landmarks, unless another one is there.

    Nobody can be blamed for looking at a landmark that is hidden or far, nor for not looking.

    Args:
        labels: Of the image.
        wanted: (rows, columns) its :func:`proposed_map`, of the same margin.
        covered_px: As there.
        margin_cells: As there.

    Returns:
        (rows, columns) 1 where it is known, 0 where it is not.
    """
    cells = wanted.shape[0], wanted.shape[1]
    ignored = _drawn(labels, labels.ignore, cells, covered_px, margin_cells)
    return np.asarray(ignored <= wanted, np.float32)


def landmark_share(
    attention: npt.ArrayLike, labels: Labels, covered_px: tuple[float, float]
) -> float:
    """The share of a map's attention that lies inside the outlines, without a margin.

    Attention on ignored landmarks counts on neither side.

    Args:
        attention: (h, w), 0 or more.
        labels: Of the image.
        covered_px: (width, height) of the image that the map covers, pixels.

    Returns:
        0 to 1; NaN without attention where truth is known.
    """
    values = np.asarray(attention, np.float64)
    cells = values.shape[0], values.shape[1]
    inside = proposed_map(labels, cells, covered_px, margin_cells=0.0)
    known = known_cells(labels, inside, covered_px, margin_cells=0.0)
    return mass_inside(values * known, inside)


def _drawn(
    labels: Labels,
    chosen: npt.NDArray[np.bool_],
    cells: Cells,
    covered_px: tuple[float, float],
    margin_cells: float,
) -> Array:
    """The share of each cell on the chosen landmarks or in their margin."""
    rows, columns = cells
    fine = 8  # parts of a cell along each axis
    canvas = np.zeros((rows * fine, columns * fine), np.uint8)
    scale = np.array([columns * fine / covered_px[0], rows * fine / covered_px[1]])
    shift, one = 4, 16  # cv2's fixed point
    for index in np.flatnonzero(chosen):
        outline = np.asarray(labels.outlines_px[int(index)], np.float64)
        if not len(outline):
            outline = labels.point_px[index][None]
        corners = np.round(((outline + 0.5) * scale - 0.5) * one).astype(np.int32)
        cv2.fillPoly(canvas, [corners], 255, shift=shift)
    reach = round(margin_cells * fine)
    if reach:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        canvas = np.asarray(cv2.dilate(canvas, kernel), np.uint8)
    share = canvas.reshape(rows, fine, columns, fine).mean(axis=(1, 3)) / 255.0
    return np.asarray(share, np.float32)


def mass_inside(attention: npt.ArrayLike, inside: npt.ArrayLike) -> float:
    """The share of a map's attention that lies on the landmarks.

    Args:
        attention: (h, w), 0 or more.
        inside: (h, w) share of each cell on a landmark, 0 to 1.

    Returns:
        0 to 1; NaN of a map without attention.
    """
    weight = np.asarray(attention, np.float64)
    total = float(weight.sum())
    return float((weight * np.asarray(inside, np.float64)).sum() / total) if total > 0 else np.nan
