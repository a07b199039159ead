"""An ``.xodr`` file as roads and what stands beside them; parsed without entities or DTDs."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast
from xml.etree.ElementTree import Element as Xml
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from dalearn_ros.core.errors import MapError
from dalearn_ros.maps.opendrive.road import Road, read_road

HINT = "Is the file whole? Export or copy it again, or mend that line."


@dataclass
class OpenDriveFile:
    """What an OpenDRIVE file holds.

    Attributes:
        path: The file.
        header: Its ``<header>``.
        roads: By id.
        items: (road id, element) of every signal, signal reference and object, in their order.
        problems: A sentence for everything that could not be read.
    """

    path: Path
    header: Xml | None = None
    roads: dict[str, Road] = field(default_factory=dict)
    items: list[tuple[str, Xml]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def roadrunner(self) -> bool:
        """Whether RoadRunner wrote it, whose ``+`` means against s and whose headings count from s.

        So in all maps of CARLA's towns: lights for the lanes along s have ``-`` and hOffset 0,
        those for the lanes against s have ``+`` and hOffset π.
        """
        if self.header is None:
            return False
        vendor = self.header.get("vendor", "")
        scene = self.header.find("userData/vectorScene")
        return vendor == "VectorZero" or (
            scene is not None and scene.get("program", "") == "RoadRunner"
        )


def parse(path: Path) -> OpenDriveFile:
    """Read the roads of a file; one after the other, so that a large file needs little memory.

    Raises:
        MapError: No such file, not OpenDRIVE, or XML with entities.
    """
    if not path.is_file():
        raise MapError(f"{path}: there is no such map file.")
    file = OpenDriveFile(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            _read(file, cast(BinaryIO, stream))
    except ParseError as error:
        raise MapError.at(path, f"line {error.position[0]}", "XML", str(error), HINT) from None
    except DefusedXmlException as error:
        found = f"a document type or entity ({type(error).__name__})"
        hint = "Take it out of the file: a map needs none, and it could fill the memory."
        raise MapError.at(path, "", "plain OpenDRIVE without entities", found, hint) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise MapError.at(path, "", "a whole gzip file", str(error), "Copy it again.") from None
    except OSError as error:
        raise MapError.at(path, "", "a readable file", str(error.strerror)) from None
    except (LookupError, ValueError) as error:  # of the parser, about the encoding it is told
        raise MapError.at(path, "line 1", "an encoding such as UTF-8", str(error)) from None
    return file


def _read(file: OpenDriveFile, stream: BinaryIO) -> None:
    root: Xml | None = None
    for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            element.tag = element.tag.rpartition("}")[2]  # some versions have a namespace
            if root is None:
                root = element
                if root.tag != "OpenDRIVE":
                    raise MapError.at(file.path, "", "an <OpenDRIVE> file", f"<{root.tag}>")
        elif element.tag == "header":
            file.header = element
        elif element.tag == "include":
            file.problems.append(f"include: the file '{element.get('file', '')}' is not read.")
        elif element.tag == "road" and root is not None:
            _read_road(file, element)
            root.clear()


def _read_road(file: OpenDriveFile, element: Xml) -> None:
    name = element.get("id", "")
    signals = [e for e in element.findall("signals/*") if e.tag in ("signal", "signalReference")]
    items = [*signals, *element.findall("objects/object")]
    if name in file.roads:
        lost = f"; its {len(items)} signals and objects are left out" if items else ""
        file.problems.append(f"road {name}: its id stands more than once{lost}.")
        return
    file.items += [(name, item) for item in items]
    try:
        file.roads[name] = read_road(element, file.problems)
    except ValueError as error:
        lost = f"; its {len(items)} signals and objects are left out" if items else ""
        file.problems.append(f"road {name}: {error}{lost}.")
