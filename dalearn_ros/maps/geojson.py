"""GeoJSON as RFC 7946 has it: features with longitude, latitude (WGS 84) and height."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps.stated import Stated, geographic

Array = npt.NDArray[np.float64]
SHAPES = ("Point", "LineString", "Polygon")
DEGREES = 11  # decimals: a micrometre


@dataclass(frozen=True)
class Entry:
    """One row of a list, not yet understood.

    Attributes:
        place: Where in the file, for sentences.
        words: Its properties as text: id, class, code, heading_deg, width_m, tall_m.
        points: (k, 3): longitude, latitude in degrees and height, or x, y, z in metres; a height
            that is not given is NaN.
        closed: The points are an outline, without its first point again.
        geographic: The points are longitude, latitude, height.
    """

    place: str
    words: Mapping[str, str]
    points: Array
    closed: bool
    geographic: bool


def read_geojson(path: Path, text: str, problems: list[str]) -> list[Entry]:
    """Features of a GeoJSON text.

    Args:
        path: For sentences.
        text: Its content.
        problems: A sentence is added for every feature that is left out.

    Raises:
        MapError: Not JSON, not GeoJSON, or in a coordinate system other than WGS 84.
    """
    try:
        content = json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise MapError.at(path, "", "GeoJSON", f"no JSON ({error})") from None
    if isinstance(content, Mapping) and content.get("type") == "Feature":
        content = {"type": "FeatureCollection", "features": [content]}
    features = content.get("features") if isinstance(content, Mapping) else None
    if not isinstance(features, list):
        found = content.get("type") if isinstance(content, Mapping) else type(content).__name__
        raise MapError.at(path, "", "a FeatureCollection with features", repr(found))
    crs = json.dumps(content.get("crs", ""))
    if "EPSG" in crs and not crs.replace('"', " ").rstrip(" }").endswith(":4326"):
        hint = "Export it again in WGS 84 (EPSG:4326)."
        raise MapError.at(path, "key 'crs'", "WGS 84, as RFC 7946 says", crs[:100], hint)
    entries = []
    for number, feature in enumerate(features, start=1):
        try:
            entries.append(_entry(feature, f"feature {number}"))
        except (ValueError, OverflowError) as error:
            problems.append(f"feature {number}: {error}; it is left out.")
    return entries


def geojson_text(rows: Sequence[Stated], projector: Projector, space: LabelSpace) -> str:
    """A FeatureCollection: upright faces as points with a size, everything else as polygons."""
    features = []
    for row in rows:
        lat, lon, height = geographic(projector, row.points_m)
        points = [
            [round(float(x), DEGREES), round(float(y), DEGREES)]
            + ([] if math.isnan(z) else [round(float(z), 4)])
            for x, y, z in zip(lon, lat, height, strict=True)
        ]
        shape: dict[str, Any] = {"type": "Point", "coordinates": points[0]}
        if row.closed:
            shape = {"type": "Polygon", "coordinates": [[*points, points[0]]]}
        numbers = {"heading_deg": row.heading_deg, "width_m": row.width_m, "tall_m": row.tall_m}
        kept = {key: round(value, 6) for key, value in numbers.items() if not math.isnan(value)}
        words = {"class": space.names[row.class_id], "code": row.code}
        features.append(
            {"type": "Feature", "id": row.name, "geometry": shape, "properties": {**words, **kept}}
        )
    lines = ",\n".join(json.dumps(feature) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'


def _integer(text: str) -> int | float:
    """As ``int``, which refuses thousands of digits; infinite here, so that one row is left out."""
    return int(text) if len(text) < 400 else math.inf


def _entry(feature: Any, place: str) -> Entry:
    if not isinstance(feature, Mapping) or not isinstance(feature.get("geometry"), Mapping):
        raise ValueError("it is no feature with a geometry")
    given = feature.get("properties")
    properties = given if isinstance(given, Mapping) else {}
    words = {str(k): "" if v is None else str(v) for k, v in properties.items()}
    words["id"] = str(feature.get("id", words.get("id", "")))
    kind, points = feature["geometry"].get("type"), feature["geometry"].get("coordinates")
    if kind not in SHAPES:
        raise ValueError(f"its geometry is {kind!r}; {', '.join(SHAPES)} are read")
    if kind == "Point":
        points = [points]
    elif kind == "Polygon":
        points = points[0] if isinstance(points, list) and points else None  # holes play no part
    if not isinstance(points, list):
        raise ValueError(f"its {kind} has {str(points)[:60]} and no list of positions")
    array = np.array([_position(point) for point in points]).reshape(-1, 3)
    closed = kind == "Polygon"
    if closed and len(array) > 1 and np.allclose(array[0, :2], array[-1, :2], rtol=0, atol=1e-12):
        same_height = np.isnan(array[[0, -1], 2]).all() or abs(array[0, 2] - array[-1, 2]) < 1e-6
        array = array[:-1] if same_height else array
    if len(array) < {"Point": 1, "LineString": 2, "Polygon": 3}[kind]:
        raise ValueError(f"its {kind} has only {len(array)} positions")
    return Entry(place, words, array, closed, True)


def _position(values: Any) -> tuple[float, float, float]:
    numbers = isinstance(values, list) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool) for value in values
    )
    if not numbers or len(values) < 2:
        raise ValueError(f"a position is {str(values)[:60]} and not longitude, latitude, height")
    return float(values[0]), float(values[1]), float(values[2]) if len(values) > 2 else math.nan
