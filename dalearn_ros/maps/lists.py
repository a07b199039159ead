"""Lists of landmarks: GeoJSON (RFC 7946) and CSV, in and out (docs/maps.md, Lists)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import MapError
from dalearn_ros.core.files import atomic_file
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.maps.csv_list import csv_text, read_csv
from dalearn_ros.maps.geojson import Entry, geojson_text, read_geojson
from dalearn_ros.maps.index import IndexedMap, MapReport
from dalearn_ros.maps.osm import LIMIT_M
from dalearn_ros.maps.settle import near_the_middle, with_heights
from dalearn_ros.maps.stated import Stated, class_of_words, element_of, stated_of
from dalearn_ros.maps.table import table
from dalearn_ros.maps.tags import TagClasses

Array = npt.NDArray[np.float64]


@dataclass
class _Met:
    """What was met while a list was read."""

    by_tag: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    nominal: int = 0


def read_list(path: Path, classes: TagClasses, projector: Projector | None = None) -> IndexedMap:
    """Read a list of landmarks.

    Args:
        path: ``.geojson`` or ``.csv``.
        classes: Catalogues, for rows with a code and no class.
        projector: How latitude and longitude become metres of the map; None takes UTM about the
            list's middle, and the report says so.

    Returns:
        The landmarks that have a class; a row with a fault is left out and told in
        ``report.problems``.

    Raises:
        MapError: Not such a file, or nothing in it can be read.
    """
    met = _Met()
    text = _text(path)
    if path.suffix.lower() == ".csv":
        entries = read_csv(path, text, met.problems)
    else:
        entries = read_geojson(path, text, met.problems)
    geographic = [entry for entry in entries if entry.geographic]
    if geographic and (projector is None or projector.kind == "Local"):
        projector = _about_middle(geographic, met)
    stated = [_stated(entry, projector, classes, met) for entry in entries]
    found = [(e.place, row) for e, row in zip(entries, stated, strict=True) if row is not None]
    found = near_the_middle(found, met.problems)
    found, flat = with_heights(found, classes.label_space, met.notes)
    elements = []
    seen: Counter[str] = Counter()
    for place, row in found:
        seen[row.name] += 1
        name = row.name if seen[row.name] == 1 else f"{row.name}#{seen[row.name]}"
        if name != row.name:
            twice = f"the id '{row.name}' stands twice; it is kept as '{name}'"
            met.problems.append(f"{place}: {twice}.")
        try:
            element = element_of(replace(row, name=name), classes.label_space)
        except ValueError as error:
            met.problems.append(f"{place} (id '{name}'): {error}; it is left out.")
            continue
        if flat:  # it stands on the ground, or lies there
            lowest = float(element.outline_m[:, 2].min())
            element = replace(element, outline_m=element.outline_m - [0.0, 0.0, lowest])
        elements.append(element)
        met.nominal += row.nominal
    _notes(met, len(elements))
    report = MapReport(
        source=str(path),
        by_tag=met.by_tag,
        unknown=met.unknown,
        problems=tuple(met.problems),
        notes=tuple(met.notes),
        flat=flat,
        projector=projector,
    )
    return table(elements, classes.label_space, report)


def write_list(
    landmarks: LandmarkMap,
    path: Path,
    projector: Projector | None = None,
    space: LabelSpace | None = None,
) -> None:
    """Write landmarks as ``.geojson`` or ``.csv``; :func:`read_list` gives the same ones back.

    Args:
        landmarks: The map.
        path: The new file; a file there is replaced.
        projector: Of the map frame. GeoJSON is latitude and longitude and needs it; a CSV has
            both kinds of coordinates with it and metres without.
        space: Names of the classes; None takes the shipped ones.

    Raises:
        MapError: GeoJSON of a map without a relation to the globe, or an unknown suffix.
    """
    space = space or LabelSpace.load()
    if projector is not None and projector.kind == "Local":
        projector = None
    rows = [stated_of(landmarks, row, space) for row in range(len(landmarks))]
    if path.suffix.lower() == ".csv":
        text = csv_text(rows, projector, space)
    elif path.suffix.lower() == ".geojson":
        if projector is None:
            hint = "Put one beside the map, or write a .csv, which holds the map's own metres."
            expected = "a map_projector_info.yaml that relates the map to latitude and longitude"
            raise MapError.at(path, "", expected, "none (or projector Local)", hint)
        text = geojson_text(rows, projector, space)
    else:
        raise MapError.at(path, "", "a name in .geojson or .csv", f"'{path.suffix}'")
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MapError(f"{path}: there is no such list.") from None
    except OSError as error:
        raise MapError.at(path, "", "a readable file", str(error.strerror)) from None
    except UnicodeDecodeError as error:
        raise MapError.at(path, "", "text in UTF-8", str(error), "Save it as UTF-8.") from None


def _about_middle(entries: Sequence[Entry], met: _Met) -> Projector:
    places = np.concatenate([entry.points[:, :2] for entry in entries])
    places = places[(np.abs(places) <= [180.0, 90.0]).all(axis=1)]
    if not len(places):
        return Projector("LocalCartesianUTM")  # nothing will be placed by it
    lon, lat = (float(value) for value in np.round(np.median(places, axis=0), 3))
    met.notes.append(
        f"There is no map_projector_info.yaml with a place on the globe: UTM metres about latitude "
        f"{lat}, longitude {lon} (the list's middle) are assumed."
    )
    return Projector("LocalCartesianUTM", lat, lon)


def _stated(
    entry: Entry, projector: Projector | None, classes: TagClasses, met: _Met
) -> Stated | None:
    words = entry.words
    class_word, code = (" ".join(words.get(key, "").split()) for key in ("class", "code"))
    kind = code.partition(":")[0] if ":" in code else (class_word or code)
    met.by_tag[kind or "(without a class)"] += 1
    class_id = class_of_words(classes, class_word, code)
    if class_id is None:
        met.unknown[code or class_word or "(without a class)"] += 1
        return None
    points = np.array(entry.points, dtype=np.float64)
    unknown = np.isnan(points[:, 2])
    points[unknown, 2] = 0.0
    if entry.geographic:
        assert projector is not None
        if not (np.abs(points[:, 1]) <= 90.0).all() or not (np.abs(points[:, 0]) <= 180.0).all():
            met.problems.append(
                f"{entry.place}: latitude {points[0, 1]:g} and longitude {points[0, 0]:g} are not "
                "on Earth (GeoJSON has longitude, latitude in degrees); it is left out."
            )
            return None
        points = projector.forward(points[:, 1], points[:, 0], points[:, 2])
    if not np.isfinite(points).all() or (np.abs(points) > LIMIT_M).any():
        met.problems.append(f"{entry.place}: a coordinate is missing or absurd; it is left out.")
        return None
    points[unknown, 2] = math.nan
    numbers = []
    for key in ("heading_deg", "width_m", "tall_m"):
        number = _number(words.get(key, ""))
        if number is None:
            met.problems.append(f"{entry.place}: {key} '{words[key]}' is no number; left out.")
            return None
        numbers.append(number)
    name = words.get("id") or entry.place.replace(" ", "-")
    return Stated(name, class_id, code or class_word, points, entry.closed, *numbers)


def _notes(met: _Met, count: int) -> None:
    if met.nominal:
        met.notes.append(
            f"{met.nominal} of {count} landmarks are points without a size: the nominal size of "
            "their class stands in. Their points are right, their outlines are a guess."
        )


def _number(text: str) -> float | None:
    """NaN for nothing, None for what is no number."""
    if not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
