"""One polygon at a time: what the code that handles many at once is compared with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def subdivide(polygon: Array, pieces: int) -> Array:
    """The polygon (k, d) with every edge in equal pieces: (k * pieces, d)."""
    if pieces <= 1:
        return polygon
    shares = np.arange(pieces)[None, :, None] / pieces
    edges = np.roll(polygon, -1, axis=0) - polygon
    return (polygon[:, None] + shares * edges[:, None]).reshape(-1, polygon.shape[1])


def longer_side(polygon_px: Array) -> float:
    """Longer side of the upright box around a polygon (k, 2), pixels; 0 if it is empty."""
    return float(np.ptp(polygon_px, axis=0).max()) if len(polygon_px) else 0.0
