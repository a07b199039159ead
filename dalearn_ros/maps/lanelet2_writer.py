"""Writes a Lanelet2 map (OSM XML) and its ``map_projector_info.yaml``.

Positions are metres of the local map frame (x east, y north, z up, grid axes of the UTM zone). Each
node carries both ``local_x``/``local_y`` and latitude/longitude, so that either reader is right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
MAP_FILE = "lanelet2_map.osm"
PROJECTOR_FILE = "map_projector_info.yaml"


@dataclass(frozen=True)
class Origin:
    """Where the local frame's zero lies: degrees and metres (WGS84)."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0


class Lanelet2Writer:
    """Collects nodes, ways and relations, then writes them; ids count up from 1.

    Args:
        origin: The point of the earth at local (0, 0). ``ele`` is local z + the origin's altitude.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._points: list[Array] = []
        self._nodes: dict[tuple[float, float, float], int] = {}
        self._ways: list[tuple[int, list[int], dict[str, str]]] = []
        self._relations: list[tuple[int, list[tuple[str, int, str]], dict[str, str]]] = []
        self._node_ids: list[int] = []
        self._last_id = 0

    def way(self, points: npt.ArrayLike, tags: Mapping[str, object], closed: bool = False) -> int:
        """Add a way of points (k, 3) in metres; closed repeats its first node. Returns its id.

        Points that are equal to the millimetre share one node, as Lanelet2's topology needs.
        """
        nodes = [self._node(p) for p in np.asarray(points, dtype=np.float64).reshape(-1, 3)]
        if closed:
            nodes.append(nodes[0])
        identifier = self._next_id()
        self._ways.append((identifier, nodes, _text(tags)))
        return identifier

    def lanelet(self, left: int, right: int, tags: Mapping[str, object] | None = None) -> int:
        """Add a lanelet between two ways that run in its driving direction. Returns its id."""
        merged = {
            "type": "lanelet",
            "subtype": "road",
            "location": "urban",
            "one_way": "yes",
            **(tags or {}),
        }
        return self.relation([("way", left, "left"), ("way", right, "right")], merged)

    def relation(self, members: Sequence[tuple[str, int, str]], tags: Mapping[str, object]) -> int:
        """Add a relation; members are (``way`` or ``relation``, id, role). Returns its id."""
        identifier = self._next_id()
        self._relations.append((identifier, list(members), _text(tags)))
        return identifier

    def write(self, directory: Path | str) -> Path:
        """Write ``lanelet2_map.osm`` and ``map_projector_info.yaml``; returns the former's path."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / MAP_FILE
        path.write_text("\n".join(self._lines()) + "\n", encoding="utf-8")
        (folder / PROJECTOR_FILE).write_text(projector_info(self.origin), encoding="utf-8")
        return path

    def _lines(self) -> list[str]:
        lines = [
            "<?xml version='1.0' encoding='UTF-8'?>",
            '<osm version="0.6" generator="dalearn">',
        ]
        lines += self._node_lines()
        for identifier, nodes, tags in self._ways:
            lines.append(f'  <way id="{identifier}" version="1" visible="true">')
            lines += [f'    <nd ref="{node}"/>' for node in nodes]
            lines += [*_tag_lines(tags), "  </way>"]
        for identifier, members, tags in self._relations:
            lines.append(f'  <relation id="{identifier}" version="1" visible="true">')
            lines += [
                f'    <member type="{kind}" ref="{ref}" role={quoteattr(role)}/>'
                for kind, ref, role in members
            ]
            lines += [*_tag_lines(tags), "  </relation>"]
        return [*lines, "</osm>"]

    def _node_lines(self) -> list[str]:
        points = np.array(self._points).reshape(-1, 3)
        latitude, longitude = geographic(points, self.origin)
        lines = []
        for identifier, p, lat, lon in zip(
            self._node_ids, points, latitude, longitude, strict=True
        ):
            lines.append(
                f'  <node id="{identifier}" version="1" visible="true" '
                f'lat="{lat:.11f}" lon="{lon:.11f}">'
            )
            lines.append(f'    <tag k="local_x" v="{p[0]:.4f}"/>')
            lines.append(f'    <tag k="local_y" v="{p[1]:.4f}"/>')
            lines.append(f'    <tag k="ele" v="{p[2] + self.origin.altitude_m:.4f}"/>')
            lines.append("  </node>")
        return lines

    def _node(self, point: Array) -> int:
        key = (
            round(float(point[0]), 3),
            round(float(point[1]), 3),
            round(float(point[2]), 3),
        )
        if key not in self._nodes:
            self._nodes[key] = self._next_id()
            self._node_ids.append(self._nodes[key])
            self._points.append(np.asarray(point, dtype=np.float64))
        return self._nodes[key]

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


def geographic(points: Array, origin: Origin) -> tuple[Array, Array]:
    """Latitude and longitude in degrees, each (N,), of local points (N, 3) in metres.

    The local axes are those of the origin's UTM zone, moved so that the origin is (0, 0).
    """
    from pyproj import Transformer

    zone = math.floor((origin.longitude_deg + 180.0) / 6.0) + 1
    south = " +south" if origin.latitude_deg < 0 else ""
    utm = f"+proj=utm +zone={zone}{south} +datum=WGS84 +units=m"
    to_utm = Transformer.from_crs("EPSG:4326", utm, always_xy=True)
    easting, northing = to_utm.transform(origin.longitude_deg, origin.latitude_deg)
    longitude, latitude = to_utm.transform(
        points[:, 0] + easting, points[:, 1] + northing, direction="INVERSE"
    )
    return np.asarray(latitude, dtype=np.float64), np.asarray(longitude, dtype=np.float64)


def projector_info(origin: Origin) -> str:
    """Text of ``map_projector_info.yaml`` for a local map on UTM axes."""
    return (
        "projector_type: LocalCartesianUTM\n"
        "vertical_datum: WGS84\n"
        "map_origin:\n"
        f"  latitude: {origin.latitude_deg:.11f}\n"
        f"  longitude: {origin.longitude_deg:.11f}\n"
        f"  altitude: {origin.altitude_m:.4f}\n"
    )


def _text(tags: Mapping[str, object]) -> dict[str, str]:
    return {k: f"{v:.3f}" if isinstance(v, float) else str(v) for k, v in tags.items()}


def _tag_lines(tags: Mapping[str, str]) -> list[str]:
    return [f"    <tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items()]
