"""Lists of landmarks: GeoJSON (RFC 7946) and CSV, in and out (docs/maps.md, Lists)."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import MapError
from dalearn_ros.core.files import atomic_file
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.maps.geojson import Entry, geojson_text, read_geojson
from dalearn_ros.maps.index import IndexedMap, MapReport
from dalearn_ros.maps.osm import LIMIT_M
from dalearn_ros.maps.stated import Stated, class_of_words, element_of, stated_of
from dalearn_ros.maps.table import table
from dalearn_ros.maps.tags import TagClasses

Array = npt.NDArray[np.float64]
HEADER = (
    "id", "class", "code", "x", "y", "z", "latitude", "longitude", "height",
    "heading_deg", "width_m", "tall_m", "outline",
)  # fmt: skip
ALIASES = {
    "lat": "latitude", "lon": "longitude", "lng": "longitude", "long": "longitude",
    "ele": "height", "elevation": "height", "alt": "height", "altitude": "height",
    "easting": "x", "northing": "y", "east": "x", "north": "y", "type": "code",
    "subtype": "code", "name": "id", "heading": "heading_deg", "azimuth": "heading_deg",
    "width": "width_m",
}  # fmt: skip


@dataclass
class _Met:
    """What was met while a list was read."""

    by_tag: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    without_height: int = 0
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
        entries = _csv_entries(path, text, met)
    else:
        entries = read_geojson(path, text, met.problems)
    geographic = [entry for entry in entries if entry.geographic]
    if geographic and (projector is None or projector.kind == "Local"):
        projector = _about_middle(geographic, met)
    elements = []
    seen: Counter[str] = Counter()
    for entry in entries:
        stated = _stated(entry, projector, classes, met)
        if stated is None:
            continue
        seen[stated.name] += 1
        if seen[stated.name] > 1:
            met.problems.append(f"{entry.place}: the id '{stated.name}' stands twice; it is kept "
                                f"as '{stated.name}#{seen[stated.name]}'.")  # fmt: skip
            name = f"{stated.name}#{seen[stated.name]}"
            stated = Stated(name, *list(vars(stated).values())[1:])
        try:
            elements.append(element_of(stated, classes.label_space))
        except ValueError as error:
            met.problems.append(f"{entry.place} (id '{stated.name}'): {error}.")
            continue
        met.nominal += stated.nominal
    _notes(met, len(elements))
    report = MapReport(
        source=str(path),
        by_tag=met.by_tag,
        unknown=met.unknown,
        problems=tuple(met.problems),
        notes=tuple(met.notes),
        flat=bool(entries) and 2 * met.without_height > len(entries),
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
        text = _csv_text(rows, projector, space)
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
    except (OSError, UnicodeDecodeError) as error:
        raise MapError.at(path, "", "text in UTF-8", str(error), "Save it as UTF-8.") from None


def _about_middle(entries: Sequence[Entry], met: _Met) -> Projector:
    places = np.concatenate([entry.points[:, :2] for entry in entries])
    lon, lat = (float(value) for value in np.round(np.nanmedian(places, axis=0), 3))
    met.notes.append(
        f"There is no map_projector_info.yaml with a place on the globe: UTM metres about latitude "
        f"{lat}, longitude {lon} (the list's middle) are assumed."
    )
    return Projector("LocalCartesianUTM", lat, lon)


def _stated(
    entry: Entry, projector: Projector | None, classes: TagClasses, met: _Met
) -> Stated | None:
    words = entry.words
    class_word, code = words.get("class", ""), words.get("code", "")
    kind = code.partition(":")[0] if ":" in code else (class_word or code)
    met.by_tag[kind or "(without a class)"] += 1
    class_id = class_of_words(classes, class_word, code)
    if class_id is None:
        met.unknown[code or class_word or "(without a class)"] += 1
        return None
    points = np.array(entry.points, dtype=np.float64)
    if len(points) and np.isnan(points[:, 2]).any():
        met.without_height += 1
        points[np.isnan(points[:, 2]), 2] = 0.0
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
    if met.without_height:
        met.notes.append(f"{met.without_height} entries have no height: 0 is taken.")


def _number(text: str) -> float | None:
    """NaN for nothing, None for what is no number."""
    if not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _csv_entries(path: Path, text: str, met: _Met) -> list[Entry]:
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max(";\t,", key=first.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    names = [ALIASES.get(word.strip().lower(), word.strip().lower()) for word in next(rows, [])]
    if not ({"x", "y"} <= {*names} or {"latitude", "longitude"} <= {*names}):
        expected = "a header with x and y, or latitude and longitude, and class or code"
        raise MapError.at(path, "line 1", expected, first[:100] or "nothing")
    if not {"class", "code"} & {*names}:
        expected = "a column 'class' (such as warning_sign) or 'code' (such as de205)"
        raise MapError.at(path, "line 1", expected, first[:100])
    entries = []
    try:
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            words: dict[str, str] = {}
            for name, cell in zip(names, cells, strict=False):
                if not words.get(name):  # of two columns with one meaning the first that is filled
                    words[name] = cell.strip()
            if delimiter == ";":  # decimal commas
                for key in HEADER[3:12]:
                    words[key] = words.get(key, "").replace(",", ".")
            entry = _csv_entry(words, f"line {rows.line_num}", met)
            if entry is not None:
                entries.append(entry)
    except csv.Error as error:
        raise MapError.at(path, f"line {rows.line_num}", "a CSV row", str(error)) from None
    return entries


def _csv_entry(words: Mapping[str, str], place: str, met: _Met) -> Entry | None:
    outline = words.get("outline", "")
    metres = bool(words.get("x") and words.get("y")) or bool(outline)
    keys = ("x", "y", "z") if metres else ("longitude", "latitude", "height")
    try:
        if outline:
            points = np.array([[float(v) for v in p.split()] for p in outline.split("|")])
            if points.ndim != 2 or points.shape[1] != 3:
                raise ValueError
        else:
            numbers = [float(words.get(key, "")) for key in keys[:2]]
            last = words.get(keys[2], "")
            points = np.array([[*numbers, float(last) if last else math.nan]])
    except ValueError:
        given = outline or ", ".join(f"{key} '{words.get(key, '')}'" for key in keys)
        met.problems.append(f"{place}: its coordinates ({given[:80]}) are no numbers; left out.")
        return None
    return Entry(place, dict(words), points, bool(outline), not metres)


def _csv_text(rows: Sequence[Stated], projector: Projector | None, space: LabelSpace) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        point = row.points_m.mean(axis=0)
        earth = ["", "", ""]
        if projector is not None:
            lat, lon, height = (float(v[0]) for v in projector.inverse(point))
            earth = [f"{lat:.9f}", f"{lon:.9f}", f"{height:.4f}"]
        sizes = [_cell(row.heading_deg, 6), _cell(row.width_m, 4), _cell(row.tall_m, 4)]
        shape = "|".join(" ".join(f"{v:.4f}" for v in p) for p in row.points_m)
        words = [row.name, space.names[row.class_id], row.code]
        metres = [f"{v:.4f}" for v in point]
        writer.writerow([*words, *metres, *earth, *sizes, shape if row.closed else ""])
    return stream.getvalue()


def _cell(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"
