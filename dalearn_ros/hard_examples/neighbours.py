"""Which parameters lie near one that hurt, and new ones there where the store has none (H7).

A parameter is a vector with a value for each axis of its conversion; colours have mean and
deviation of every channel. Pure functions; nothing here knows the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.settings import field
from dalearn_ros.hard_examples.spaces import ColourSpace

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Random = np.random.Generator
TRIES = 200  # draws for each wanted parameter before it is given up
LEAST_STD = 1e-3


@dataclass(frozen=True)
class NeighbourSettings:
    """How near is near, in the units of the colour space (L* 0 to 100)."""

    rule: str = field(
        "radius", "Distance in the (mean, deviation) plane, or each axis for itself.",
        choices=("radius", "box"),
    )  # fmt: skip
    radius: float = field(8.0, "Rth2: distances below it are near.", minimum=0.0)
    mean: float = field(8.0, "Mth2: differences of means below it are near (box).", minimum=0.0)
    std: float = field(4.0, "Sth2: differences of deviations below it (box).", minimum=0.0)
    channels: str = field(
        "lightness", "Only the first channel is looked at, or all three.",
        choices=("lightness", "all"),
    )  # fmt: skip

    def bounds(self) -> Bounds:
        """The bounds for colour parameters (mean, deviation of channels 0, 1, 2)."""
        one = (self.radius, self.radius) if self.rule == "radius" else (self.mean, self.std)
        rest = (np.inf, np.inf) if self.channels == "lightness" else one
        return Bounds((*one, *rest, *rest), self.rule == "radius")


@dataclass(frozen=True)
class Bounds:
    """What is near: an ellipsoid or a box about a parameter.

    Attributes:
        half: Half of its width along each axis, in the axis's unit; infinite: not looked at.
        round: An ellipsoid (Expression 3: all together) or a box (Expression 4: each for itself).
    """

    half: tuple[float, ...]
    round: bool = True


def distances(vectors: npt.ArrayLike, centre: npt.ArrayLike, bounds: Bounds) -> Floats:
    """(N,) distance of parameters (N, k) from one (k,); what is below 1 lies in the bounds."""
    offset = np.atleast_2d(np.asarray(vectors, np.float64)) - np.asarray(centre, np.float64)
    half = np.asarray(bounds.half)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(np.isinf(half), 0.0, np.abs(offset) / half)
    parts = np.where(np.isnan(parts), np.inf, parts)  # 0 / 0: nothing is below a bound of 0
    if bounds.round:
        return np.asarray(np.sqrt((parts**2).sum(axis=1)), np.float64)
    return np.asarray(parts.max(axis=1, initial=0.0), np.float64)


def inside(vectors: npt.ArrayLike, centre: npt.ArrayLike, bounds: Bounds) -> Mask:
    """(N,) which parameters (N, k) lie strictly within the bounds about one (k,)."""
    return np.asarray(distances(vectors, centre, bounds) < 1.0, np.bool_)


def generate(
    centre: npt.ArrayLike,
    bounds: Bounds,
    random: Random,
    count: int,
    possible: Callable[[Floats], Mask],
) -> Floats:
    """New parameters, evenly spread within the bounds about one.

    Axes that are not looked at keep the centre's value.

    Args:
        centre: (k,).
        bounds: How far they may lie.
        random: Source of randomness.
        count: How many.
        possible: (N, k) parameters → (N,) which of them can be used.

    Returns:
        (n, k) with n = count, or fewer where hardly anything within the bounds is possible.
    """
    middle, half = np.asarray(centre, np.float64), np.asarray(bounds.half)
    looked = np.flatnonzero(np.isfinite(half) & (half > 0.0))
    found = np.zeros((0, len(middle)))
    if not len(looked):
        return found
    for _ in range(TRIES):
        if len(found) >= count:
            break
        unit = (
            _in_ball(random, count, len(looked))
            if bounds.round
            else random.uniform(-1.0, 1.0, (count, len(looked)))
        )
        drawn = np.repeat(middle[None], count, axis=0)
        drawn[:, looked] += unit * half[looked]
        drawn = drawn[inside(drawn, middle, bounds) & possible(drawn)]
        found = np.concatenate([found, drawn])
    return found[:count]


def possible_colours(vectors: npt.ArrayLike, space: ColourSpace) -> Mask:
    """(N,) which (mean, deviation) vectors (N, 6) some 8-bit image can have.

    Deviations are above 0; the mean is a colour that the image can show; and no deviation is
    larger than numbers between a channel's ends m and M with that mean can have:
    std^2 <= (mean - m)(M - mean) (Bhatia and Davis 2000).
    """
    found = np.atleast_2d(np.asarray(vectors, np.float64))
    mean, std = found[:, 0::2], found[:, 1::2]
    low, high = np.asarray(space.ranges).T
    spread = std**2 <= (mean - low) * (high - mean)
    good = np.isfinite(found).all(axis=1) & (std >= LEAST_STD).all(axis=1) & spread.all(axis=1)
    return np.asarray(good & space.inside(mean), np.bool_)


def _in_ball(random: Random, count: int, size: int) -> Floats:
    """(count, size) points, evenly spread in the unit ball."""
    direction = random.standard_normal((count, size))
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-12)
    return np.asarray(direction * random.uniform(0.0, 1.0, (count, 1)) ** (1.0 / size), np.float64)


def nearest_first(vectors: Sequence[Floats], centre: Floats, bounds: Bounds) -> list[int]:
    """Places of the vectors within the bounds, nearest first."""
    if not len(vectors):
        return []
    away = distances(np.stack(list(vectors)), centre, bounds)
    order = np.argsort(away, kind="stable")
    return [int(i) for i in order if away[i] < 1.0]
