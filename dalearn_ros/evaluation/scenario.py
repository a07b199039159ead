"""A scenario file: bags or datasets, and the limits that their figures must keep."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import field, load_settings
from dalearn_ros.evaluation.detection import MATCH_PX
from dalearn_ros.evaluation.names import is_open, known_names, nearest, range_of
from dalearn_ros.landmarks.catalogue import LabelSpace

RESERVED = ("verdict.json", "junit.xml")  # written beside the scenarios' folders
SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
EXPONENT = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+")
BAG_KEYS = (
    *("truth_topic", "prior_topic", "odometry_topic", "camera_topic", "time_offset_s"),
    *("map_frame", "base_frame"),
)
NAME_RULE = "letters, digits, '.', '_' and '-'"


@dataclass(frozen=True)
class Limit:
    """What a figure must keep.

    Attributes:
        metric: Name of the figure, see :mod:`dalearn_ros.evaluation.names`.
        minimum: Smallest value that passes; None: no such limit.
        maximum: Largest value that passes; None: no such limit.
    """

    metric: str
    minimum: float | None
    maximum: float | None

    def __str__(self) -> str:
        """Such as ``f1 >= 0.8``."""
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:.10g} <= {self.metric} <= {self.maximum:.10g}"
        if self.minimum is not None:
            return f"{self.metric} >= {self.minimum:.10g}"
        return f"{self.metric} <= {self.maximum:.10g}"

    def keeps(self, value: float) -> bool:
        """Whether a value is within; NaN is not."""
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        return low <= value <= high


@dataclass(frozen=True)
class Entry:
    """One scenario of the file."""

    name: str = field("", "Names its results; used in verdict.json and junit.xml.")
    bag: Path | None = field(None, "Bag; relative to this file.")
    map: Path | None = field(None, "Map of the bag.")
    data: Path | None = field(None, "Dataset, instead of bag and map.")
    truth_topic: str | None = field(None, "True poses.")
    prior_topic: str | None = field(None, "Poses for the localizer.")
    odometry_topic: str | None = field(None, "Odometry between the images.")
    camera_topic: str | None = field(None, "Images.")
    time_offset_s: float = field(
        0.0, "How much later than stamped the images were taken.", unit="s", minimum=-1.0,
        maximum=1.0,
    )  # fmt: skip
    map_frame: str = field("map", "Name of the map's frame.")
    base_frame: str = field("base_link", "Name of the vehicle's frame.")
    limits: dict[str, Any] = field(dict, "Limits of this scenario, beside those of all.")


@dataclass(frozen=True)
class ScenarioFile:
    """The whole file."""

    version: int = field(1, "Of this format.", choices=(1,))
    match_px: float = field(MATCH_PX, "Tolerance of a hit.", unit="px", minimum=0.1, maximum=1000.0)
    limits: dict[str, Any] = field(dict, "Limits of every scenario.")
    scenarios: tuple[Entry, ...] = field((), "What is evaluated.")


@dataclass(frozen=True)
class Scenario:
    """One scenario, checked; paths are absolute or relative to the working directory."""

    entry: Entry
    match_px: float
    limits: tuple[Limit, ...]


def load_scenarios(path: Path, space: LabelSpace) -> tuple[Scenario, ...]:
    """Read and check a scenario file; no bag is opened.

    Args:
        path: The YAML file.
        space: Classes of the model.

    Raises:
        SettingsError: Unreadable, an unknown key or figure (with the nearest known one), a limit
            that nothing can keep, scenarios without a name of their own, input or limit.
    """
    content = load_settings(ScenarioFile, path)
    if not content.scenarios:
        raise SettingsError.at(path, "key 'scenarios'", "one or more", "none")
    names = known_names(space)
    shared = limits_of(content.limits, names, path, "limits")
    taken: set[str] = set()
    scenarios = []
    for i, entry in enumerate(content.scenarios):
        place = f"scenarios[{i}]"
        if not SAFE.fullmatch(entry.name):
            expected = f"a name of {NAME_RULE}"
            raise SettingsError.at(path, f"key '{place}.name'", expected, repr(entry.name))
        if entry.name.lower() in RESERVED:
            expected = f"another name than {' and '.join(RESERVED)}"
            raise SettingsError.at(path, f"key '{place}.name'", expected, f"'{entry.name}'")
        if entry.name.lower() in taken:  # some disks know no case
            expected = "a name of its own, not by case only"
            raise SettingsError.at(path, f"key '{place}.name'", expected, f"'{entry.name}' again")
        taken.add(entry.name.lower())
        if (entry.bag is None) != (entry.map is None) or (entry.bag is None) == (
            entry.data is None
        ):
            given = [key for key in ("bag", "map", "data") if getattr(entry, key) is not None]
            found = ", ".join(given) or "neither"
            raise SettingsError.at(path, f"scenario '{entry.name}'", "bag and map, or data", found)
        if entry.data is not None:
            _refuse_bag_keys(entry, path)
        own = limits_of(entry.limits, names, path, f"{place}.limits")
        limits = _merged(shared, own, path, f"{place}.limits")
        if not limits:
            raise SettingsError.at(path, f"scenario '{entry.name}'", "one limit or more", "none")
        scenarios.append(Scenario(_placed(entry, path.parent), content.match_px, limits))
    return tuple(scenarios)


def limits_of(
    content: Mapping[str, Any], names: set[str], path: Path, place: str
) -> tuple[Limit, ...]:
    """Limits of a mapping ``figure: {min: ..., max: ...}``; raises as :func:`load_scenarios`."""
    return tuple(
        _limit(str(name), value, names, path, f"{place}.{name}") for name, value in content.items()
    )


def _merged(
    shared: tuple[Limit, ...], own: tuple[Limit, ...], path: Path, place: str
) -> tuple[Limit, ...]:
    """The limits of all and a scenario's own, whose ends win one by one."""
    limits = {limit.metric: limit for limit in shared}
    for limit in own:
        of_all = limits.get(limit.metric, limit)
        least = of_all.minimum if limit.minimum is None else limit.minimum
        most = of_all.maximum if limit.maximum is None else limit.maximum
        if least is not None and most is not None and least > most:
            expected = "min <= max, with the limit of all scenarios"
            found = f"min {least:g} and max {most:g}"
            raise SettingsError.at(path, f"key '{place}.{limit.metric}'", expected, found)
        limits[limit.metric] = Limit(limit.metric, least, most)
    return tuple(limits.values())


