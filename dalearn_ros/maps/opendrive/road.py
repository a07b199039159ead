"""A road as its coordinates s and t: heights, superelevation, shape (OpenDRIVE, 8, 10, 11)."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from xml.etree.ElementTree import Element as Xml

import numpy as np
import numpy.typing as npt

from dalearn_ros.maps.opendrive.attributes import number
from dalearn_ros.maps.opendrive.geometry import ReferenceLine, read_record
from dalearn_ros.maps.opendrive.lanes import Section, read_section
from dalearn_ros.maps.opendrive.profiles import CrossSection, Profile

Array = npt.NDArray[np.float64]
END_M = 0.05  # rounding in the files: this far beyond its ends, a road is still that road


@dataclass(frozen=True)
class Road:
    """One ``<road>``.

    Attributes:
        name: Its id.
        length: Metres.
        left_hand: Whether traffic keeps to the left (``rule="LHT"``).
        line: Its reference line in the plane.
        elevation: Height of the line, metres.
        superelevation: Roll in radians, positive where the left side is higher.
        shape: Height of its surface over the s-t plane, metres.
        lane_offset: How far the middle lane lies to the left of the line, metres.
        sections: Its lanes.
    """

    name: str
    length: float
    left_hand: bool
    line: ReferenceLine
    elevation: Profile
    superelevation: Profile
    shape: CrossSection
    lane_offset: Profile
    sections: tuple[Section, ...]

    def heading(self, s: float) -> float:
        """Direction of growing s in the plane, radians.

        Raises:
            ValueError: s lies outside of the road.
        """
        self._check(s)
        return self.line.at(s)[2]

    def point(self, s: float, t: float, dz: float = 0.0) -> Array:
        """(3,) map metres of road coordinates.

        The s-t plane is turned by the heading, pitched by the elevation's slope and rolled by the
        superelevation (chapter 8, reference line coordinate system). The shape rises square to that
        plane; ``dz`` is vertical.

        Raises:
            ValueError: s lies outside of the road.
        """
        self._check(s)
        x, y, heading = self.line.at(s)
        z, grade = self.elevation.at(s)
        roll, pitch = self.superelevation.at(s)[0], math.atan(grade)
        cos, sin = math.cos(heading), math.sin(heading)
        back = -math.sin(roll) * math.sin(pitch)  # what a rolled t axis leans against s
        left = np.array(
            [
                back * cos - math.cos(roll) * sin,
                back * sin + math.cos(roll) * cos,
                math.sin(roll) * math.cos(pitch),
            ]
        )
        along = np.array([math.cos(pitch) * cos, math.cos(pitch) * sin, math.sin(pitch)])
        point: Array = np.array([x, y, z + dz]) + t * left
        return point + self.shape.height(s, t) * np.cross(along, left)

    def lane_span(self, s: float, first: int, last: int) -> tuple[float, float] | None:
        """Smallest and largest t (metres) over lanes, None if none of them is there."""
        section = self.section(s)
        if section is None:
            return None
        spans = section.spans(s, self.lane_offset.at(s)[0])
        low, high = min(first, last), max(first, last)
        ends = [t for name, span in spans.items() if low <= name <= high for t in span]
        return (min(ends), max(ends)) if ends else None

    def vehicle_lanes(self, s: float, along: bool) -> list[int]:
        """Ids of the lanes for vehicles that run along growing s, or against it."""
        section = self.section(s)
        right = along != self.left_hand
        return [n for n in section.vehicles if (n < 0) == right] if section else []

    def section(self, s: float) -> Section | None:
        """The lanes at an s (metres); None if the road has none."""
        row = bisect.bisect_right([section.s for section in self.sections], s) - 1
        return self.sections[max(row, 0)] if self.sections else None

    def _check(self, s: float) -> None:
        if not -END_M <= s <= self.length + END_M:
            raise ValueError(
                f"its s is {s:g} m, outside of road {self.name} with {self.length:g} m"
            )


def read_road(element: Xml, problems: list[str]) -> Road:
    """A ``<road>`` element; what is wrong in it beside the line goes to ``problems``.

    Raises:
        ValueError: It has no length, or no ``<planView>`` with a usable piece.
    """
    name = element.get("id", "")
    length = number(element, "length")
    if length <= 0.0:
        raise ValueError(f"its length is {length} m")
    records = []
    for row, geometry in enumerate(element.findall("planView/geometry"), start=1):
        try:
            records.append(read_record(geometry))
        except ValueError as error:
            problems.append(f"road {name}, geometry {row}: {error}.")
    if not records:
        raise ValueError("it has no planView with a usable geometry")

    def profile(path: str) -> Profile:
        try:
            return Profile.of(element.findall(path))
        except ValueError as error:
            problems.append(f"road {name}, {path}: {error}; taken as 0.")
            return Profile()

    try:
        shape = CrossSection.of(element.findall("lateralProfile/shape"))
    except ValueError as error:
        problems.append(f"road {name}, lateralProfile/shape: {error}; taken as 0.")
        shape = CrossSection()
    return Road(
        name=name,
        length=length,
        left_hand=element.get("rule", "RHT").upper() == "LHT",
        line=ReferenceLine(tuple(sorted(records, key=lambda record: record.s))),
        elevation=profile("elevationProfile/elevation"),
        superelevation=profile("lateralProfile/superelevation"),
        shape=shape,
        lane_offset=profile("lanes/laneOffset"),
        sections=_sections(element, problems),
    )


def _sections(element: Xml, problems: list[str]) -> tuple[Section, ...]:
    sections = []
    for section in element.findall("lanes/laneSection"):
        try:
            sections.append(read_section(section))
        except ValueError as error:
            problems.append(f"road {element.get('id', '')}, laneSection: {error}.")
    return tuple(sorted(sections, key=lambda section: section.s))
