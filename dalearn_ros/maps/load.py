"""One call for every map that is on disk."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import read_projector
from dalearn_ros.landmarks.catalogue import Catalogue
from dalearn_ros.maps.index import IndexedMap
from dalearn_ros.maps.lanelet2 import Lanelet2Loader
from dalearn_ros.maps.opendrive import read_opendrive
from dalearn_ros.maps.tags import TagClasses
from dalearn_ros.maps.tiles import has_tiles

OSM_NAME = "lanelet2_map.osm"
INFO_NAME = "map_projector_info.yaml"
LISTS = (".geojson", ".csv")
OPENDRIVE = (".xodr", ".xodr.gz")
KINDS = (".osm", *OPENDRIVE, *LISTS)
HINTS = {
    ".osm": "`traffic_sign`, `traffic_light`, `stop_line` and `road_marking` ways are read.",
    ".xodr": "Signals and objects are read; a catalogue of your own can give these a class.",
    ".csv": "Each row needs a place, and a class or a code that a catalogue knows.",
    ".geojson": "Each feature needs a place, and a class or a code that a catalogue knows.",
}


def load_map(path: Path | str, catalogue: Path | str | Catalogue | None = None) -> IndexedMap:
    """Load the landmarks of a map.

    Args:
        path: Lanelet2 (``.osm``), OpenDRIVE (``.xodr``, ``.xodr.gz``), a list of landmarks
            (``.geojson``, ``.csv``), or a folder as Autoware has it: ``lanelet2_map.osm`` (or the
            only map in it, or a folder of tiles) with ``map_projector_info.yaml`` beside it.
        catalogue: Which tags belong to which class: a shipped name, a file, or None for all
            shipped ones.

    Returns:
        The landmarks in the map frame, with a spatial index and a report (``.report``) of what was
        not read and why.

    Raises:
        MapError: There is no map, or it cannot be read, or it holds no landmark with a class.
        SettingsError: No such catalogue.
    """
    loaded = read_map(path, catalogue)
    if not len(loaded):
        report = loaded.report
        found = [*report.unknown][:5]
        kind = kind_of(Path(report.source)).removesuffix(".gz")
        hint = HINTS.get(kind, "")
        if report.problems:
            first = report.problems[0].rstrip(".")
            found.append(f"{len(report.problems)} problems, the first: {first}")
            hint += " `dalearn map info` lists them."
        expected = "landmarks with a class"
        raise MapError.at(report.source, "", expected, ", ".join(found) or "none", hint.strip())
    return loaded


def read_map(path: Path | str, catalogue: Path | str | Catalogue | None = None) -> IndexedMap:
    """As :func:`load_map`, but a map without a landmark is an empty one with its report.

    Raises:
        MapError: There is no map, or it cannot be read.
        SettingsError: No such catalogue.
    """
    file = find_map(Path(path))
    places = (file / INFO_NAME, file.with_name(INFO_NAME))  # in a folder of tiles, or beside it
    projector = next((read_projector(info) for info in places if info.is_file()), None)
    classes, kind = TagClasses(catalogue), kind_of(file)
    if kind in LISTS:
        from dalearn_ros.maps.lists import read_list

        return read_list(file, classes, projector)
    if kind in OPENDRIVE:
        loaded = read_opendrive(file, classes, projector)
    else:
        loaded = Lanelet2Loader(file, projector, classes).load()  # a file, or a folder of tiles
    known = loaded.report.projector or projector
    return dataclasses.replace(loaded, report=dataclasses.replace(loaded.report, projector=known))


def map_digest(path: Path | str) -> str:
    """SHA-256 (hexadecimal) of a map's content: the same wherever the map lies.

    Of a folder of tiles, that of the digests of its files, in the order of their names. The
    ``map_projector_info.yaml`` beside a map plays no part.

    Raises:
        MapError: There is no map, or several.
    """
    file = find_map(Path(path))
    if file.is_file():
        return _digest(file).hexdigest()
    tiles = sorted(tile for tile in file.rglob("*") if tile.is_file() and tile.name != INFO_NAME)
    return hashlib.sha256(b"".join(_digest(tile).digest() for tile in tiles)).hexdigest()


def _digest(file: Path) -> hashlib._Hash:
    found = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            found.update(block)
    return found


def kind_of(path: Path) -> str:
    """Which of :data:`KINDS` a file name says; empty if none."""
    name = path.name.lower()
    return next((kind for kind in KINDS if name.endswith(kind)), "")


def find_map(path: Path) -> Path:
    """The map file, or the folder of tiles, that a path means.

    Raises:
        MapError: There is none, or there are several.
    """
    if path.is_file():
        if not kind_of(path):
            raise MapError.at(path, "", f"a map ({', '.join(KINDS)})", f"a '{path.suffix}' file")
        return path
    if not path.is_dir():
        raise MapError(f"{path}: there is no such map; give a folder or a map file.")
    if (path / OSM_NAME).exists():
        return path / OSM_NAME
    if has_tiles(path):
        return path
    files = sorted(file for file in path.iterdir() if kind_of(file) and file.is_file())
    for kinds in ((".osm",), OPENDRIVE, LISTS):  # a list beside a map is not the map
        found = [file for file in files if kind_of(file) in kinds]
        if len(found) == 1:
            return found[0]
        if found:
            break
    names = ", ".join(file.name for file in files) or "no .osm file and no other map"
    raise MapError.at(path, "", f"{OSM_NAME} or one map ({', '.join(KINDS)})", names)
