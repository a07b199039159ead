"""Label space and country catalogues (D1): classes come from files, never from code."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.resources import resource
from dalearn_ros.core.yaml_file import read_yaml

RULES = ("center", "lower_right")
DEFAULT_LABEL_SPACE = "config/label_spaces/landmarks.yaml"


@dataclass(frozen=True)
class LabelSpace:
    """The fixed list of classes that models predict, across countries.

    Attributes:
        names: Class names; the index is the id, and 0 is ``background``.
        rules: Reference-point rule of each class (:data:`RULES`); empty for the background.
        size_m: Nominal longer side of each class in metres; 0 for the background.
        range_m: Distance in metres up to which the class is looked for; 0 for the background.
    """

    names: tuple[str, ...]
    rules: tuple[str, ...]
    size_m: tuple[float, ...]
    range_m: tuple[float, ...]

    @classmethod
    def load(cls, path: Path | str | None = None) -> LabelSpace:
        """Read a label-space file; None takes the shipped one.

        Raises:
            SettingsError: Not such a file, an unknown rule, or a repeated name.
        """
        if path is None:
            return _default_label_space()
        return cls.from_dict(read_yaml(Path(path), SettingsError), str(path))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], source: str = "label space") -> LabelSpace:
        """From the file's content: ``classes:`` a list of name, rule, size_m, range_m."""
        classes = content.get("classes")
        if not isinstance(classes, list) or not classes:
            raise SettingsError.at(source, "key 'classes'", "a list of classes", repr(classes))
        names, rules, sizes, ranges = ["background"], [""], [0.0], [0.0]
        for number, entry in enumerate(classes, start=1):
            place = f"class {number}"
            if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
                raise SettingsError.at(source, place, "a name and a rule", repr(entry))
            if entry.get("rule") not in RULES:
                expected = "a rule out of " + ", ".join(RULES)
                raise SettingsError.at(source, place, expected, repr(entry.get("rule")))
            if entry["name"] in names:
                raise SettingsError.at(source, place, "a new name", f"'{entry['name']}' again")
            names.append(entry["name"])
            rules.append(entry["rule"])
            sizes.append(float(entry.get("size_m", 1.0)))
            ranges.append(float(entry.get("range_m", 80.0)))
        return cls(tuple(names), tuple(rules), tuple(sizes), tuple(ranges))

    def to_dict(self) -> dict[str, Any]:
        """The inverse of :meth:`from_dict`."""
        rows = zip(self.names[1:], self.rules[1:], self.size_m[1:], self.range_m[1:], strict=True)
        keys = ("name", "rule", "size_m", "range_m")
        return {"classes": [dict(zip(keys, row, strict=True)) for row in rows]}

    def __len__(self) -> int:
        """Number of classes, background included."""
        return len(self.names)

    def id_of(self, name: str) -> int:
        """Id of a class name.

        Raises:
            SettingsError: No such class; the known ones are named.
        """
        if name not in self.names:
            raise SettingsError.at(
                "label space", "", "one of " + ", ".join(self.names), f"'{name}'"
            )
        return self.names.index(name)

    def rule_of(self, class_id: int) -> str:
        """Reference-point rule of a class id."""
        return self.rules[class_id]

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that change when names, order or rules change."""
        text = "\n".join(f"{n}:{r}" for n, r in zip(self.names, self.rules, strict=True))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Catalogue:
    """Which tags and codes of a country's maps belong to which class.

    In the file, ``tags:`` has kinds of map elements, and a kind either ``code: class`` or
    ``class: [codes]``, where ``de101..103`` stands for de101, de102 and de103. ``include:`` names
    a file of the same form, relative to this one; what this file says itself wins.

    Attributes:
        name: ``korea``, ``vienna``, ``mutcd``, or a file's name.
        label_space: The classes.
        tags: Kind of map element → code → class id; the code ``*`` stands for every other code.
    """

    name: str
    label_space: LabelSpace
    tags: Mapping[str, Mapping[str, int]]

    @classmethod
    def load(cls, name: Path | str, label_space: LabelSpace | None = None) -> Catalogue:
        """Read ``config/catalogues/NAME.yaml``, or a file by its path.

        Raises:
            SettingsError: No such catalogue, or a class that the label space does not have.
        """
        path = Path(name)
        if path.suffix not in (".yaml", ".yml"):
            folder = resource("config/catalogues")
            path = folder / f"{name}.yaml"
            if not path.exists():
                known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml")))
                raise SettingsError.at("catalogue", "", f"one of {known} or a file", f"'{name}'")
        space = label_space or LabelSpace.load()
        content = read_yaml(path, SettingsError)
        table: dict[str, dict[str, int]] = {}
        if "include" in content:
            shared = path.parent / str(content["include"])
            table = _tags(shared, read_yaml(shared, SettingsError), space)
        for kind, codes in _tags(path, content, space).items():
            table.setdefault(kind, {}).update(codes)
        return cls(path.stem, space, table)

    def class_of_tag(self, kind: str, code: str) -> int | None:
        """Class id of a map element, None if the catalogue does not know it.

        Args:
            kind: Type of the element, such as ``traffic_sign``.
            code: Its subtype, such as ``de205``.
        """
        codes = self.tags.get(kind, {})
        return codes.get(code, codes.get("*"))


def _tags(path: Path, content: Mapping[str, Any], space: LabelSpace) -> dict[str, dict[str, int]]:
    """Kind → code → class id out of a catalogue file's content."""
    tags = content.get("tags")
    if not isinstance(tags, Mapping):
        raise SettingsError.at(path, "key 'tags'", "kinds with codes and classes", repr(tags))
    table: dict[str, dict[str, int]] = {}
    for kind, entries in tags.items():
        if not isinstance(entries, Mapping):
            raise SettingsError.at(path, f"key 'tags.{kind}'", "codes and classes", repr(entries))
        codes = table.setdefault(str(kind), {})
        for key, value in entries.items():
            if isinstance(value, list):
                codes.update(dict.fromkeys(_codes(value), space.id_of(str(key))))
            else:
                codes[str(key)] = space.id_of(str(value))
    return table


def _codes(entries: list[Any]) -> Iterator[str]:
    """Single codes out of a list with ranges such as ``de101..103``."""
    for entry in map(str, entries):
        span = re.fullmatch(r"(.*?)(\d+)\.\.(\d+)", entry)
        if span is None:
            yield entry
        else:
            yield from (f"{span[1]}{n}" for n in range(int(span[2]), int(span[3]) + 1))


@functools.cache
def _default_label_space() -> LabelSpace:
    path = resource(DEFAULT_LABEL_SPACE)
    return LabelSpace.from_dict(read_yaml(path, SettingsError), str(path))
