"""Which filters and shapes are tried: drawn along the axes, then near what hurt (H7c, H9).

They have no store of what was measured in the world: a vector is drawn evenly within the ranges of
the conversion's axes, and neighbours are generated within the bounds about one that hurt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.hard_examples.conversion import bounds_of, narrowed
from dalearn_ros.hard_examples.filters import Filter
from dalearn_ros.hard_examples.neighbours import generate
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.hard_examples.shapes import ShapeConversion
from dalearn_ros.hard_examples.tries import DRAWN, DRAWS, GENERATED, Try

Floats = npt.NDArray[np.float64]
Random = np.random.Generator
Suited = Callable[[int, "Floats | None"], Sequence[str]]


class AxisWay:
    """Proposes vectors along the axes of a conversion; each try changes one part of an image.

    Attributes:
        conversion: Does what is proposed, its axes narrowed by the settings.
    """

    def __init__(
        self,
        conversion: Filter | ShapeConversion,
        suited: Suited,
        rows: int,
        settings: HardenSettings,
    ) -> None:
        """Begin.

        Args:
            conversion: With all of its axes.
            suited: Source image and vector → parts that can take it; None: any vector.
            rows: How many source images there are.
            settings: How strong, and how near is near.

        Raises:
            InputError: No image has a part that can be changed.
        """
        own = settings.conversions
        axes = narrowed(conversion.axes, own.strength)
        self.conversion = replace(conversion, axes=axes)
        self._suited = suited
        self._able = [bool(suited(row, None)) for row in range(rows)]
        if not any(self._able):
            expected = "images with signs or signals that count and lie wholly in them"
            raise InputError.at("--data", f"for '{conversion.name}'", expected, "none")
        self._low, self._high = np.array([[axis.low, axis.high] for axis in axes]).T
        self._bounds = bounds_of(axes, own.near, settings.neighbours.rule == "radius")

    def can(self, row: int) -> bool:
        """Whether an image has a part that can be changed."""
        return self._able[row]

    def drawn(self, number: int, row: int, random: Random) -> Try | None:
        """A vector from all of the ranges, for one part of an image."""
        vectors = (random.uniform(self._low, self._high) for _ in range(DRAWS))
        return self._first(number, row, vectors, random, None)

    def beside(self, number: int, hurt: Try, row: int, random: Random) -> Try | None:
        """A vector near the one that hurt: of the same part in the same image, of any in others."""
        ((part, vector),) = hurt.vectors.items()

        def near() -> Iterator[Floats]:
            for _ in range(DRAWS):
                yield from generate(vector, self._bounds, random, 1, self.conversion.possible)

        same = part if row == hurt.row else ""
        return self._first(number, row, near(), random, hurt.number, same)

    def harmless(self, one: Try) -> None:
        """Nothing follows: no vector is drawn twice."""

    def _first(
        self,
        number: int,
        row: int,
        vectors: Iterator[Floats],
        random: Random,
        parent: int | None,
        part: str = "",
    ) -> Try | None:
        """A try with the first of the vectors that a part of the image can take."""
        for vector in vectors:
            parts = [one for one in self._suited(row, vector) if part in ("", one)]
            if parts:
                chosen = parts[int(random.integers(len(parts)))]
                rules = {chosen: DRAWN if parent is None else GENERATED}
                target = {chosen: tuple(vector.tolist())}
                return Try(number, row, {}, rules, parent, self.conversion.name, target)
        return None
