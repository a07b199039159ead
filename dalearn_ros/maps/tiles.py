"""A Lanelet2 map in one file or in tiles, as Autoware's map divider writes them.

A folder ``lanelet2_map.osm/`` holds the tiles; ``lanelet2_map_metadata.yaml`` in it or beside it
says the size of the squares and the south-west corner of each::

    x_resolution: 100.0
    y_resolution: 100.0
    58700_42500.osm: [58700.0, 42500.0]

Elements on a seam stand in several tiles under the same id: they become one.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from dalearn_ros.core.errors import MapError
from dalearn_ros.core.yaml_file import read_yaml
from dalearn_ros.maps.osm import OsmFile, read_osm

METADATA_NAME = "lanelet2_map_metadata.yaml"
SAME_DEG = 1e-7  # about 1 cm: nodes of one id further apart are two nodes
SAME_M = 0.01


def read_map_files(path: Path) -> OsmFile:
    """All elements of a map: one ``.osm`` file, or a folder of tiles merged into one.

    Args:
        path: The file, or the folder of the tiles.

    Returns:
        The elements; tiles that cannot be read are named in ``problems``.

    Raises:
        MapError: Nothing can be read, or the metadata are no metadata.
    """
    if not path.is_dir():
        return read_osm(path)
    squares = _metadata(path)
    if squares is None:
        squares = {str(file): () for file in sorted(path.glob("*.osm")) if file.is_file()}
    merged, problems = OsmFile(path), []
    rows: list[np.ndarray[Any, Any]] = []
    for name, square in squares.items():
        try:
            tile = read_osm(Path(name))
        except MapError as error:
            problems.append(f"a tile is left out: {error}")
            continue
        _merge(merged, rows, tile)
        merged.problems += [f"{Path(name).name}, {problem}" for problem in tile.problems]
        merged.tiles[Path(name).name] = (tile.node_names, square)
    if not merged.tiles:
        found = problems[0] if problems else "none"
        raise MapError.at(path, "", "tiles (.osm files) of a Lanelet2 map", found)
    merged.problems += problems
    values = np.array(rows, dtype=np.float64).reshape(-1, 5)
    merged.geographic, merged.local, merged.height = values[:, :2], values[:, 2:4], values[:, 4]
    return merged


def has_tiles(path: Path) -> bool:
    """Whether a folder holds tiles: its metadata stand in it, or it is named like a map file."""
    return path.is_dir() and (path.suffix == ".osm" or (path / METADATA_NAME).is_file())


def _metadata(path: Path) -> dict[str, tuple[float, ...]] | None:
    """File → (x, y, width, height) of its square, None without metadata."""
    found = [f / METADATA_NAME for f in (path, path.parent) if (f / METADATA_NAME).is_file()]
    if not found:
        return None
    file = found[0]
    content = read_yaml(file, MapError, expected="x_resolution, y_resolution and tiles")
    size = tuple(
        _numbers(file, key, [content.pop(key, None)], 1)[0]
        for key in ("x_resolution", "y_resolution")
    )
    if min(size) <= 0.0:
        raise MapError.at(file, "x_resolution and y_resolution", "sizes above 0 m", f"{size}")
    squares = {}
    for name, corner in content.items():
        place = next((f for f in (file.parent, path) if (f / str(name)).is_file()), path)
        squares[str(place / str(name))] = (*_numbers(file, str(name), corner, 2), *size)
    return squares


def _numbers(file: Path, key: str, values: Any, count: int) -> tuple[float, ...]:
    numbers = values if isinstance(values, list) else [values]
    good = [isinstance(v, (int, float)) and math.isfinite(v) for v in numbers]
    if len(numbers) != count or not all(good):
        expected = f"{count} numbers, metres" if count > 1 else "a number, metres"
        raise MapError.at(file, f"key '{key}'", expected, repr(values))
    return tuple(float(v) for v in numbers)


def _merge(merged: OsmFile, rows: list[np.ndarray[Any, Any]], tile: OsmFile) -> None:
    """Add a tile's elements; of one that stands in two tiles, the longer form is kept."""
    values = np.concatenate([tile.geographic, tile.local, tile.height[:, None]], axis=1)
    limit = np.array([SAME_DEG, SAME_DEG, SAME_M, SAME_M, SAME_M])
    for name, row in tile.node_ids.items():
        if name not in merged.node_ids:
            merged.node_ids[name] = len(rows)
            rows.append(values[row])
        elif (np.abs(rows[merged.node_ids[name]] - values[row]) > limit).any():
            merged.problems.append(
                f"node {name}: stands at another place in {tile.path.name} than in a tile before; "
                "the first is kept. Tiles must come from one map."
            )
    for name, way in tile.ways.items():
        before = merged.ways.get(name)
        if before is None or len(way.nodes) > len(before.nodes):
            merged.ways[name] = way
    for name, relation in tile.relations.items():
        known = merged.relations.get(name)
        if known is None or len(relation.members) > len(known.members):
            merged.relations[name] = relation
