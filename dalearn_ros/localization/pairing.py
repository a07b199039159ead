"""One-to-one pairs, nearest first, and which rows are among others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def nearest_first(cost: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """One-to-one pairs of rows and columns, smallest cost first.

    Args:
        cost: (R, C); a pair that is not finite is never taken. Ties go to the smaller row, then
            to the smaller column.

    Returns:
        (K, 2) row and column, in the order of their cost.
    """
    rows, columns = np.nonzero(np.isfinite(cost))
    order = np.argsort(cost[rows, columns], kind="stable")
    free_row = np.ones(cost.shape[0], dtype=bool)
    free_column = np.ones(cost.shape[1], dtype=bool)
    taken: list[tuple[int, int]] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if free_row[row] and free_column[column]:
            free_row[row] = free_column[column] = False
            taken.append((row, column))
    return np.array(taken, dtype=np.int64).reshape(-1, 2)


def among(rows: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which of (N,) rows are among (M,) others: as ``np.isin``, quicker where both are few."""
    found: npt.NDArray[np.bool_] = (rows[:, None] == others).any(axis=1)
    return found