def _limit(name: str, value: Any, names: set[str], path: Path, place: str) -> Limit:
    key = f"key '{place}'"
    if name not in names and not is_open(name):
        near = nearest(name, names)
        hint = f"Did you mean '{near}'?" if near else ""
        raise SettingsError.at(path, key, "a figure of metrics.json", f"'{name}'", hint)
    if not isinstance(value, Mapping) or not value:
        raise SettingsError.at(path, key, "{min: ...}, {max: ...} or both", repr(value))
    for end in value:
        if end not in ("min", "max"):
            raise SettingsError.at(path, key, "min or max", f"'{end}'")
    ends = {end: _end(number, path, f"key '{place}.{end}'") for end, number in value.items()}
    low, high = range_of(name)
    least, most = ends.get("min"), ends.get("max")
    if least is not None and most is not None and least > most:
        raise SettingsError.at(path, key, "min <= max", f"min {least:g} and max {most:g}")
    if least is not None and least > high:
        expected = f"a min that can be kept: {name} is {high:g} at most"
        raise SettingsError.at(path, key, expected, f"{least:g}")
    if most is not None and most < low:
        expected = f"a max that can be kept: {name} is {low:g} at least"
        raise SettingsError.at(path, key, expected, f"{most:g}")
    return Limit(name, least, most)


def _end(value: Any, path: Path, place: str) -> float:
    number = math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            raise SettingsError.at(path, place, "a finite number", "one beyond 1e308") from None
    if not math.isfinite(number):
        text = isinstance(value, str) and EXPONENT.fullmatch(value)
        hint = (
            "YAML reads an exponent only with a point and a sign, such as 1.0e-1." if text else ""
        )
        raise SettingsError.at(path, place, "a finite number", repr(value), hint)
    return number


def _refuse_bag_keys(entry: Entry, path: Path) -> None:
    """Raise SettingsError if a dataset has what only a bag can use."""
    fields = {f.name: f.default for f in dataclasses.fields(Entry)}
    for key in BAG_KEYS:
        if getattr(entry, key) != fields[key]:
            place = f"scenario '{entry.name}', key '{key}'"
            raise SettingsError.at(path, place, "it with bag and map only", "it with data")


def _placed(entry: Entry, folder: Path) -> Entry:
    """The same with paths that start at the file's folder."""
    paths = {
        key: folder / value
        for key in ("bag", "map", "data")
        if (value := getattr(entry, key)) is not None
    }
    return dataclasses.replace(entry, **paths)
