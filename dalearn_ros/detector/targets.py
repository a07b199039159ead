"""Ground truth of an image as targets per subregion (D13)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.grid import Grid
from dalearn_ros.core.settings import field
from dalearn_ros.landmarks.types import Labels

Floats = npt.NDArray[np.float64]
Window = tuple[int, int, int, int]
IGNORE = -1
_FAR = 1e9
_LARGEST_PX = 1e6  # OpenCV draws with 32-bit integers


@dataclass(frozen=True)
class TargetSettings:
    """Which subregions belong to a landmark."""

    radius_cells: float = field(
        4.0,
        "Covered subregions farther from the reference point are ignored.",
        unit="cells",
        minimum=0.5,
        maximum=100.0,
    )
    core_cells: float = field(
        0.8,
        "Subregions so near the reference point belong to it, covered or not.",
        unit="cells",
        minimum=0.5,
        maximum=4.0,
    )
    cover: float = field(
        0.25, "Share of a subregion that an outline must cover.", minimum=0.01, maximum=1.0
    )
    ignore_margin_px: float = field(
        4.0,
        "Ignored landmarks are ignored with this margin.",
        unit="px",
        minimum=0.0,
        maximum=100.0,
    )


@dataclass(frozen=True)
class Targets:
    """Targets of one image of h by w cells.

    Attributes:
        class_id: (h, w) int64: 0 background, 1.. landmark class, -1 ignored.
        point_px: (h, w, 2) float32 reference point of the cell's landmark, pixels.
        log_range: (h, w) float32 log of its distance in metres, NaN if unknown.
    """

    class_id: npt.NDArray[np.int64]
    point_px: npt.NDArray[np.float32]
    log_range: npt.NDArray[np.float32]


def make_targets(
    labels: Labels, size: tuple[int, int], grid: Grid, settings: TargetSettings
) -> Targets:
    """Targets of an image (D13).

    A landmark has the subregions that its outline covers within ``radius_cells`` of its
    reference point, and those within ``core_cells`` of it, so that a landmark thinner than a
    subregion has some too. Where two outlines cover one subregion the landmark nearer to the
    camera has it (by whole metres, if known), then the one whose reference point is nearer. The
    rest of an outline, ignored landmarks, and landmarks whose reference point lies outside the
    image are neither target nor background.

    Args:
        labels: Truth in the pixels of the image.
        size: (width, height), multiples of the cell.
        grid: Subregions.
        settings: Radii and shares.
    """
    shape, cell = grid.shape(*size), grid.cell_px
    class_id, owner = np.zeros(shape, np.int64), np.full(shape, -1, np.int64)
    cost = np.full(shape, _FAR)
    with np.errstate(invalid="ignore"):  # NaN: not inside
        inside = (labels.point_px >= -0.5) & (labels.point_px < np.array(size) - 0.5)
    usable = inside.all(axis=1) & ~labels.ignore
    windows = _windows(labels, usable, shape, cell, settings)
    middles = (labels.point_px - (cell - 1) / 2.0) / cell
    depths = np.floor(np.nan_to_num(labels.range_m, posinf=0.0)) * 1e3
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    for index in np.flatnonzero((windows[:, :2] < windows[:, 2:]).all(axis=1)).tolist():
        left, top, right, bottom = window = tuple(windows[index].tolist())
        here = slice(top, bottom), slice(left, right)
        margin = 0.0 if usable[index] else settings.ignore_margin_px
        share = coverage(labels.outlines_px[index], window, cell, margin)
        touched = (share > 0) & (owner[here] < 0)
        if not usable[index]:
            class_id[here][touched] = IGNORE
            continue
        column, row = middles[index]
        away = np.sqrt((rows[top:bottom] - row) ** 2 + (columns[:, left:right] - column) ** 2)
        covered = (share >= settings.cover) & (away <= settings.radius_cells)
        price = np.where(covered, depths[index] + away, 1e6 + away)
        won = (covered | (away <= settings.core_cells)) & (price < cost[here])
        class_id[here][touched & ~won] = IGNORE
        class_id[here][won] = labels.class_id[index]
        owner[here][won] = index
        cost[here][won] = price[won]
    return _gather(labels, class_id, owner)


def coverage(
    outline_px: Floats, window: Window, cell_px: int, margin_px: float
) -> npt.NDArray[np.float32]:
    """Share of every cell of a window that a polygon covers, by whole pixels.

    A pixel that the border touches counts, so that a polygon thinner than a pixel covers something:
    the polygon grows by half a pixel on every side on average, and is not shifted.

    Args:
        outline_px: (k, 2) pixels; one with fewer than three corners or with NaN covers nothing.
        window: First column and row of cells, and those after the last.
        cell_px: Side of a cell.
        margin_px: The polygon grows by this much.

    Returns:
        (rows, columns) of the window, 0 to 1.
    """
    left, top, right, bottom = window
    if len(outline_px) < 3 or not np.isfinite(outline_px).all():
        return np.zeros((bottom - top, right - left), np.float32)
    mask = np.zeros(((bottom - top) * cell_px, (right - left) * cell_px), np.float32)
    local = outline_px - (left * cell_px, top * cell_px)
    local = np.minimum(np.maximum(local, -_LARGEST_PX), _LARGEST_PX)
    corners = [np.rint(local * 16).astype(np.int32)]
    cv2.fillPoly(mask, corners, 1.0, shift=4)
    if margin_px > 0:
        cv2.polylines(mask, corners, True, 1.0, max(1, round(2 * margin_px)), shift=4)
    share = cv2.resize(mask, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
    return np.asarray(share, np.float32).reshape(bottom - top, right - left)


def _windows(
    labels: Labels,
    usable: npt.NDArray[np.bool_],
    shape: tuple[int, int],
    cell_px: int,
    settings: TargetSettings,
) -> npt.NDArray[np.int64]:
    """(N, 4) cells that each landmark may touch, as a :data:`Window`; some are empty."""
    low, high = np.full((len(labels), 2), np.inf), np.full((len(labels), 2), -np.inf)
    starts = labels.outlines_px.starts
    solid = np.diff(starts) >= 3
    some = np.diff(starts) > 0
    if some.any():
        values, first = labels.outlines_px.values, starts[:-1][some]
        low[some] = np.minimum.reduceat(values, first, axis=0)
        high[some] = np.maximum.reduceat(values, first, axis=0)
    solid &= np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
    margin = np.where(usable, 0.0, settings.ignore_margin_px)[:, None]
    low, high = np.where(solid[:, None], [low - margin, high + margin], [[[np.inf]], [[-np.inf]]])
    reach = settings.core_cells * cell_px
    low[usable] = np.minimum(low[usable], labels.point_px[usable] - reach)
    high[usable] = np.maximum(high[usable], labels.point_px[usable] + reach)
    last = np.array(shape[::-1])
    low = np.minimum(np.maximum(np.floor((low + 0.5) / cell_px), 0), last)
    high = np.minimum(np.maximum(np.floor((high + 0.5) / cell_px) + 1, 0), last)
    return np.concatenate([low, high], axis=1).astype(np.int64)


def _gather(
    labels: Labels, class_id: npt.NDArray[np.int64], owner: npt.NDArray[np.int64]
) -> Targets:
    point = np.zeros((*owner.shape, 2), np.float32)
    log_range = np.full(owner.shape, np.nan, np.float32)
    owned = owner >= 0
    if owned.any():
        point[owned] = labels.point_px[owner[owned]]
        log_range[owned] = np.log(np.maximum(labels.range_m[owner[owned]], 0.1))
    return Targets(class_id, point, log_range)
