"""Which colours are tried: those of a target image, then those near what hurt (H7, H11 to H14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from dalearn_ros.core.errors import InputError
from dalearn_ros.hard_examples.colour_conversion import ColourConversion
from dalearn_ros.hard_examples.search_near import Neighbourhood
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_rows import Parameter
from dalearn_ros.hard_examples.subsets import Subsets
from dalearn_ros.hard_examples.tries import DRAWN, DRAWS, KEPT, Try

Random = np.random.Generator


class ColourWay:
    """Proposes distributions of a store.

    Attributes:
        conversion: Does what is proposed.
    """

    def __init__(
        self, store: ParameterStore, areas: Sequence[Sequence[str]], settings: HardenSettings
    ) -> None:
        """Begin.

        Args:
            store: Opened to write, as what is generated is put into it.
            areas: The areas that each source image has, without the whole image; none where there
                is no index image.
            settings: Search, conversion and what is near.

        Raises:
            InputError: Store and images share no area.
            SettingsError: A condition that the store's table does not have.
        """
        self._store, self._areas = store, areas
        self._settings, self._how = settings.search, settings.convert
        self.conversion = ColourConversion(store.space, soft_px=settings.convert.soft_px)
        self._near = Neighbourhood(store, settings)
        named = self._settings.condition
        self._condition = store.table.condition(named) if named else None
        self._harmless: set[int] = set()
        known = {one.cell.area for one in store.parameters(condition=self._condition)}
        self._able = [not known or self._suits(row, known) for row in range(len(areas))]
        if not any(self._able):  # an empty store is told by what draws from it
            there = ", ".join(sorted({area for own in areas for area in own})) or "no index image"
            hint = "Name other areas in convert.areas, or set convert.whole to 'rest'."
            expected = f"areas of the source images ({there})"
            raise InputError.at(store.path, "", expected, ", ".join(sorted(known)), hint)

    def can(self, row: int) -> bool:
        """Whether an image has an area that is converted and that the store knows."""
        return self._able[row]

    def _suits(self, row: int, known: AbstractSet[str]) -> bool:
        how = self._how
        if how.whole != "never" and WHOLE in known:
            return True
        chosen = {area for area in self._areas[row] if not how.areas or area in how.areas}
        return how.whole != "alone" and bool(chosen & known)

    def drawn(self, number: int, row: int, random: Random) -> Try | None:
        """A first conversion of an image: colours of one target image; None: none drawn fits.

        Raises:
            StoreError: The store has nothing of the condition.
        """
        avoided = self._harmless if self._settings.explore else set()
        for attempt in range(DRAWS):
            target = self._store.draw(random, self._condition)
            known = self._store.of_target(target.id)
            areas = self._converted(row, known, random)
            ids = {known[area].id for area in areas}
            if ids and (not ids <= avoided or attempt == DRAWS - 1):
                parameters = {area: known[area] for area in areas}
                rules = dict.fromkeys(areas, DRAWN)
                return self._taken(Try(number, row, parameters, rules, None))
        return None

    def beside(self, number: int, hurt: Try, row: int, random: Random) -> Try | None:
        """Colours near those that hurt, of the areas that the image has; None: none are near."""
        areas = [a for a in hurt.parameters if a == WHOLE or a in self._areas[row]]
        chosen = self._near.beside(hurt.parameters, areas, random)
        if all(why == KEPT for _, why in chosen.values()):
            return None
        parameters = {area: one for area, (one, _) in chosen.items()}
        rules = {area: why for area, (_, why) in chosen.items()}
        return self._taken(Try(number, row, parameters, rules, hurt.number))

    def harmless(self, one: Try) -> None:
        """Its colours are drawn again only if there are no others."""
        self._harmless |= {parameter.id for parameter in one.parameters.values()}

    def _taken(self, one: Try) -> Try:
        self._near.taken |= {parameter.id for parameter in one.parameters.values()}
        return one

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
