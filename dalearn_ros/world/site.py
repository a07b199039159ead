"""What all builders of one city share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from dalearn_ros.world.plan import Plan
from dalearn_ros.world.roads import Road
from dalearn_ros.world.scene import Scene
from dalearn_ros.world.signs import SignFace
from dalearn_ros.world.style import City

CROSS_REACH_M = 75.0  # half the length of a cross road
COMBINATIONS = [
    ("warning_sign",),
    ("warning_sign", "auxiliary_sign"),
    ("regulating_sign",),
    ("regulating_sign", "auxiliary_sign"),
    ("indicating_sign",),
    ("indicating_sign", "auxiliary_sign"),
    ("regulating_sign", "indicating_sign"),
    ("warning_sign", "regulating_sign"),
]
LARGE_M = 2.3  # wider signs hang on gantries


@dataclass
class SignDeck:
    """Deals signs so that every kind and every face comes round before one comes again."""

    rng: np.random.Generator
    faces: list[SignFace]
    _decks: dict[tuple[str, bool], list[SignFace]] = field(default_factory=dict)
    _combinations: list[tuple[str, ...]] = field(default_factory=list)

    def draw(self, kind: str, large: bool = False) -> SignFace:
        """The next sign of a kind, for a post or (large) for a gantry."""
        deck = self._decks.setdefault((kind, large), [])
        if not deck:
            pool = [f for f in self.faces if f.kind == kind and (f.size_m[0] > LARGE_M) == large]
            deck += [pool[int(i)] for i in self.rng.permutation(len(pool))]
        return deck.pop()

    def combination(self) -> list[SignFace]:
        """The next one to three signs that hang on one post, the first on top."""
        if not self._combinations:
            order = self.rng.permutation(len(COMBINATIONS))
            self._combinations = [COMBINATIONS[int(i)] for i in order]
        return [self.draw(kind) for kind in self._combinations.pop()]


@dataclass
class Site:
    """A city under construction.

    Attributes:
        crossings: The cross road of each junction of the plan.
        taken: Station and side (+1 left) of each post, where nothing is planted.
    """

    scene: Scene
    plan: Plan
    deck: SignDeck
    crossings: list[Road] = field(default_factory=list)
    taken: list[tuple[float, float]] = field(default_factory=list)

    @property
    def rng(self) -> np.random.Generator:
        """The one stream of randomness of the city's layout."""
        return self.scene.rng

    @property
    def city(self) -> City:
        """The city's habits."""
        return self.scene.city

    @property
    def road(self) -> Road:
        """The main road."""
        return self.plan.road
