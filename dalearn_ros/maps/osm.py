"""The OSM file of a Lanelet2 map as nodes, ways and relations; parsed without entities or DTDs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import numpy.typing as npt
from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import iterparse  # type: ignore[import-untyped]

from dalearn_ros.core.errors import MapError

Tags = dict[str, str]
HINT = "Is the file whole? Export or copy it again, or mend that line."
LIMIT_M = 1e8  # a coordinate beyond this is a mistake


@dataclass(frozen=True)
class Way:
    """A line: the ids of its nodes and its tags."""

    nodes: tuple[str, ...]
    tags: Tags


@dataclass(frozen=True)
class Relation:
    """Members as (type, role, id) and tags; a lanelet or a regulatory element."""

    members: tuple[tuple[str, str, str], ...]
    tags: Tags


@dataclass
class OsmFile:
    """What an OSM file holds.

    Attributes:
        path: The file.
        node_ids: Node id → row in the arrays.
        geographic: (N, 2) latitude and longitude in degrees, NaN where the file has none.
        local: (N, 2) ``local_x`` and ``local_y`` in metres, NaN where the file has none.
        height: (N,) ``ele`` in metres, NaN where the file has none.
        ways: By id.
        relations: By id.
        problems: A sentence for every element that could not be read.
        tiles: Tiles of a map in pieces: file → (its nodes, the corner and size x, y, width, height
            of its square in metres); empty for a map in one file.
    """

    path: Path
    node_ids: dict[str, int] = field(default_factory=dict)
    geographic: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    local: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    height: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    ways: dict[str, Way] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    tiles: dict[str, tuple[list[str], tuple[float, ...]]] = field(default_factory=dict)

    @property
    def node_names(self) -> list[str]:
        """The ids of the nodes, row after row."""
        return list(self.node_ids)


def read_osm(path: Path) -> OsmFile:
    """Read an OSM file.

    Args:
        path: The ``.osm`` file.

    Returns:
        Its elements; those with a fault are left out and named in ``problems``.

    Raises:
        MapError: No such file, not XML, not OSM, or XML with entities (refused: it could be made
            to fill the memory).
    """
    if not path.is_file():
        raise MapError(f"{path}: there is no such map file.")
    osm = OsmFile(path)
    rows: list[tuple[float, float, float, float, float]] = []
    readers: dict[str, Callable[[Element], None]] = {
        "node": lambda element: _read_node(osm, element, rows),
        "way": lambda element: _read_way(osm, element),
        "relation": lambda element: _read_relation(osm, element),
    }
    try:
        context = iterparse(str(path), events=("start", "end"), forbid_dtd=True)
        _, root = next(iter(context))
        if root.tag != "osm":
            raise MapError.at(path, "", "an <osm> file", f"<{root.tag}>")
        for event, element in context:
            if event == "end" and element.tag in readers:
                readers[element.tag](element)
                root.clear()
    except ParseError as error:
        raise MapError.at(path, f"line {error.position[0]}", "XML", str(error), HINT) from None
    except DefusedXmlException as error:
        found = f"a document type or entity ({type(error).__name__})"
        hint = "Take it out of the file: a map needs none, and it could fill the memory."
        raise MapError.at(path, "", "plain OSM without entities", found, hint) from None
    except OSError as error:
        raise MapError.at(path, "", "a readable file", str(error.strerror)) from None
    except (LookupError, ValueError) as error:  # of the parser, about the encoding it is told
        raise MapError.at(path, "line 1", "an encoding such as UTF-8", str(error)) from None
    _drop_missing_nodes(osm)
    values = np.array(rows, dtype=np.float64).reshape(-1, 5)
    osm.geographic, osm.local, osm.height = values[:, :2], values[:, 2:4], values[:, 4]
    return osm


def metres(tags: dict[str, str], key: str, default: float) -> float:
    """A length in metres that a tag states, ``default`` where the tag is absent.

    Raises:
        ValueError: It is no number, or not above 0.
    """
    text = tags.get(key, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"its {key} '{text}' is not a number") from None
    if not math.isfinite(value) or value <= 0.0:
        raise ValueError(f"its {key} is {text} m")
    return value


def _read_node(osm: OsmFile, element: Element, rows: list[Any]) -> None:
    name, tags = element.get("id", ""), _tags(element)
    lat, lon = _number(element.get("lat")), _number(element.get("lon"))
    x, y = _number(tags.get("local_x")), _number(tags.get("local_y"))
    height = _number(tags.get("ele"))
    if not name:
        osm.problems.append("a node has no id; it is left out.")
        return
    if not math.isnan(lat) and not (abs(lat) <= 90.0 and abs(lon) <= 180.0):
        osm.problems.append(
            f"node {name}: latitude {lat} and longitude {lon} are not on Earth; left out."
        )
        return
    if any(abs(value) > LIMIT_M for value in (x, y, height)):
        osm.problems.append(
            f"node {name}: its coordinates {x}, {y}, {height} m are absurd; left out."
        )
        return
    if math.isnan(lat + lon) and math.isnan(x + y):
        osm.problems.append(
            f"node {name}: has neither lat and lon nor local_x and local_y as numbers; left out."
        )
        return
    if name in osm.node_ids:
        osm.problems.append(
            f"node {name}: stands twice in the file; the first is kept. Give each its own id."
        )
        return
    osm.node_ids[name] = len(rows)
    for key, value in (("local_x", x), ("local_y", y)):
        if math.isnan(value) and tags.get(key):
            osm.problems.append(
                f"node {name}: its {key} '{tags[key]}' is no number; lat and lon are taken."
            )
    if math.isnan(height) and tags.get("ele"):
        osm.problems.append(f"node {name}: its ele '{tags['ele']}' is no height in metres.")
    rows.append((lat, lon, x, y, height))


def _read_way(osm: OsmFile, element: Element) -> None:
    name = element.get("id", "")
    refs = [node.get("ref", "") for node in element.findall("nd")]
    if not name:
        osm.problems.append("a way has no id; it is left out.")
        return
    if name in osm.ways:
        osm.problems.append(
            f"way {name}: stands twice in the file; the first is kept. Give each its own id."
        )
        return
    osm.ways[name] = Way(tuple(refs), _tags(element))


def _drop_missing_nodes(osm: OsmFile) -> None:
    """Ways without the nodes that the file lacks; asked last, for nodes may follow ways."""
    for name, way in osm.ways.items():
        missing = [ref for ref in way.nodes if ref not in osm.node_ids]
        if missing:
            osm.problems.append(
                f"way {name}: its node {missing[0]} is not in the file; it is read without it."
            )
            kept = tuple(ref for ref in way.nodes if ref in osm.node_ids)
            osm.ways[name] = Way(kept, way.tags)


def _read_relation(osm: OsmFile, element: Element) -> None:
    members = [(m.get("type", ""), m.get("role", ""), m.get("ref", "")) for m in element]
    kept = tuple(member for member in members if member[2])
    name = element.get("id", "")
    if not name:
        osm.problems.append("a relation has no id; it is left out.")
        return
    if name in osm.relations:
        osm.problems.append(
            f"relation {name}: stands twice in the file; the first is kept. Give each its own id."
        )
        return
    osm.relations[name] = Relation(kept, _tags(element))


def _tags(element: Element) -> Tags:
    return {tag.get("k", ""): tag.get("v", "") for tag in element.findall("tag")}


def _number(text: str | None) -> float:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
