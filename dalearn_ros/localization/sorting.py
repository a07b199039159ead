"""What an image's observations mean for the map: seen, displaced, explained, or unexplained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.types import Labels, Observations
from dalearn_ros.localization.pairing import nearest_first

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

GATE = 13.82  # squared Mahalanobis distance, 2 degrees of freedom, 99.9 %


@dataclass(frozen=True)
class Sorted:
    """Of N expected landmarks and K observations.

    Attributes:
        due: (N,) it should be seen, and whether it is can be told.
        seen: (N,) it was matched.
        claims: (C, 2) observation and expected landmark that is not where the map has it, but may
            be the observation.
        unexplained: (U,) rows of observations that no landmark of the map explains.
    """

    due: Mask
    seen: Mask
    claims: Ints
    unexplained: Ints


def sort_out(
    expected: Labels,
    rows: Ints,
    observations: Observations,
    matches: Ints,
    *,
    focal_px: float,
    search_m: float,
    map_sigma_m: float,
) -> Sorted:
    """Sort one image's observations.

    An observation without a match that lies within the gate of a landmark of its class is
    ambiguous: it says nothing of that landmark, seen or not. Of the others, each may be the nearest
    landmark of its class that was due and not matched, if it lies within ``search_m`` of it.

    Args:
        expected: N landmarks due, those marked ``ignore`` included.
        rows: (N,) their rows in the map.
        observations: K.
        matches: (M, 2) row of the observation, row in the map.
        focal_px: Pixels per radian.
        search_m: How far a moved landmark is looked for, metres.
        map_sigma_m: Standard deviation of the map, metres.
    """
    seen = np.isin(rows, matches[:, 1])
    free = np.setdiff1d(np.arange(len(observations)), matches[:, 0])
    apart = expected.point_px[:, None] - observations.point_px[None, free]  # (N, F, 2)
    same = expected.class_id[:, None] == observations.class_id[None, free]
    scale = focal_px / np.maximum(expected.range_m, 1.0)  # pixels per metre across
    own = np.nan_to_num(expected.covariance_px2) + (map_sigma_m * scale)[:, None, None] ** 2 * (
        np.eye(2)
    )
    spread = own[:, None] + observations.covariance_px2[None, free]
    distance2 = np.einsum("nfi,nfij,nfj->nf", apart, np.linalg.inv(spread), apart)
    near = same & (distance2 <= GATE)
    doubtful = near.any(axis=1) & ~seen
    free_left = ~near.any(axis=0)
    away_m = np.linalg.norm(apart, axis=2) / scale[:, None]
    due = ~expected.ignore & ~doubtful
    open_to = same & (due & ~seen)[:, None] & free_left[None] & (away_m <= search_m)
    pairs = nearest_first(np.where(open_to, away_m, np.inf))
    claims = np.stack([free[pairs[:, 1]], pairs[:, 0]], axis=1)
    rest = np.setdiff1d(free[free_left], claims[:, 0])
    return Sorted(due, seen, claims.astype(np.int64), rest.astype(np.int64))
