"""Cells of attention maps: resampled to another grid, cut along with a crop."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.pixels import PixelMap

Array = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
_FINE = 4  # samples of a cell along each axis


@dataclass(frozen=True)
class WantedMap:
    """An attention map that an image should get.

    Attributes:
        attention: (h, w) 0 to 1.
        covered_px: (width, height) of the image that it covers.
        size_px: (width, height) of the image.
        known: (h, w) 1 where it says something, 0 where it does not; None: everywhere.
    """

    attention: Array
    covered_px: tuple[float, float]
    size_px: tuple[int, int]
    known: Array | None = None


def resampled(attention: Array, cells: tuple[int, int]) -> Array:
    """A map (h, w) on another grid of (rows, columns) over the same area, by area where it shrinks.

    Returns:
        (rows, columns), 0 to 1 as it was.
    """
    rows, columns = cells
    if attention.shape == (rows, columns):
        return attention
    enlarges = rows > attention.shape[0] or columns > attention.shape[1]
    how = cv2.INTER_LINEAR if enlarges else cv2.INTER_AREA
    found = cv2.resize(np.ascontiguousarray(attention), (columns, rows), interpolation=how)
    return np.asarray(found, np.float32).reshape(rows, columns)


def over_image(wanted: WantedMap, cells: tuple[int, int]) -> Array:
    """A map on a grid of (rows, columns) over exactly its image, without what was padded.

    Returns:
        (rows, columns), 0 to 1 as it was.
    """
    if wanted.covered_px == (float(wanted.size_px[0]), float(wanted.size_px[1])):
        return resampled(wanted.attention, cells)
    (rows, columns), (width, height) = cells, wanted.size_px
    return crop_cells(wanted, PixelMap.resize(columns / width, rows / height), cells, 1.0)[0]


def crop_cells(
    wanted: WantedMap, mapping: PixelMap, cells: tuple[int, int], cell_px: float
) -> tuple[Array, Array]:
    """A map on the cells of a crop.

    Each cell is the mean of 4 by 4 places in it, each interpolated between the map's cells.

    Args:
        wanted: Of the whole image.
        mapping: From the image's pixels to the crop's; turned, scaled or mirrored as it may be.
        cells: (rows, columns) of the crop.
        cell_px: Side of the crop's cells.

    Returns:
        (rows, columns) the map; and 1 where at least half of a cell lies in the image and is
        known, else 0.
    """
    rows, columns = cells
    at = (np.arange(max(rows, columns) * _FINE) + 0.5) * cell_px / _FINE - 0.5
    u, v = np.meshgrid(at[: columns * _FINE], at[: rows * _FINE])
    places = mapping.inverse().apply(np.stack([u, v], axis=-1)) + 0.5  # corner-based
    inside = ((places >= 0) & (places <= np.array(wanted.size_px))).all(axis=-1)
    at_cells = places * np.array(wanted.attention.shape[::-1]) / np.array(wanted.covered_px) - 0.5
    values = _bilinear(wanted.attention, at_cells)
    if wanted.known is not None:
        inside &= _bilinear(wanted.known, at_cells) >= 0.5
    parts = (rows, _FINE, columns, _FINE)
    share = inside.reshape(parts).sum(axis=(1, 3))
    summed = (values * inside).reshape(parts).sum(axis=(1, 3))
    mean = summed / np.maximum(share, 1)
    known = share >= _FINE**2 / 2
    return (mean * known).astype(np.float32), known.astype(np.float32)


def _bilinear(values: Array, at: Floats) -> Floats:
    """(h, w) at (..., 2) column and row; beyond its border the border goes on."""
    limit = np.array(values.shape[::-1]) - 1
    at = np.clip(at, 0, limit)
    low = np.minimum(np.floor(at).astype(np.int64), np.maximum(limit - 1, 0))
    high = np.minimum(low + 1, limit)
    x, y = np.moveaxis(at - low, -1, 0)
    (left, top), (right, bottom) = np.moveaxis(low, -1, 0), np.moveaxis(high, -1, 0)
    upper = values[top, left] * (1 - x) + values[top, right] * x
    lower = values[bottom, left] * (1 - x) + values[bottom, right] * x
    return np.asarray(upper * (1 - y) + lower * y, np.float64)
