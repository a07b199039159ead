"""Landmarks of an OpenDRIVE file: its signals and objects, and what is wrong with them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element as Xml

import numpy as np

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.maps.elements import Element
from dalearn_ros.maps.index import IndexedMap, MapReport
from dalearn_ros.maps.opendrive.attributes import number, size
from dalearn_ros.maps.opendrive.codes import class_of_signal, label, named, object_code, signal_code
from dalearn_ros.maps.opendrive.file import OpenDriveFile, parse
from dalearn_ros.maps.opendrive.georeference import (
    GeoReference,
    moved,
    moved_links,
    read_georeference,
)
from dalearn_ros.maps.opendrive.links import Meant, links_of
from dalearn_ros.maps.opendrive.objects import MOUNT_M, object_landmarks, spots
from dalearn_ros.maps.opendrive.road import Road
from dalearn_ros.maps.opendrive.signals import (
    board_place,
    face_size,
    place_signal,
    signal_landmarks,
)
from dalearn_ros.maps.regulatory import LaneLinks
from dalearn_ros.maps.table import table
from dalearn_ros.maps.tags import TagClasses

BELOW_M = -0.3
VERSIONS = ("1.4", "1.5", "1.6", "1.7", "1.8")


class OpenDriveLoader:
    """Landmarks of one OpenDRIVE file.

    Args:
        file: The parsed file.
        classes: Catalogues.
    """

    def __init__(self, file: OpenDriveFile, classes: TagClasses) -> None:
        self.file, self.classes = file, classes
        self.by_tag: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.names: Counter[str] = Counter()
        self.sized: Counter[str] = Counter()
        self.meant: list[Meant] = []
        self.references: list[tuple[Xml, Road]] = []

    def elements(self) -> list[Element]:
        """All landmarks that have a class, in the file's metres."""
        found: list[Element] = []
        signals = {item.get("id", "") for _, item in self.file.items if item.tag == "signal"}
        for road_id, item in self.file.items:
            if item.tag == "signalReference":
                self.by_tag[item.tag] += 1
                if item.get("id", "") not in signals:
                    self._problem(item, f"road {road_id} refers to it, and it is not in the file")
                elif road_id in self.file.roads:
                    self.references.append((item, self.file.roads[road_id]))
                continue
            self.by_tag[label(item)] += 1
            road = self.file.roads.get(road_id)
            if road is None:
                continue  # said once for the road
            read = self._signal if item.tag == "signal" else self._object
            try:
                new = list(read(item, road))
            except ValueError as error:
                self._problem(item, str(error))
                continue
            found += new
            names = [element.name for element in new if np.isfinite(element.normal).all()]
            if names and item.tag == "signal":
                self.meant.append(Meant(item, road, names, signal_code(item)[1]))
        return found

    def links(self) -> LaneLinks:
        """Which of the :meth:`elements` are meant for which lanes, in the file's metres."""
        signals: dict[str, Meant] = {}
        for one in self.meant:
            signals.setdefault(one.element.get("id", ""), one)
        referred = [
            dataclasses.replace(signals[item.get("id", "")], element=item, road=road)
            for item, road in self.references
            if item.get("id", "") in signals
        ]
        return links_of([*self.meant, *referred], self.file.roadrunner, self.file.problems)

    def _signal(self, signal: Xml, road: Road) -> Iterator[Element]:
        place = place_signal(signal, road, self.file.roads, self.file.roadrunner)
        name = self._name(signal)
        country, code = signal_code(signal)
        signs = signal.findall("staticBoard/sign")
        class_id = class_of_signal(self.classes, country, code)
        if class_id is not None:
            tag = f"signal:{country}:{code}"
            space = self.classes.label_space
            found = list(signal_landmarks(signal, place, name, class_id, space, tag))
            self._count_size(signal, class_id)
            yield from found
        elif not signs:
            self.unknown[f"signal:{country}:{code or label(signal)}"] += 1
        for sign in signs:
            self.by_tag[label(sign)] += 1
            country, code = signal_code(sign, signal.get("country", ""))
            class_id = class_of_signal(self.classes, country, code)
            if class_id is None:
                self.unknown[f"signal:{country}:{code}"] += 1
                continue
            tag, hung = f"signal:{country}:{code}", board_place(place, sign)
            part = self._name(sign)
            yield from signal_landmarks(sign, hung, part, class_id, self.classes.label_space, tag)

    def _object(self, element: Xml, road: Road) -> Iterator[Element]:
        code = object_code(element)
        class_id = self.classes.class_of("object", code)
        if class_id is None:
            self.unknown[f"object:{code or element.tag}"] += 1
            return
        space, name, tag = self.classes.label_space, self._name(element), f"object:{code}"
        mirrored = self.file.roadrunner
        for spot in spots(element):
            try:
                found = object_landmarks(element, road, spot, name, class_id, space, tag, mirrored)
                yield from list(found)
            except ValueError as error:
                self._problem(element, str(error))
        self._count_size(element, class_id)

    def _name(self, element: Xml) -> str:
        """A unique id; an id that stands twice is listed and gets a number."""
        kind = "object" if element.tag == "object" else "signal"
        name = f"{kind}:{element.get('id', '')}"
        self.names[name] += 1
        if self.names[name] == 1:
            return name
        unique = f"{name}#{self.names[name]}"
        self._problem(element, f"its id stands more than once; this one is called {unique}")
        return unique

    def _count_size(self, element: Xml, class_id: int) -> None:
        space = self.classes.label_space
        if space.rule_of(class_id) == "center":
            if face_size(element, space.size_m[class_id], False)[2]:
                self.sized["without a size"] += 1
            if element.tag == "object" and not size(element, "height"):
                self.sized["without a height"] += 1
            if number(element, "zOffset", 0.0) < BELOW_M:
                self.sized["below the road"] += 1

    def _problem(self, element: Xml, text: str) -> None:
        self.file.problems.append(f"{named(element)}: {text}.")

    def notes(self) -> list[str]:
        """Sentences about assumptions."""
        notes = []
        header = self.file.header
        version = "" if header is None else f"{header.get('revMajor')}.{header.get('revMinor')}"
        if version not in VERSIONS:
            notes.append(f"Its version is '{version}'; 1.4 to 1.8 are known.")
        if self.file.roadrunner:
            notes.append(
                "RoadRunner wrote this map: '+' is read as against s, and headings count from s."
            )
        if self.sized["without a size"]:
            count = self.sized["without a size"]
            notes.append(f"{count} faces have no width or height: the class's size is assumed.")
        if self.sized["without a height"]:
            count = self.sized["without a height"]
            text = f"{MOUNT_M} m from the foot to the face are assumed."
            notes.append(f"{count} signs are objects without a height: {text}")
        if self.sized["below the road"]:
            count = self.sized["below the road"]
            notes.append(f"{count} faces begin below the road (zOffset): their height is in doubt.")
        return notes


