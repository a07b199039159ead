"""Polygons: cutting at a plane and at the image's border, sampling, containment."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
GRID = 7  # samples along each axis of an outline


def clip_halfspace(polygon: Array, signed: Array) -> Array:
    """The part of a polygon (k, d) where ``signed`` (k,), linear along the edges, is >= 0.

    One step of Sutherland and Hodgman; the result may be empty (0, d).
    """
    if (signed >= 0.0).all():
        return polygon
    pieces: list[Array] = []
    for here in range(len(polygon)):
        after = (here + 1) % len(polygon)
        if signed[here] >= 0.0:
            pieces.append(polygon[here])
        if (signed[here] >= 0.0) != (signed[after] >= 0.0):
            share = signed[here] / (signed[here] - signed[after])
            pieces.append(polygon[here] + share * (polygon[after] - polygon[here]))
    return np.array(pieces).reshape(-1, polygon.shape[1])


def clip_to_image(polygon_px: Array, width: int, height: int) -> Array:
    """The part of a polygon (k, 2) on the image's area, -0.5 to size - 0.5; may be (0, 2)."""
    for axis, limit in ((0, width - 0.5), (1, height - 0.5)):
        polygon_px = clip_halfspace(polygon_px, polygon_px[:, axis] + 0.5)
        if len(polygon_px):
            polygon_px = clip_halfspace(polygon_px, limit - polygon_px[:, axis])
        if not len(polygon_px):
            break
    return polygon_px


def contains(polygon: Array, points: Array) -> npt.NDArray[np.bool_]:
    """Which points (n, 2) lie in a polygon (k, 2), by the even-odd rule: (n,)."""
    x, y = polygon[:, 0], polygon[:, 1]
    x2, y2 = np.roll(x, -1), np.roll(y, -1)
    px, py = points[:, :1], points[:, 1:]
    crosses = (y > py) != (y2 > py)
    rise = np.where(y2 == y, 1.0, y2 - y)
    at = x + (py - y) * (x2 - x) / rise
    inside: npt.NDArray[np.bool_] = np.count_nonzero(crosses & (px < at), axis=1) % 2 == 1
    return inside


def inner_samples(outline: Array, grid: int = GRID) -> Array:
    """Points (s, 3) spread evenly inside a plane outline (k, 3); at least one.

    A grid along the outline's own two axes, cell centres only.
    """
    middle = outline.mean(axis=0)
    _, _, axes = np.linalg.svd(outline - middle, full_matrices=False)
    flat = (outline - middle) @ axes[:2].T
    low, high = flat.min(axis=0), flat.max(axis=0)
    steps = (np.arange(grid) + 0.5) / grid
    cells = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * (high - low) + low
    kept = cells[contains(flat, cells)]
    samples: Array = middle + kept @ axes[:2] if len(kept) else middle[None]
    return samples
