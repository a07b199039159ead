"""The search for conversions that hurt (H6, H7, H11 to H15), as a state machine without a network.

:meth:`Search.propose` says what to convert next, :meth:`Search.tell` takes how well it was
recognised. With the same seed, store and answers the proposals are the same, so that a search goes
on by telling it the answers that it had already.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.randomness import generator
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.search_near import KEPT, Neighbourhood
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_rows import Parameter
from dalearn_ros.hard_examples.subsets import Subsets

Random = np.random.Generator
HARD, HARMLESS, ORIGINAL_FAILS = "hard", "harmless", "original fails"
DRAWN = "drawn"
_DRAWS = 50  # of first parameters, until one fits


@dataclass(frozen=True)
class Try:
    """One conversion to try.

    Attributes:
        number: From 0.
        row: The source image.
        parameters: Area → its target distribution.
        rules: Area → why this one: ``drawn``, ``same``, ``neighbour`` or ``associated`` (cells),
            ``near`` (distance), ``generated``, ``kept`` (no other was near).
        parent: Number of the try that hurt and near which this one is; None: drawn.
    """

    number: int
    row: int
    parameters: Mapping[str, Parameter]
    rules: Mapping[str, str]
    parent: int | None

    @property
    def condition(self) -> Condition:
        """That of most of its parameters."""
        counts = Counter(one.cell.condition for one in self.parameters.values())
        return min(counts, key=lambda condition: (-counts[condition], condition))


class Search:
    """What to convert next.

    Attributes:
        tried: How many tries were told.
        outputs: How many of them are learning data.
    """

    def __init__(
        self,
        store: ParameterStore,
        areas: Sequence[Sequence[str]],
        settings: HardenSettings,
        seed: int,
    ) -> None:
        """Begin.

        Args:
            store: Opened to write, as what is generated is put into it.
            areas: The areas that each source image has, without the whole image; none where there
                is no index image.
            settings: Search, conversion and what is near.
            seed: Of all draws.

        Raises:
            SettingsError: A condition that the store's table does not have.
        """
        self._store, self._areas, self._seed = store, areas, seed
        self._settings, self._how = settings.search, settings.convert
        self._near = Neighbourhood(store, settings)
        named = self._settings.condition
        self._condition = store.table.condition(named) if named else None
        self._hurt: deque[tuple[Try, int]] = deque()  # to explore near, and how often yet
        self._harmless: set[int] = set()
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
            InputError: The model fails on every source image, or store and images share no area.
            StoreError: The store has nothing of the condition.
        """
        random = generator(self._seed, "try", self.tried)
        found = None
        if self._settings.explore and random.random() >= self._settings.fresh:
            found = self._explored(random)
        self._open = found or self._drawn(random)
        self._near.taken |= {one.id for one in self._open.parameters.values()}
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
            self._harmless |= {parameter.id for parameter in one.parameters.values()}
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
        row = self._next_row()
        avoided = self._harmless if self._settings.explore else set()
        for attempt in range(_DRAWS):
            target = self._store.draw(random, self._condition)
            known = self._store.of_target(target.id)
            areas = self._converted(row, known, random)
            ids = {known[area].id for area in areas}
            if ids and (not ids <= avoided or attempt == _DRAWS - 1):
                parameters = {area: known[area] for area in areas}
                return Try(self.tried, row, parameters, dict.fromkeys(areas, DRAWN), None)
        hint = "Name other areas in convert.areas, or set convert.whole to 'rest'."
        found = ", ".join(self._areas[row]) or "no index image"
        raise InputError.at(
            self._store.path, "", f"areas of the source image ({found})", "others", hint
        )

    def _converted(self, row: int, known: Mapping[str, Parameter], random: Random) -> list[str]:
        """The areas that a first conversion changes."""
        how = self._how
        whole = [WHOLE] if WHOLE in known else []
        if how.whole == "alone":
            return whole
        areas = [
            area
            for area in self._areas[row]
            if area in known and (not how.areas or area in how.areas)
        ]
        if how.subsets and areas:
            ways = Subsets.of(areas, 1)
            areas = list(ways[int(random.integers(ways.count))])
        if how.whole == "never" or (how.subsets and areas and random.random() < 0.5):
            return areas
        return areas + whole

    def _explored(self, random: Random) -> Try | None:
        """A try near the one that hurt and has waited longest; None if there is none."""
        while self._hurt:
            hurt, left = self._hurt.popleft()
            if left > 1:
                self._hurt.append((hurt, left - 1))
            same = self._settings.image == "same"
            row = hurt.row if same and hurt.row not in self._failing else self._next_row()
            areas = [a for a in hurt.parameters if a == WHOLE or a in self._areas[row]]
            chosen = self._near.beside(hurt.parameters, areas, random)
            if any(why != KEPT for _, why in chosen.values()):
                parameters = {area: one for area, (one, _) in chosen.items()}
                rules = {area: why for area, (_, why) in chosen.items()}
                return Try(self.tried, row, parameters, rules, hurt.number)
        return None

    def _next_row(self) -> int:
        for _ in range(2 * len(self._areas)):  # what is left of this round, and the next one
            row = next(self._rows)
            if row not in self._failing:
                return row
        raise InputError.at(
            "search", "", "source images that the model recognises unconverted",
            f"{len(self._failing)} that it fails on",
            "Lower search.threshold, or set search.failing_originals to 'use'.",
        )  # fmt: skip

    def _endless_rows(self) -> Iterator[int]:
        round_number = 0
        while len(self._areas):
            order = generator(self._seed, "sources", round_number).permutation(len(self._areas))
            yield from order.tolist()
            round_number += 1
