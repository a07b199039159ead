"""Roads: a centre line with curves and slope, and places along and beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dalearn_ros.world.style import City

Array = npt.NDArray[np.float64]
STEP_M = 1.0


@dataclass(frozen=True)
class Road:
    """A centre line sampled every metre.

    Attributes:
        xyz: (N, 3) metres, map frame.
        heading: (N,) radians.
        lanes: Lanes in each direction.
        half_m: Half the width of the carriageway, parking included.
        bank: Slope across the road, rise per metre to the left.
    """

    xyz: Array
    heading: Array
    lanes: int
    half_m: float
    bank: float = 0.0

    @property
    def length_m(self) -> float:
        """Length in metres."""
        return (len(self.xyz) - 1) * STEP_M

    @cached_property
    def _grid(self) -> Array:
        return np.asarray(np.arange(len(self.heading)) * STEP_M, np.float64)

    @cached_property
    def _rise(self) -> tuple[Array, Array]:
        """Stations between the samples, and the rise per metre there."""
        grid = np.asarray((np.arange(len(self.xyz) - 1) + 0.5) * STEP_M, np.float64)
        return grid, np.asarray(np.diff(self.xyz[:, 2]) / STEP_M, np.float64)

    def at(self, s: npt.ArrayLike, d: npt.ArrayLike = 0.0, h: npt.ArrayLike = 0.0) -> Array:
        """Points (..., 3): ``s`` along, ``d`` to the left, ``h`` above, all in metres.

        Beyond an end the road goes on straight.
        """
        s, d, h = np.broadcast_arrays(
            np.asarray(s, dtype=np.float64), np.asarray(d, dtype=float), np.asarray(h, dtype=float)
        )
        k = np.clip(s / STEP_M, 0, len(self.xyz) - 1.000001)
        i = k.astype(int)
        f = (k - i)[..., None]
        centre = self.xyz[i] * (1 - f) + self.xyz[i + 1] * f
        slope = self.xyz[i + 1] - self.xyz[i]
        centre = centre + slope * (s / STEP_M - k)[..., None]
        angle = self.heading_at(s)
        left = np.stack([-np.sin(angle), np.cos(angle), np.zeros_like(angle)], axis=-1)
        up = np.array([0.0, 0.0, 1.0])
        return np.asarray(centre + left * d[..., None] + up * (h + self.bank * d)[..., None])

    def heading_at(self, s: npt.ArrayLike) -> Array:
        """Heading in radians."""
        return np.asarray(np.interp(np.asarray(s, dtype=float), self._grid, self.heading))

    def grade_at(self, s: npt.ArrayLike) -> Array:
        """Rise per metre along the road."""
        grid, rise = self._rise
        return np.asarray(np.interp(np.asarray(s, dtype=float), grid, rise))

    def frame(self, s: float, d: float, h: float = 0.0, turn: float = 0.0) -> Array:
        """(4, 4) to the world of an upright object: x along the road + ``turn`` rad, y left."""
        angle = float(self.heading_at(s)) + turn
        m = np.eye(4)
        m[:2, 0] = np.cos(angle), np.sin(angle)
        m[:2, 1] = -np.sin(angle), np.cos(angle)
        m[:3, 3] = self.at(s, d, h)
        return m


def half_width(city: City, lanes: int) -> float:
    """Half the carriageway in metres."""
    return lanes * city.lane_m + city.parking_m + 0.3


def main_road(
    rng: np.random.Generator, city: City, length_m: float, junctions: Array, lanes: int
) -> Road:
    """The road that the drive follows: it bends between junctions, never back on itself."""
    n = int(np.ceil(length_m / STEP_M)) + 2
    s = np.arange(n) * STEP_M
    curvature = np.zeros(n)
    heading = 0.0
    edges = np.concatenate([[0.0], junctions, [length_m]])
    for a, b in zip(edges[:-1] + 16.0, edges[1:] - 30.0, strict=True):
        if b - a < 20.0:
            continue
        turn = rng.normal(0.0, 0.42) * city.curve - 0.35 * heading
        turn = float(np.clip(turn, -0.6, 0.6))
        turn = float(np.clip(turn, -(b - a) / 130.0, (b - a) / 130.0))
        inside = (s > a) & (s < b)
        shape = np.sin(np.pi * (s[inside] - a) / (b - a)) ** 2
        curvature[inside] = turn * shape / max(shape.sum() * STEP_M, 1e-9)
        heading += turn
    angle = np.cumsum(curvature) * STEP_M + rng.uniform(-np.pi, np.pi)
    x = np.concatenate([[0.0], np.cumsum(np.cos(angle[:-1]))]) * STEP_M
    y = np.concatenate([[0.0], np.cumsum(np.sin(angle[:-1]))]) * STEP_M
    z = np.zeros(n)
    for wave in (340.0, 190.0):
        steep = rng.uniform(0.008, 0.022) * city.slope
        z += steep * wave / (2 * np.pi) * np.sin(2 * np.pi * (s / wave + rng.random()))
    return Road(np.stack([x, y, z], axis=1), angle, lanes, half_width(city, lanes))


def cross_road(main: Road, s: float, city: City, lanes: int, reach_m: float) -> Road:
    """A straight road across the main one at ``s``, level along itself, its middle at s = reach.

    Its direction is the main road's left.
    """
    n = int(2 * reach_m / STEP_M) + 1
    t = (np.arange(n) * STEP_M) - reach_m
    angle = float(main.heading_at(s)) + np.pi / 2
    centre = main.at(s)
    along = np.array([np.cos(angle), np.sin(angle), 0.0])
    xyz = centre[None] + t[:, None] * along[None]
    bank = -float(main.grade_at(s))
    return Road(xyz, np.full(n, angle), lanes, half_width(city, lanes), bank)


@dataclass(frozen=True)
class Approach:
    """One way of coming to a junction.

    ``at(a, r)``: ``a`` metres before the junction's centre, ``r`` metres to the right of the
    centre line, as the driver sees it.
    """

    road: Road
    centre_s: float
    forward: bool
    crossing_half_m: float

    @property
    def sign(self) -> float:
        """+1 along the road's own direction, -1 against it."""
        return 1.0 if self.forward else -1.0

    def sd(self, a: npt.ArrayLike, r: npt.ArrayLike) -> tuple[Array, Array]:
        """(s, d) on the road."""
        s = self.centre_s - self.sign * np.asarray(a, dtype=float)
        return s, -self.sign * np.asarray(r, dtype=float)

    def at(self, a: npt.ArrayLike, r: npt.ArrayLike, h: npt.ArrayLike = 0.0) -> Array:
        """Points (..., 3) in the world."""
        s, d = self.sd(a, r)
        return self.road.at(s, d, h)

    def heading(self, a: float) -> float:
        """Driving direction in radians."""
        s, _ = self.sd(a, 0.0)
        return float(self.road.heading_at(s)) + (0.0 if self.forward else np.pi)

    def frame(self, a: float, r: float, h: float = 0.0, turn: float = 0.0) -> Array:
        """(4, 4): x in driving direction, y left."""
        s, d = self.sd(a, r)
        back = 0.0 if self.forward else np.pi
        return self.road.frame(float(s), float(d), h, back + turn)
