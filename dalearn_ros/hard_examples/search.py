"""The search for conversions that hurt (H6, H7, H11 to H15), as a state machine without a network.

:meth:`Search.propose` says what to convert next, :meth:`Search.tell` takes how well it was
recognised. With the same seed, store and answers the proposals are the same, so that a search goes
on by telling it the answers that it had already.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.randomness import generator
from dalearn_ros.hard_examples.search_settings import SearchSettings
from dalearn_ros.hard_examples.tries import Try, Way

Random = np.random.Generator
HARD, HARMLESS, ORIGINAL_FAILS = "hard", "harmless", "original fails"


class NothingLeft(InputError):
    """The model fails on every source image unconverted: no conversion can be blamed."""


class Search:
    """What to convert next.

    Attributes:
        ways: Name of each conversion that is searched with, to what proposes it.
        tried: How many tries were told.
        outputs: How many of them are learning data.
    """

    def __init__(self, ways: Sequence[Way], rows: int, settings: SearchSettings, seed: int) -> None:
        """Begin.

        Args:
            ways: Conversions; each first try is of one of them, drawn evenly.
            rows: How many source images there are.
            settings: Of the search.
            seed: Of all draws.
        """
        self.ways = {way.conversion.name: way for way in ways}
        self._count, self._settings, self._seed = rows, settings, seed
        self._hurt: deque[tuple[Try, int]] = deque()  # to explore near, and how often yet
        self._failing: set[int] = set()  # rows whose originals fail under the present model
        self._rows = self._endless_rows()
        self._open: Try | None = None
        self.tried = self.outputs = 0

    @property
    def over(self) -> bool:
        """Is the budget in images spent?"""
        own = self._settings
        return self.outputs >= own.outputs or self.tried >= own.tries

    def propose(self) -> Try:
        """The next conversion; it must be told before the next is asked for.

        Raises:
            NothingLeft: The model fails on every source image.
            StoreError: The store has nothing of the condition.
        """
        random = generator(self._seed, "try", self.tried)
        found = None
        if self._settings.explore and random.random() >= self._settings.fresh:
            found = self._explored(random)
        self._open = found or self._drawn(random)
        return self._open

    def tell(self, accuracy: float, original: float | None = None) -> str:
        """How well the proposed conversion was recognised.

        Args:
            accuracy: Of the converted image.
            original: Of its source under the same model; wanted if ``accuracy`` is below the
                threshold, unless failing originals are to be used as others are.

        Returns:
            ``hard``: it is learning data and there will be more near it; ``harmless``;
            ``original fails``: so does the original, nothing follows from it.
        """
        one, own = self._open, self._settings
        assert one is not None
        self._open = None
        self.tried += 1
        if accuracy >= own.threshold:
            self.ways[one.conversion].harmless(one)
            return HARMLESS
        if original is not None and self._original_fails(accuracy, original):
            if original == 0.0 or own.failing_originals == "skip":
                self._failing.add(one.row)  # none of its conversions can be hard
            return ORIGINAL_FAILS
        self.outputs += 1
        self._hurt.append((one, own.branches))
        return HARD

    def updated(self) -> None:
        """The model has changed: originals that failed may not fail any more."""
        self._failing.clear()

    def _original_fails(self, accuracy: float, original: float) -> bool:
        own = self._settings
        if own.failing_originals == "use" or original >= own.threshold:
            return False
        return own.failing_originals == "skip" or accuracy >= own.threshold * original

    def _drawn(self, random: Random) -> Try:
        ways = list(self.ways.values())
        order = random.permutation(len(ways)).tolist() if len(ways) > 1 else [0]
        for way in (ways[place] for place in order):
            found: Try | None = None
            for _ in range(2 * self._count):
                row = self._next_row(way)
                found = None if row is None else way.drawn(self.tried, row, random)
                if row is None or found is not None:
                    break
            if found is not None:
                return found
        raise NothingLeft.at(
            "search", "", "source images that the model recognises unconverted",
            f"{len(self._failing)} that it fails on, of {self._count}",
            "Lower search.threshold, or set search.failing_originals to 'use'.",
        )  # fmt: skip

    def _explored(self, random: Random) -> Try | None:
        """A try near the one that hurt and has waited longest; None if there is none."""
        while self._hurt:
            hurt, left = self._hurt.popleft()
            if left > 1:
                self._hurt.append((hurt, left - 1))
            same = self._settings.image == "same"
            way = self.ways[hurt.conversion]
            again = same and hurt.row not in self._failing
            row = hurt.row if again else self._next_row(way)
            found = None if row is None else way.beside(self.tried, hurt, row, random)
            if found is not None:
                return found
        return None

    def _next_row(self, way: Way) -> int | None:
        """The next image whose original does not fail and that the conversion can change."""
        for _ in range(2 * self._count):  # what is left of this round, and the next one
            row = next(self._rows)
            if row not in self._failing and way.can(row):
                return row
        return None

    def _endless_rows(self) -> Iterator[int]:
        round_number = 0
        while self._count:
            order = generator(self._seed, "sources", round_number).permutation(self._count)
            yield from order.tolist()
            round_number += 1
