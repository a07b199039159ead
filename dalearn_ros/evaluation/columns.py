"""A growing table of numbers that takes a few bytes a value."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import numpy.typing as npt

_NUMPY = {"d": np.float64, "q": np.int64, "h": np.int16}


class Columns:
    """Columns of one length, each of one kind.

    Args:
        kinds: Name → ``d`` (64-bit float), ``q`` (64-bit integer) or ``h`` (16-bit integer).
    """

    def __init__(self, **kinds: str) -> None:
        self._columns: dict[str, array[Any]] = {name: array(kind) for name, kind in kinds.items()}

    def empty(self) -> Columns:
        """The same columns without rows."""
        return Columns(**{name: column.typecode for name, column in self._columns.items()})

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(self._columns)

    def extend(self, **values: npt.ArrayLike) -> None:
        """Add rows.

        Args:
            values: Every column → (K,) its new values, or one number for all new rows.
        """
        arrays = {name: np.asarray(value) for name, value in values.items()}
        count = max((len(a) for a in arrays.values() if a.ndim), default=1)
        for name, column in self._columns.items():
            rows = np.broadcast_to(arrays[name], (count,))
            column.frombytes(np.ascontiguousarray(rows, _NUMPY[column.typecode]).tobytes())

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """(N,) a copy of a column."""
        column = self._columns[name]
        return np.array(column, dtype=_NUMPY[column.typecode])
