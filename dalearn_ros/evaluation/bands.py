"""Recall and errors of landmarks of one kind: by distance, by size, by how much of them is seen."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.labels.outlines import longer_sides
from dalearn_ros.landmarks.types import Labels

Array = npt.NDArray[np.float64]
BANDS_M = (0.0, 10.0, 20.0, 40.0, 60.0, math.inf)
BANDS_PX = (0.0, 24.0, 48.0, 96.0, math.inf)
BANDS_VISIBLE = (0.0, 0.7, 0.9, math.inf)


def sides_of(truth: Labels) -> Array:
    """(N,) longer side of each outline, pixels; NaN where there is none."""
    sides = np.full(len(truth), math.nan)
    there = np.diff(truth.outlines_px.starts) > 0
    if there.any():
        sides[there] = longer_sides(truth.outlines_px.select(there))
    return sides


def spread(values: Array) -> dict[str, float]:
    """Median and 95th percentile (linear interpolation) of the finite values; NaN if none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {"median": math.nan, "p95": math.nan}
    median, high = np.percentile(finite, [50.0, 95.0])
    return {"median": float(median), "p95": float(high)}


def band_names(edges: Sequence[float], unit: str = "") -> list[str]:
    """Names such as ``10-20 m``, ``60 m and more``.

    Args:
        edges: Ascending; the last one is infinite.
        unit: Of the edges; without one they are shares, and the last band ends with 1.
    """
    names = []
    for low, high in itertools.pairwise(edges):
        if math.isfinite(high):
            names.append(f"{low:g}-{high:g} {unit}".strip())
        else:
            names.append(f"{low:g} {unit} and more" if unit else f"{low:g}-1")
    return names


def banded(
    edges: Sequence[float], unit: str, found: Array, point_px: Array, missed: Array
) -> dict[str, Any]:
    """Support, recall and point error in each band [low, high).

    Args:
        edges: As of :func:`band_names`.
        unit: The same.
        found: (H,) the quantity of each truth that was found; NaN is in no band.
        point_px: (H,) how far off each was seen, NaN if that is not scored.
        missed: (M,) the quantity of each missed truth.
    """
    bands: dict[str, Any] = {}
    for name, (low, high) in zip(band_names(edges, unit), itertools.pairwise(edges), strict=True):
        inside = (found >= low) & (found < high)
        hits = int(np.count_nonzero(inside))
        support = hits + int(np.count_nonzero((missed >= low) & (missed < high)))
        bands[name] = {
            "support": support,
            "recall": hits / support if support else math.nan,
            "reference_point_px": spread(point_px[inside]),
        }
    return bands
