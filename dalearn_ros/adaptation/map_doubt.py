"""Pseudo labels held against a map: what no mapped landmark explains is doubtful."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.decode import Candidates
from dalearn_ros.landmarks.types import Labels

Floats = npt.NDArray[np.float64]


def hold_against(
    found: Candidates, mapped: Labels, radius_px: float
) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Doubtful claims, and places that are not background whatever the network says.

    Args:
        found: What a network claims in a crop.
        mapped: Landmarks that the map has there, by a pose that may be rough.
        radius_px: How far apart a claim and its mapped landmark may be.

    Returns:
        (n,) bool: no mapped landmark of its class is within the radius; and (k, 2) points of the
        mapped landmarks that no claim of their class is within the radius of. Ignored ones (hidden,
        too small, out of range) explain a claim but keep nothing out.
    """
    away = np.linalg.norm(found.point_px[:, None] - mapped.point_px[None], axis=-1)
    same = found.class_id[:, None] == mapped.class_id[None]
    near = same & (away <= radius_px)
    unclaimed = ~near.any(axis=0) & ~mapped.ignore
    return ~near.any(axis=1), np.asarray(mapped.point_px[unclaimed], np.float64)
