"""All ways to give the areas of an image other conditions, by number, so that none is listed.

With N areas and M targets, (2^N - 1)*M ways if all areas of a subset follow one target, and
(M + 1)^N - 1 if each follows its own or stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Subsets:
    """The ways; each is a mapping of area → number of its target.

    Attributes:
        areas: N areas.
        targets: M, how many targets there are.
        mixed: Each area may follow a target of its own.
    """

    areas: tuple[str, ...]
    targets: int
    mixed: bool = False

    @classmethod
    def of(cls, areas: Sequence[str], targets: int, mixed: bool = False) -> Subsets:
        """From any sequence of areas."""
        return cls(tuple(areas), targets, mixed)

    @property
    def count(self) -> int:
        """How many ways there are (it may be more than a machine word holds)."""
        if self.mixed:
            return int((self.targets + 1) ** len(self.areas) - 1)
        return int(2 ** len(self.areas) - 1) * self.targets

    def __getitem__(self, number: int) -> dict[str, int]:
        """Way ``number``: area → target, in the order of the areas.

        Raises:
            IndexError: There are not so many.
        """
        if not 0 <= number < self.count:
            raise IndexError(f"way {number} of {self.count}")
        chosen = {}
        if self.mixed:
            digits = number + 1  # 0 would leave all as it is
            for area in self.areas:
                digits, digit = divmod(digits, self.targets + 1)
                if digit:
                    chosen[area] = digit - 1
            return chosen
        subset, target = divmod(number, self.targets)
        for place, area in enumerate(self.areas):
            if (subset + 1) >> place & 1:
                chosen[area] = target
        return chosen

    def __iter__(self) -> Iterator[dict[str, int]]:
        return (self[number] for number in range(self.count))
