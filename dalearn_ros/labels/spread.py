"""How sure the offsets of a drive are: how far they move when a part of it is left out.

A landmark that stands 0.2 m from its place in the map is off in every view of it, a pose that
drifts is off over a whole stretch, and a detector puts its points of one class all to the same
side. None of them shrinks with the number of views, so each is taken for one piece of evidence,
not each pair. Delete-a-group jackknife (Efron and Tibshirani 1993, chapter 11.7).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from dalearn_ros.labels.residuals import Pairs

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Solve = Callable[[npt.NDArray[np.bool_]], Array]

STRETCHES = 24  # of a drive, each left out once
LEAST_CLASSES = 3  # from which on what a class does is told from chance


def spread_of(pairs: Pairs, solve: Solve) -> Array:
    """Standard deviations (6,) from the drive's stretches and from its classes, together.

    Args:
        pairs: All that the offsets are estimated from.
        solve: The offsets (6,) from a mask (M,) of the pairs.

    Returns:
        The root of the sum of both variances. A drive with fewer than three classes says nothing
        about what a class does; what all classes have in common is in neither.
    """
    variance = _jackknife(stretches(pairs), solve)
    classes = np.unique(pairs.class_id, return_inverse=True)[1]
    if classes.max() + 1 >= LEAST_CLASSES:
        variance = variance + _jackknife(classes, solve)
    spread: Array = np.sqrt(variance)
    return spread


def stretches(pairs: Pairs) -> Ints:
    """Stretch (M,) of each pair, counted from 0: landmarks in the order in which they were met.

    All pairs of a landmark are in one stretch; at most 24, of equally many landmarks.
    """
    names, landmark = np.unique(pairs.map_id, return_inverse=True)
    met = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(met, landmark, pairs.frame)
    rank = np.argsort(np.argsort(met, kind="stable"), kind="stable")
    stretch: Ints = (rank * min(STRETCHES, len(names)) // len(names))[landmark]
    return stretch


def _jackknife(group: Ints, solve: Solve) -> Array:
    """Variances (6,): (G - 1) / G of the squared ways that the answer moves without each group."""
    count = int(group.max()) + 1
    whole = solve(np.ones(len(group), dtype=bool))
    moved = np.array([solve(group != left_out) - whole for left_out in range(count)])
    variance: Array = (moved**2).sum(axis=0) * (count - 1) / count
    return variance
