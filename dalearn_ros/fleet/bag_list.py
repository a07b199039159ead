"""Which bags a fleet has, and the map of each: from a YAML list or from a folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.bags.storage import SUFFIXES
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.yaml_file import read_yaml

KEYS = ("bag", "map", "name")
EXPECTED = "a list 'bags' of entries with bag, and by choice map and name"
MAP_FOLDER = "map"


@dataclass(frozen=True)
class FleetBag:
    """One bag of a fleet.

    Attributes:
        name: Its own among all, fit for a file name.
        bag: The bag; it need not exist: that is found out when its turn comes.
        map: Its map.
    """

    name: str
    bag: Path
    map: Path


def read_bag_list(path: Path, map_path: Path | None = None) -> list[FleetBag]:
    """The bags of a fleet.

    Args:
        path: A YAML file ``bags: [{bag: PATH, map: PATH, name: NAME}, ...]`` with ``map: PATH`` for
            those without one, paths relative to the file; or a folder: each folder in it is a bag,
            or holds ``bag`` and by choice ``map``, and each ``.mcap`` or ``.db3`` file is a bag;
            ``map`` in it is the map of those without one.
        map_path: The map of all bags without one; wins over the list's own default.

    Returns:
        The bags, in the list's order or in that of their names.

    Raises:
        InputError: No such list, damaged, empty, without a map for a bag, or with two entries of
            one bag or one name; the entry is named.
    """
    own = None if map_path is None else map_path.absolute()
    found = _of_folder(path.absolute(), own) if path.is_dir() else _of_file(path, own)
    if not found:
        raise InputError.at(path, "", "at least one bag", "none")
    _refuse_twice(path, found)
    return found


def _of_folder(path: Path, map_path: Path | None) -> list[FleetBag]:
    shared = map_path or (path / MAP_FOLDER if (path / MAP_FOLDER).exists() else None)
    found = []
    for entry in sorted(path.iterdir()):
        if entry.name == MAP_FOLDER or entry.name.startswith("."):
            continue
        if not entry.is_dir() and entry.suffix not in SUFFIXES:
            continue
        bag = entry / "bag" if (entry / "bag").exists() else entry
        own = entry / MAP_FOLDER if (entry / MAP_FOLDER).exists() else shared
        name = entry.name if entry.is_dir() else entry.stem
        found.append(FleetBag(_plain(name), bag, _the_map(path, entry.name, own)))
    return found


def _of_file(path: Path, map_path: Path | None) -> list[FleetBag]:
    content = _read(path)
    default = map_path or _resolved(path, content.get("map"))
    found = []
    for number, entry in enumerate(content["bags"], 1):
        place = f"bag {number}"
        values = {"bag": entry} if isinstance(entry, str) else entry
        if not isinstance(values, Mapping) or not values.get("bag"):
            raise InputError.at(path, place, EXPECTED, repr(entry))
        strange = [key for key in values if key not in KEYS]
        if strange or not all(isinstance(value, str) for value in values.values()):
            expected = f"texts for {', '.join(KEYS)}"
            raise InputError.at(path, place, expected, repr(dict(values)))
        bag = _resolved(path, values["bag"])
        assert bag is not None
        name = values.get("name") or _name_of(bag)
        own = _resolved(path, values.get("map")) or default
        found.append(FleetBag(_plain(name), bag, _the_map(path, place, own)))
    return found


def _read(path: Path) -> dict[str, Any]:
    content = read_yaml(path, what="list of bags", expected=EXPECTED)
    if not isinstance(content.get("bags"), list):
        raise InputError.at(path, "", EXPECTED, "something else")
    if not isinstance(content.get("map", ""), str):
        raise InputError.at(path, "key 'map'", "the path of a map", repr(content["map"]))
    strange = sorted(str(key) for key in set(content) - {"bags", "map"})
    if strange:
        raise InputError.at(path, "", "the keys bags and map", ", ".join(strange))
    return content


def _resolved(path: Path, text: str | None) -> Path | None:
    return None if text is None else (path.parent / text).absolute()


def _name_of(bag: Path) -> str:
    """That of the file or folder; of DRIVE/bag, as the world writes it, that of the drive."""
    if bag.name == "bag":
        return bag.resolve().parent.name
    return bag.stem if bag.suffix in SUFFIXES else bag.name


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name).strip(".") or "_"


def _the_map(path: Path, place: str, found: Path | None) -> Path:
    if found is None:
        hint = "Give --map for bags without one."
        raise InputError.at(path, place, "a map", "none", hint)
    return found


def _refuse_twice(path: Path, bags: Sequence[FleetBag]) -> None:
    for what, keys in (
        ("the bag", [str(bag.bag.resolve()) for bag in bags]),
        ("the name", [bag.name for bag in bags]),
    ):
        first: dict[str, int] = {}
        for number, key in enumerate(keys, 1):
            if key in first:
                found = f"{what} {key} as bag {first[key]} and bag {number}"
                hint = "Two bags of one name need a 'name' each." if what == "the name" else ""
                raise InputError.at(path, "", "every bag once", found, hint)
            first[key] = number
