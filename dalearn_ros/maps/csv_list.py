"""CSV lists of landmarks: a header, then a row each (docs/maps.md, Lists)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps.geojson import Entry
from dalearn_ros.maps.stated import Stated, geographic

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


def read_csv(path: Path, text: str, problems: list[str]) -> list[Entry]:
    """Rows of a CSV text, separated by commas, semicolons (with decimal commas) or tabs.

    Args:
        path: For sentences.
        text: Its content.
        problems: A sentence is added for every row that is left out.

    Raises:
        MapError: Its header lacks coordinates or classes, or it is no CSV.
    """
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max(";\t,", key=first.count)
    rows = csv.reader(io.StringIO(text), delimiter=delimiter)
    entries = []
    try:
        names = [ALIASES.get(word.strip().lower(), word.strip().lower()) for word in next(rows, [])]
        _check_header(path, names, first)
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            words = _words(names, cells, delimiter == ";")
            entry = _entry(words, f"line {rows.line_num}", problems)
            if entry is not None:
                entries.append(entry)
    except csv.Error as error:
        place = f"line {max(rows.line_num, 1)}"
        hint = "Is a quotation mark missing, or is it no CSV?"
        raise MapError.at(path, place, "a CSV row", f"'{error}'", hint) from None
    return entries


def _check_header(path: Path, names: Sequence[str], first: str) -> None:
    if not ({"x", "y"} <= {*names} or {"latitude", "longitude"} <= {*names}):
        expected = "a header with x and y, or latitude and longitude, and class or code"
        raise MapError.at(path, "line 1", expected, first[:100] or "nothing")
    if not {"class", "code"} & {*names}:
        expected = "a column 'class' (such as warning_sign) or 'code' (such as de205)"
        raise MapError.at(path, "line 1", expected, first[:100])


def _words(names: Sequence[str], cells: Sequence[str], decimal_commas: bool) -> dict[str, str]:
    words: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=False):
        if not words.get(name):  # of two columns with one meaning the first that is filled
            words[name] = cell.strip()
    if decimal_commas:
        for key in HEADER[3:12]:
            words[key] = words.get(key, "").replace(",", ".")
    return words


def _entry(words: Mapping[str, str], place: str, problems: list[str]) -> Entry | None:
    outline = words.get("outline", "")
    metres = bool(words.get("x") and words.get("y")) or bool(outline)
    keys = ("x", "y", "z") if metres else ("longitude", "latitude", "height")
    try:
        if outline:
            points = np.array([[float(v) for v in p.split()] for p in outline.split("|")])
            if points.ndim != 2 or points.shape[1] not in (2, 3):
                raise ValueError
            if points.shape[1] == 2:  # a list without heights
                points = np.column_stack([points, np.full(len(points), math.nan)])
        else:
            numbers = [float(words.get(key, "")) for key in keys[:2]]
            last = words.get(keys[2], "")
            points = np.array([[*numbers, float(last) if last else math.nan]])
    except ValueError:
        if outline:
            given = f"the outline '{outline[:80]}' is not 'x y z|x y z|...' or 'x y|x y|...'"
            problems.append(f"{place}: {given}; left out.")
            return None
        given = ", ".join(f"{key} '{words.get(key, '')}'" for key in keys)
        problems.append(f"{place}: its coordinates ({given[:80]}) are no numbers; left out.")
        return None
    return Entry(place, dict(words), points, bool(outline), not metres)


def csv_text(rows: Sequence[Stated], projector: Projector | None, space: LabelSpace) -> str:
    """A CSV with metres, and with latitude and longitude if there is a projector."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        point = row.points_m.mean(axis=0)
        earth = ["", "", ""]
        if projector is not None:
            lat, lon, height = (float(v[0]) for v in geographic(projector, point))
            earth = [f"{lat:.9f}", f"{lon:.9f}", _cell(height, 4)]
        sizes = [_cell(row.heading_deg, 6), _cell(row.width_m, 4), _cell(row.tall_m, 4)]
        shape = "|".join(" ".join(_cell(v, 4) for v in p).rstrip() for p in row.points_m)
        words = [row.name, space.names[row.class_id], row.code]
        metres = [_cell(v, 4) for v in point]
        writer.writerow([*words, *metres, *earth, *sizes, shape if row.closed else ""])
    return stream.getvalue()


def _cell(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"
