"""An endless random order in rounds: each round has every row as often as the one before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.randomness import generator

Rows = npt.NDArray[np.int64]


class Rounds:
    """Rows in an order that never ends; the same seed and names give the same one.

    Args:
        rows: (n,) what comes in a round; a row may be there several times.
        seed: Of the order.
        names: Of its stream of random numbers; the number of the round is added.
    """

    def __init__(self, rows: Rows, seed: int, *names: str | int) -> None:
        self._rows, self._seed, self._names = rows, seed, names
        self._made: dict[int, Rows] = {}  # the two last asked for: batches cross the border

    def __len__(self) -> int:
        """Rows of a round."""
        return len(self._rows)

    def __getitem__(self, number: int) -> int:
        """The row at a place of the order, counted from 0 without end."""
        which, place = divmod(number, len(self._rows))
        if which not in self._made:
            while len(self._made) > 1:
                del self._made[next(iter(self._made))]
            random = generator(self._seed, *self._names, which)
            self._made[which] = random.permutation(self._rows)
        return int(self._made[which][place])

    def take(self, start: int, stop: int) -> Rows:
        """(stop - start,) the rows at these places of the order."""
        return np.array([self[number] for number in range(start, stop)], np.int64)
