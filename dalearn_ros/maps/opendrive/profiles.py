"""What changes along a road by cubic polynomials: heights, roll, widths, its cross section."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element as Xml

from dalearn_ros.maps.opendrive.attributes import cubic, number
from dalearn_ros.maps.opendrive.geometry import Coefficients


@dataclass(frozen=True)
class Profile:
    """Cubic polynomials one after the other: elevation, superelevation, lane offset, width.

    Attributes:
        starts: Where each begins, ascending, metres.
        pieces: Their coefficients a, b, c, d.
    """

    starts: tuple[float, ...] = ()
    pieces: tuple[Coefficients, ...] = ()

    @classmethod
    def of(cls, elements: Iterable[Xml], key: str = "s") -> Profile:
        """From elements with ``key`` and a, b, c, d.

        Raises:
            ValueError: A number is missing or absurd.
        """
        rows = sorted((number(e, key), cubic(e)) for e in elements)
        return cls(tuple(s for s, _ in rows), tuple(piece for _, piece in rows))

    def at(self, s: float) -> tuple[float, float]:
        """Value and slope at s; both 0 where nothing is defined."""
        row = bisect.bisect_right(self.starts, s) - 1
        if row < 0:
            return 0.0, 0.0
        a, b, c, d = self.pieces[row]
        x = s - self.starts[row]
        return a + (b + (c + d * x) * x) * x, b + (2.0 * c + 3.0 * d * x) * x


@dataclass(frozen=True)
class CrossSection:
    """Height of the road's surface over its s-t plane: the ``<shape>`` of a lateral profile.

    At a station it is a polynomial of t, between stations the linear interpolation of the two
    (OpenDRIVE, chapter 10, road shape). Right of its first t it is level; before the first and
    after the last station it is that of the station.

    Attributes:
        stations: s of each, ascending, metres.
        profiles: Height over t at each, metres.
    """

    stations: tuple[float, ...] = ()
    profiles: tuple[Profile, ...] = ()

    @classmethod
    def of(cls, elements: Iterable[Xml]) -> CrossSection:
        """From ``<shape>`` elements.

        Raises:
            ValueError: A number is missing or absurd.
        """
        by_station: dict[float, list[Xml]] = defaultdict(list)
        for element in elements:
            by_station[number(element, "s")].append(element)
        stations = sorted(by_station)
        return cls(tuple(stations), tuple(Profile.of(by_station[s], "t") for s in stations))

    def height(self, s: float, t: float) -> float:
        """Metres at s and t, both metres; 0 where nothing is defined."""
        if not self.stations:
            return 0.0
        row = bisect.bisect_right(self.stations, s)
        before, after = max(row - 1, 0), min(row, len(self.stations) - 1)
        low, high = (
            profile.at(max(t, profile.starts[0]))[0]
            for profile in (self.profiles[before], self.profiles[after])
        )
        length = self.stations[after] - self.stations[before]
        share = (s - self.stations[before]) / length if length > 0.0 else 0.0
        return low + share * (high - low)
