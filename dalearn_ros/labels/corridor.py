"""How far a street goes in every direction before something stands in the way."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
CELL_M = 0.5
DIRECTIONS = 720


def leaving_distance(pieces_m: Array, eye_m: Array, beside_m: float, reach_m: float) -> Array:
    """Horizontal distance at which a ray leaves the lanes and what is near them.

    The ground plan about the camera is drawn in cells of 0.5 m.

    Args:
        pieces_m: (N, 4, 3) pieces of road, metres.
        eye_m: (3,) the camera.
        beside_m: So far beside the pieces counts as near them; so does it about the camera.
        reach_m: Greatest distance; also the answer where there is no piece at all.

    Returns:
        (DIRECTIONS,) metres, by the angle from the map's x axis, counter-clockwise.
    """
    if not len(pieces_m):
        return np.full(DIRECTIONS, reach_m)
    half = int(np.ceil(reach_m / CELL_M))
    plan = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    cells = np.rint((pieces_m[..., :2] - eye_m[:2]) / CELL_M * 16.0).astype(np.int32) + half * 16
    for piece in cells:
        cv2.fillConvexPoly(plan, piece, 1, shift=4)
    wide = round(beside_m / CELL_M)
    plan = np.asarray(cv2.dilate(plan, _disc(wide)), np.uint8)
    cv2.circle(plan, (half, half), max(wide, 2), 1, -1)
    angles = (np.arange(DIRECTIONS) + 0.5) * (2.0 * np.pi / DIRECTIONS)
    away = np.arange(1, half)
    u = np.rint(half + np.cos(angles)[:, None] * away).astype(np.int64)
    v = np.rint(half + np.sin(angles)[:, None] * away).astype(np.int64)
    outside = plan[v, u] == 0
    first = np.where(outside.any(axis=1), outside.argmax(axis=1), half - 1)
    return np.asarray(np.maximum(away[np.minimum(first, half - 2)] * CELL_M, CELL_M), np.float64)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    size = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
