"""Outlines of many landmarks into the image at once: cut at the camera's plane and the border."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.rolling_shutter import RowPoses, project_rolling
from dalearn_ros.labels.polygons import clip_halfspace, clip_to_image
from dalearn_ros.landmarks.ragged import Ragged

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

EDGE_PIECES = 4  # straight edges bend under distortion and a rolling shutter


def project_outlines(
    camera: Camera, outlines_m: Ragged, near_m: float, rows_at: RowPoses | None = None
) -> tuple[Ints, Ragged]:
    """The parts of outlines that lie in the image.

    Only polygons that cross the camera's plane or the image's border are cut one by one; the
    others are handled together.

    Args:
        camera: Intrinsics.
        outlines_m: N polygons (k, 3), optical frame at the image's stamp, metres.
        near_m: What is nearer to the camera's plane is cut off.
        rows_at: Poses of the rows of a rolling shutter; None: all rows are read at once.

    Returns:
        (K,) positions of those with a part in the image, ascending, and their K polygons (k, 2) in
        pixels.
    """
    rows, solid = _in_front(outlines_m, near_m + (rows_at.forward_m if rows_at else 0.0))
    bends = camera.model not in ("plumb_bob", "rational_polynomial") or camera.distortion.any()
    solid = subdivide_all(solid, EDGE_PIECES if bends or rows_at else 1)
    pixels, valid, _ = project_rolling(camera, solid.values, rows_at)
    flat, enough = _vertices(Ragged(pixels, solid.starts), valid)
    rows, flat = rows[enough], flat.select(enough)
    if not len(rows):
        return rows, flat
    low, high = extents(flat)
    corner = np.array([camera.width, camera.height]) - 0.5
    inside: Mask = np.all((low >= -0.5) & (high <= corner), axis=1)
    across = ~inside & np.all((high > -0.5) & (low < corner), axis=1)
    size = camera.width, camera.height
    cut = {int(i): clip_to_image(flat[int(i)], *size) for i in np.flatnonzero(across)}
    return _join(rows, flat, inside, {i: part for i, part in cut.items() if len(part) >= 3})


def extents(polygons: Ragged) -> tuple[Array, Array]:
    """Lowest and highest coordinates (N, d) of each polygon; none may be empty."""
    if not len(polygons):
        return np.zeros((0, polygons.values.shape[1])), np.zeros((0, polygons.values.shape[1]))
    first = polygons.starts[:-1]
    low: Array = np.minimum.reduceat(polygons.values, first, axis=0)
    high: Array = np.maximum.reduceat(polygons.values, first, axis=0)
    return low, high


def longer_sides(polygons_px: Ragged) -> Array:
    """Longer side (N,) of the upright box around each polygon, pixels; none may be empty."""
    low, high = extents(polygons_px)
    sides: Array = (high - low).max(axis=1)
    return sides


def subdivide_all(polygons: Ragged, pieces: int) -> Ragged:
    """The polygons with every edge in equal pieces."""
    if pieces <= 1 or not len(polygons.values):
        return polygons
    after = np.arange(1, len(polygons.values) + 1)
    ends = polygons.starts[1:][np.diff(polygons.starts) > 0]
    after[ends - 1] = polygons.starts[:-1][np.diff(polygons.starts) > 0]
    shares = np.arange(pieces)[None, :, None] / pieces
    edges = polygons.values[after] - polygons.values
    values = polygons.values[:, None] + shares * edges[:, None]
    return Ragged(values.reshape(-1, polygons.values.shape[1]), polygons.starts * pieces)


def _in_front(outlines_m: Ragged, near_m: float) -> tuple[Ints, Ragged]:
    """Positions and polygons of what lies before the near plane, in part or wholly."""
    rows = np.flatnonzero(np.diff(outlines_m.starts) >= 3)
    outlines_m = outlines_m.select(rows)
    low, high = extents(outlines_m)
    whole: Mask = low[:, 2] >= near_m
    cut = {}
    for i in np.flatnonzero(~whole & (high[:, 2] > near_m)):
        outline = outlines_m[int(i)]
        part = clip_halfspace(outline, outline[:, 2] - near_m)
        if len(part) >= 3:
            cut[int(i)] = part
    return _join(rows, outlines_m, whole, cut)


def _vertices(polygons: Ragged, kept: Mask) -> tuple[Ragged, Mask]:
    """Only the kept vertices (V,), and which polygons (N,) still have three."""
    counts = np.diff(np.concatenate([[0], np.cumsum(kept)])[polygons.starts])
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Ragged(polygons.values[kept], starts), counts >= 3


def _join(rows: Ints, polygons: Ragged, whole: Mask, cut: dict[int, Array]) -> tuple[Ints, Ragged]:
    """The whole polygons and the cut ones in the order of their positions."""
    if not cut:
        return rows[whole], polygons.select(whole)
    kept = np.flatnonzero(whole)
    places = np.concatenate([kept, np.array(list(cut), dtype=np.int64)])
    straight, pieces = (
        polygons.select(kept),
        Ragged.of(list(cut.values()), polygons.values.shape[1]),
    )
    both = Ragged(
        np.concatenate([straight.values, pieces.values]),
        np.concatenate([straight.starts, straight.starts[-1] + pieces.starts[1:]]),
    )
    order = np.argsort(places)
    return rows[places[order]], both.select(order)
