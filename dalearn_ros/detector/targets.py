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
IGNORE = -1
_FAR = 1e9


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
    rows, columns = grid.shape(*size)
    class_id = np.zeros((rows, columns), np.int64)
    owner = np.full((rows, columns), -1, np.int64)
    cost = np.full((rows, columns), _FAR)
    near = (labels.point_px >= -0.5) & (labels.point_px < np.array(size) - 0.5)
    inside = np.asarray(near.all(axis=1), np.bool_)
    centers = grid.centers_px(*np.mgrid[0:rows, 0:columns])
    for index in range(len(labels)):
        usable = bool(inside[index]) and not labels.ignore[index]
        margin = 0.0 if usable else settings.ignore_margin_px
        share = coverage(labels.outlines_px[index], size, grid.cell_px, margin)
        touched = np.asarray((share > 0) & (owner < 0))
        if not usable:
            class_id[touched] = IGNORE
            continue
        away = np.hypot(*np.moveaxis(centers - labels.point_px[index], -1, 0)) / grid.cell_px
        covered = (share >= settings.cover) & (away <= settings.radius_cells)
        core = away <= settings.core_cells
        known = labels.range_m[index] if np.isfinite(labels.range_m[index]) else 0.0
        price = np.where(covered, np.floor(known) * 1e3 + away, 1e6 + away)
        won = (covered | core) & (price < cost)
        class_id[np.logical_and(touched, ~won)] = IGNORE
        class_id[won] = labels.class_id[index]
        owner[won] = index
        cost[won] = price[won]
    return _gather(labels, class_id, owner)


def coverage(outline_px: Floats, size: tuple[int, int], cell_px: int, margin_px: float) -> Floats:
    """Share of every cell that a polygon covers, by whole pixels.

    A pixel that the border touches counts, so that a polygon thinner than a pixel covers something:
    the polygon grows by half a pixel on every side on average, and is not shifted.

    Args:
        outline_px: (k, 2) pixels.
        size: (width, height) of the image, multiples of the cell.
        cell_px: Side of a cell.
        margin_px: The polygon grows by this much.

    Returns:
        (rows, columns) 0 to 1.
    """
    rows, columns = size[1] // cell_px, size[0] // cell_px
    share = np.zeros((rows, columns))
    if len(outline_px) < 3 or not np.isfinite(outline_px).all():
        return share
    low = np.floor((outline_px.min(axis=0) - margin_px) / cell_px).astype(int)
    high = np.floor((outline_px.max(axis=0) + margin_px) / cell_px).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, [columns, rows])
    if (low >= high).any():
        return share
    window = (high - low) * cell_px
    mask = np.zeros((window[1], window[0]), np.uint8)
    local = np.round((outline_px - low * cell_px) * 16).astype(np.int32)
    cv2.fillPoly(mask, [local], 1, shift=4)
    if margin_px > 0:
        cv2.polylines(mask, [local], True, 1, max(1, round(2 * margin_px)), shift=4)
    blocks = mask.reshape(high[1] - low[1], cell_px, high[0] - low[0], cell_px)
    share[low[1] : high[1], low[0] : high[0]] = blocks.mean(axis=(1, 3))
    return share


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
