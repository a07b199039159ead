"""Which parameters are tried next to those that hurt (H7, H13)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_rows import Parameter
from dalearn_ros.hard_examples.tries import GENERATED, KEPT, NEAR
from dalearn_ros.hard_examples.vicinity import by_cell, by_distance, new_ones

Random = np.random.Generator
Found = tuple[Parameter, str]  # and why it is near


class Neighbourhood:
    """The neighbourhoods of parameters, without those that were tried already.

    Attributes:
        taken: Ids of the parameters that took part in a try.
    """

    def __init__(self, store: ParameterStore, settings: HardenSettings) -> None:
        """Begin.

        Args:
            store: Opened to write, as what is generated is put into it.
            settings: Which neighbourhoods, and how near is near.
        """
        self._store, self._settings = store, settings.search
        self._bounds = settings.neighbours.bounds()
        self.taken: set[int] = set()

    def beside(
        self, hurt: Mapping[str, Parameter], areas: Sequence[str], random: Random
    ) -> dict[str, Found]:
        """Parameters near those that hurt: for every area by itself (H13), or of one target.

        Args:
            hurt: Area → parameter of a conversion that hurt.
            areas: Of these some are converted anew.
            random: Of the choice.

        Returns:
            Area → parameter and why it is near: ``same``, ``neighbour`` or ``associated`` (cells),
            ``near`` (distance), ``generated``; ``kept``: no other was near.
        """
        if not (self._settings.together and areas):
            return {area: self._near(hurt[area], random) for area in areas}
        lead = WHOLE if WHOLE in areas else areas[0]
        one, why = self._near(hurt[lead], random)
        if why == GENERATED:
            others = {area: self._made(hurt[area], random) for area in areas if area != lead}
            return {lead: (one, why), **others}
        known = {} if why == KEPT or one.target is None else self._store.of_target(one.target)
        return {area: (known[area], why) if area in known else (hurt[area], KEPT) for area in areas}

    def _near(self, hurt: Parameter, random: Random) -> Found:
        """A parameter of the same area near one, that no try has had yet, and why it is near."""
        own = self._settings
        rules: list[Callable[[Parameter, Random], Found | None]] = []
        rules += [self._of_cells] * own.by_cell + [self._of_bounds] * own.by_distance
        for place in random.permutation(len(rules)):
            found: Found | None = rules[int(place)](hurt, random)
            if found is not None:
                return found
        return self._made(hurt, random) if own.generate else (hurt, KEPT)

    def _made(self, hurt: Parameter, random: Random) -> Found:
        """A new one within the bounds, unless hardly anything there is possible."""
        for one in new_ones(self._store, hurt, self._bounds, random):
            return one, GENERATED
        return hurt, KEPT

    def _of_cells(self, hurt: Parameter, random: Random) -> Found | None:
        groups: dict[str, list[Parameter]] = {}
        for one, why in by_cell(self._store, hurt, unused=False):
            if one.id not in self.taken:
                groups.setdefault(why, []).append(one)
        if not groups:
            return None
        why = sorted(groups)[int(random.integers(len(groups)))]
        return groups[why][int(random.integers(len(groups[why])))], why

    def _of_bounds(self, hurt: Parameter, random: Random) -> Found | None:
        for one in by_distance(self._store, hurt, self._bounds, unused=False):
            if one.id not in self.taken:
                return one, NEAR
        return None
