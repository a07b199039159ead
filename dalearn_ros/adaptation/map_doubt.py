"""Pseudo labels held against a map: what no mapped landmark explains is doubtful."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.decode import Candidates
from dalearn_ros.landmarks.types import Labels

Floats = npt.NDArray[np.float64]


def hold_against(
    found: Candidates, mapped: Labels | None, radius_px: float, threshold: float
) -> tuple[Floats, Floats]:
    """What score claims need, and places that are not background whatever the network says.

    Args:
        found: What a network claims in a crop.
        mapped: Landmarks that the map has there, by a pose that may be rough; None: not known.
        radius_px: How far apart a claim and its mapped landmark may be.
        threshold: Score that a claim needs which the map explains.

    Returns:
        (n,) scores: the threshold where a mapped landmark of the class is within the radius,
        infinite where none is, NaN where the map is not known; and (k, 2) points of the
        mapped landmarks that no claim of their class is within the radius of. Ignored ones (hidden,
        too small, out of range) explain a claim but keep nothing out.
    """
    if mapped is None:
        return np.full(len(found), np.nan), np.zeros((0, 2))
    away = np.linalg.norm(found.point_px[:, None] - mapped.point_px[None], axis=-1)
    same = found.class_id[:, None] == mapped.class_id[None]
    near = same & (away <= radius_px)
    unclaimed = ~near.any(axis=0) & ~mapped.ignore
    return np.where(near.any(axis=1), threshold, np.inf), np.asarray(
        mapped.point_px[unclaimed], np.float64
    )
