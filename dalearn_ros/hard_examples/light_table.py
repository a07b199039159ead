"""The environmental light change table: times x weathers x areas, and which cells belong together.

Pure functions of names; what lies in the cells is in the store.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import SettingsError, did_you_mean
from dalearn_ros.core.yaml_file import read_yaml

SAME, NEIGHBOUR, ASSOCIATED = "same", "neighbour", "associated"
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, order=True)
class Condition:
    """When and in what weather an image was taken."""

    time: str
    weather: str

    def __str__(self) -> str:
        return f"{self.time}/{self.weather}"


@dataclass(frozen=True, order=True)
class Cell:
    """One cell of the table: a condition and an area, ``image`` for the whole image."""

    time: str
    weather: str
    area: str

    @property
    def condition(self) -> Condition:
        """The cell's condition."""
        return Condition(self.time, self.weather)

    def __str__(self) -> str:
        return f"{self.time}/{self.weather}/{self.area}"


@dataclass(frozen=True)
class LightTable:
    """Names of times and weathers, and what is next to what.

    Attributes:
        times: All times.
        weathers: All weathers.
        time_steps: Pairs of neighbouring times.
        weather_steps: Pairs of neighbouring weathers.
        associated: Pairs of cells ``time/weather/area`` that belong together though they are no
            neighbours; ``*`` in both stands for anything that is the same in both.
    """

    times: tuple[str, ...] = ("morning", "day", "low_sun", "dusk", "night")
    weathers: tuple[str, ...] = ("sunny", "cloudy", "rain", "fog", "snow")
    time_steps: Pairs = (
        ("morning", "day"), ("day", "low_sun"), ("low_sun", "dusk"), ("dusk", "night"),
        ("night", "morning"),
    )  # fmt: skip
    weather_steps: Pairs = (
        ("sunny", "cloudy"), ("cloudy", "rain"), ("cloudy", "fog"), ("cloudy", "snow"),
        ("rain", "fog"),
    )  # fmt: skip
    associated: Pairs = (
        ("morning/*/*", "low_sun/*/*"),
        ("*/fog/*", "*/snow/*"),
        ("night/sunny/*", "night/rain/*"),
    )

    @classmethod
    def load(cls, path: Path) -> LightTable:
        """Read a table from YAML with the attributes as keys.

        Raises:
            SettingsError: Not such a file, an unknown key, or a pair of unknown names.
        """
        return cls.from_dict(read_yaml(path, SettingsError, "light table"), str(path))

    @classmethod
    def from_dict(cls, content: Any, source: str) -> LightTable:
        """The inverse of :meth:`to_dict`; what is left out is as in the default table."""
        if not isinstance(content, Mapping):
            raise SettingsError.at(source, "", "keys and values", type(content).__name__)
        known = cls().to_dict()
        for key in content:
            if key not in known:
                expected = "one of " + ", ".join(known)
                raise SettingsError.at(source, f"key '{key}'", expected, f"'{key}'")
        values: dict[str, Any] = {}
        for key, value in content.items():
            names = key in ("times", "weathers")
            good = isinstance(value, list) and all(
                isinstance(v, str) if names else isinstance(v, (list, tuple)) and len(v) == 2
                for v in value
            )
            if not good:
                expected = "a list of names" if names else "a list of pairs"
                raise SettingsError.at(source, f"key '{key}'", expected, repr(value))
            values[key] = tuple(value) if names else tuple((str(a), str(b)) for a, b in value)
        table = cls(**values)
        table._check(source)
        return table

    def to_dict(self) -> dict[str, list[Any]]:
        """Plain values for JSON and YAML."""
        return {
            "times": list(self.times),
            "weathers": list(self.weathers),
            "time_steps": [list(pair) for pair in self.time_steps],
            "weather_steps": [list(pair) for pair in self.weather_steps],
            "associated": [list(pair) for pair in self.associated],
        }

    def condition(self, text: str) -> Condition:
        """``night/rain``; a time alone means sunny weather, a weather alone means by day.

        Raises:
            SettingsError: A name that the table does not have.
        """
        first, _, second = text.partition("/")
        if not second and first in self.weathers:
            first, second = ("day" if "day" in self.times else self.times[0]), first
        second = second or ("sunny" if "sunny" in self.weathers else self.weathers[0])
        for what, name, known in (("time", first, self.times), ("weather", second, self.weathers)):
            if name not in known:
                hint = did_you_mean(name, (*self.times, *self.weathers))
                expected = f"{what}: one of {', '.join(known)}"
                raise SettingsError.at("condition", f"'{text}'", expected, f"'{name}'", hint)
        return Condition(first, second)

    def related(self, cell: Cell) -> dict[Cell, str]:
        """The cell itself, its neighbours and the cells associated with it, and why each is there.

        Neighbours are one step away in time or in weather, with the same area.
        """
        found = {cell: SAME}
        for time in _partners(self.time_steps, cell.time):
            found.setdefault(Cell(time, cell.weather, cell.area), NEIGHBOUR)
        for weather in _partners(self.weather_steps, cell.weather):
            found.setdefault(Cell(cell.time, weather, cell.area), NEIGHBOUR)
        for one, other in self.associated:
            for pattern, partner in ((one, other), (other, one)):
                matched = _matched(pattern.split("/"), partner.split("/"), cell)
                if matched is not None:
                    found.setdefault(matched, ASSOCIATED)
        return found

    def _check(self, source: str) -> None:
        for key, pairs, known in (
            ("time_steps", self.time_steps, self.times),
            ("weather_steps", self.weather_steps, self.weathers),
        ):
            for name in itertools.chain(*pairs):
                if name not in known:
                    expected = "one of " + ", ".join(known)
                    raise SettingsError.at(source, f"key '{key}'", expected, f"'{name}'")
        for pair in self.associated:
            for text, partner in (pair, pair[::-1]):
                parts, others = text.split("/"), partner.split("/")
                stars = [part == "*" for part in parts] == [part == "*" for part in others]
                known_parts = len(parts) == 3 and len(others) == 3 and stars
                if not known_parts or (
                    parts[0] not in ("*", *self.times) or parts[1] not in ("*", *self.weathers)
                ):
                    expected = "two cells time/weather/area with * at the same places"
                    raise SettingsError.at(source, "key 'associated'", expected, str(list(pair)))


def _partners(pairs: Pairs, name: str) -> list[str]:
    return [b if a == name else a for a, b in pairs if name in (a, b) and a != b]


def _matched(pattern: Sequence[str], partner: Sequence[str], cell: Cell) -> Cell | None:
    own = (cell.time, cell.weather, cell.area)
    if any(part not in ("*", name) for part, name in zip(pattern, own, strict=True)):
        return None
    time, weather, area = (
        name if part == "*" else part for part, name in zip(partner, own, strict=True)
    )
    return Cell(time, weather, area)
