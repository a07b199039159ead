"""One conversion to try, and what each kind of conversion must be able to propose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from dalearn_ros.hard_examples.colour_conversion import COLOURS
from dalearn_ros.hard_examples.conversion import Conversion, Parameters
from dalearn_ros.hard_examples.store_rows import Parameter

Random = np.random.Generator
DRAWN, NEAR, GENERATED, KEPT = "drawn", "near", "generated", "kept"
DRAWS = 50  # of first parameters, until one fits


@dataclass(frozen=True)
class Try:
    """One conversion to try.

    Attributes:
        number: From 0.
        row: The source image.
        parameters: Area → its target distribution; of colours only.
        rules: Part → why this one: ``drawn``, ``same``, ``neighbour`` or ``associated`` (cells),
            ``near`` (distance), ``generated``, ``kept`` (no other was near).
        parent: Number of the try that hurt and near which this one is; None: drawn.
        conversion: Name of the conversion.
        vectors: Part → vector along the axes of a conversion that has no store.
    """

    number: int
    row: int
    parameters: Mapping[str, Parameter]
    rules: Mapping[str, str]
    parent: int | None
    conversion: str = COLOURS
    vectors: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def condition(self) -> str:
        """That of most of its parameters; of other conversions than colours their name."""
        if self.conversion != COLOURS:
            return self.conversion
        counts = Counter(one.cell.condition for one in self.parameters.values())
        return str(min(counts, key=lambda condition: (-counts[condition], condition)))

    @property
    def targets(self) -> Parameters:
        """Part → vector, as conversions take them."""
        if self.conversion != COLOURS:
            return {part: np.asarray(vector) for part, vector in self.vectors.items()}
        return {area: one.distribution.vector for area, one in self.parameters.items()}


class Way(Protocol):
    """Proposes what to do to an image by one conversion.

    Attributes:
        conversion: Does it.
    """

    @property
    def conversion(self) -> Conversion:
        """Does it."""

    def can(self, row: int) -> bool:
        """Whether an image has anything that the conversion changes."""

    def drawn(self, number: int, row: int, random: Random) -> Try | None:
        """A first conversion of an image; None: nothing that was drawn suits it."""

    def beside(self, number: int, hurt: Try, row: int, random: Random) -> Try | None:
        """A conversion of an image near one that hurt; None: nothing is near."""

    def harmless(self, one: Try) -> None:
        """A proposed conversion did no harm."""
