"""Rows of different lengths in one array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ragged:
    """N polygons in one array.

    Attributes:
        values: (V, d) all vertices, one polygon after the other.
        starts: (N + 1,) first vertex of each polygon, and V at the end.
    """

    values: Array
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[npt.ArrayLike], width: int) -> Ragged:
        """From a list of (k, width) arrays."""
        arrays = [np.asarray(row, dtype=np.float64).reshape(-1, width) for row in rows]
        starts = np.cumsum([0, *(len(a) for a in arrays)], dtype=np.int64)
        values = np.concatenate(arrays) if arrays else np.zeros((0, width))
        return cls(values, starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> Array:
        """Polygon ``index``, a (k, d) view; IndexError beyond the last."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"polygon {index} of {len(self)}")
        index %= len(self)
        return self.values[self.starts[index] : self.starts[index + 1]]

    def __iter__(self) -> Iterator[Array]:
        return (self[i] for i in range(len(self)))

    def select(self, index: npt.ArrayLike) -> Ragged:
        """The polygons of a mask (N,) or of indices, copied."""
        chosen = np.asarray(index)
        rows = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        sizes = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        taken = np.repeat(self.starts[:-1][rows] - starts[:-1], sizes) + np.arange(starts[-1])
        return Ragged(self.values[taken], starts)