def read_opendrive(
    path: Path, classes: TagClasses, projector: Projector | None = None
) -> IndexedMap:
    """Landmarks of an OpenDRIVE map.

    Args:
        path: ``.xodr``, or ``.xodr.gz``.
        classes: Catalogues.
        projector: The frame of the vehicle's poses, by the file's ``<geoReference>``; None keeps
            the file's own x and y.

    Returns:
        Its landmarks and a report; what could not be read is named there.

    Raises:
        MapError: No such file, not OpenDRIVE, XML with entities, or a projector for a file
            without a usable ``<geoReference>``.
    """
    file = parse(path)
    loader = OpenDriveLoader(file, classes)
    elements, links, notes = loader.elements(), loader.links(), loader.notes()
    reference = _reference(file)
    if projector is not None and projector.kind != "Local":
        if reference is None:
            hint = "Take the projector info away to use the file's own metres."
            raise MapError.at(path, "header", "a usable <geoReference>", "none", hint)
        elements = [moved(element, reference, projector) for element in elements]
        links = moved_links(links, reference, projector)
        notes.append(f"Its metres were turned into those of the projector {projector.kind}.")
    report = MapReport(
        source=str(path),
        by_tag=loader.by_tag,
        unknown=loader.unknown,
        problems=tuple(file.problems),
        notes=tuple(notes),
    )
    return dataclasses.replace(table(elements, classes.label_space, report), links=links)


def _reference(file: OpenDriveFile) -> GeoReference | None:
    try:
        return read_georeference(file.header)
    except ValueError as error:
        file.problems.append(f"header geoReference: {error}.")
        return None
