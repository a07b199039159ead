"""Lanes of a road: where their borders are, and which are for vehicles (OpenDRIVE, chapter 11)."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element as Xml

from dalearn_ros.maps.opendrive.attributes import number
from dalearn_ros.maps.opendrive.profiles import Profile

PASSABLE = ("driving", "bidirectional", "entry", "exit", "onRamp", "offRamp", "connectingRamp")


@dataclass(frozen=True)
class Section:
    """Lanes from one s on, all but the middle lane 0.

    Attributes:
        s: Where it begins, metres.
        lanes: Their ids.
        widths: Lane → width along the section.
        borders: Lane → t of its outer border along the section. It counts from the reference
            line, not from the lane offset. Lanes of a side that has a width have none.
        vehicles: Ids of the lanes for vehicles.
    """

    s: float
    lanes: tuple[int, ...]
    widths: dict[int, Profile]
    borders: dict[int, Profile]
    vehicles: frozenset[int]

    def spans(self, s: float, offset: float) -> dict[int, tuple[float, float]]:
        """Lane → t of its inner and outer border (metres) at an s of the road.

        Args:
            s: Metres along the road.
            offset: t of the middle lane there.
        """
        found: dict[int, tuple[float, float]] = {}
        for side in (1, -1):
            inner = offset
            for name in sorted((n for n in self.lanes if n * side > 0), key=abs):
                if name in self.borders:
                    outer = self.borders[name].at(s - self.s)[0]
                    outer = side * max(side * outer, side * inner)
                else:
                    width = self.widths.get(name, Profile()).at(s - self.s)[0]
                    outer = inner + side * max(width, 0.0)
                found[name] = (inner, outer)
                inner = outer
        return found


def read_section(element: Xml) -> Section:
    """A ``<laneSection>``.

    Raises:
        ValueError: A number is missing or absurd.
    """
    lanes = {int(number(lane, "id")): lane for lane in element.iter("lane")}
    lanes.pop(0, None)
    widths: dict[int, Profile] = {}
    borders: dict[int, Profile] = {}
    for side in (1, -1):
        group = {name: lane for name, lane in lanes.items() if name * side > 0}
        # Both on one side are not allowed; if they are there, the widths count.
        if any(lane.find("width") is not None for lane in group.values()):
            widths |= {n: Profile.of(e.findall("width"), "sOffset") for n, e in group.items()}
        else:
            found = {n: e.findall("border") for n, e in group.items()}
            borders |= {n: Profile.of(e, "sOffset") for n, e in found.items() if e}
    vehicles = frozenset(n for n, lane in lanes.items() if lane.get("type") in PASSABLE)
    return Section(number(element, "s"), tuple(lanes), widths, borders, vehicles)
