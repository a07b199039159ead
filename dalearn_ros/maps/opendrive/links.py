"""Which signals are meant for which lanes (OpenDRIVE, chapter 14, lane validity).

A ``<signal>`` is for the lanes of its road that its ``<validity>`` names, without one for all lanes
for vehicles, of those that run in its orientation; a ``<signalReference>`` says the same of another
road, such as the one that leads on through a junction.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element as Xml

import numpy as np

from dalearn_ros.maps.opendrive.attributes import number
from dalearn_ros.maps.opendrive.codes import named
from dalearn_ros.maps.opendrive.road import Road
from dalearn_ros.maps.opendrive.signals import lanes_of, orientation_of
from dalearn_ros.maps.regulatory import LaneLinks, Row

PEDESTRIANS = "1000002"  # of the standard's lights the one that is no vehicle's


@dataclass(frozen=True)
class Meant:
    """Landmarks and the element that says for which lanes they are.

    Attributes:
        element: ``<signal>`` or ``<signalReference>``.
        road: The road on which it stands.
        names: Ids of the landmarks.
        kind: Type of the signal.
    """

    element: Xml
    road: Road
    names: Sequence[str]
    kind: str


def links_of(meant: Sequence[Meant], reversed_: bool, problems: list[str]) -> LaneLinks:
    """The links of a file, in its own metres.

    Args:
        meant: Its signals and references.
        reversed_: The file's writer means ``+`` for against s.
        problems: Takes a sentence for every element that cannot be read.
    """
    rows: list[Row] = []
    for one in meant:
        try:
            rows += list(_rows(one, reversed_))
        except ValueError as error:
            problems.append(f"{named(one.element)}: {error}.")
    return LaneLinks.of(rows)


def _rows(meant: Meant, reversed_: bool) -> Iterator[Row]:
    element, road = meant.element, meant.road
    s, orientation = number(element, "s"), orientation_of(element, reversed_)
    heading = road.heading(s)
    for along in (True, False):
        if orientation == ("-" if along else "+"):
            continue
        vehicles = road.vehicle_lanes(s, along)
        wanted = vehicles
        if element.find("validity") is not None:
            right = along != road.left_hand
            wanted = [lane for lane in lanes_of(element) if (lane < 0) == right]
        turned = heading + (0.0 if along else math.pi)
        direction = np.array([math.cos(turned), math.sin(turned), 0.0])
        for lane in sorted(wanted):
            span = road.lane_span(s, lane, lane)
            if span is None:
                continue
            stop = road.point(s, 0.5 * (span[0] + span[1]))
            half, for_vehicles = 0.5 * (span[1] - span[0]), lane in vehicles
            for name in meant.names:
                yield (
                    name, f"{road.name}/{lane}", "", stop, direction, half,
                    for_vehicles and meant.kind != PEDESTRIANS,
                )  # fmt: skip
