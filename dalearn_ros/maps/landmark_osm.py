"""Landmarks as a Lanelet2 map without lanes: ways that say themselves what they are.

Such a way has the tags of Lanelet2 and Autoware (``type``, ``subtype``, ``height``, ``width``), for
every other reader, and four of ours, so that a map without lanes gives the same landmarks back:
``landmark_id``, ``landmark_class``, ``landmark_code`` and ``heading_deg``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.files import atomic_file
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.maps.elements import Element
from dalearn_ros.maps.osm import Way
from dalearn_ros.maps.stated import Stated, along, element_of, geographic, rectangle, stated_of

Array = npt.NDArray[np.float64]
STATED = "landmark_class"
TYPES = {"signal": "traffic_light", "stop_line": "stop_line", "crosswalk": "road_marking"}


def write_osm(
    landmarks: LandmarkMap, path: Path, projector: Projector | None, space: LabelSpace
) -> None:
    """Write landmarks as an ``.osm`` file, with ``local_x/local_y`` on every node.

    Args:
        landmarks: The map. An id that is a whole number stays the way's id; others are numbered
            and stand in the tag ``landmark_id``.
        path: The new file; a file there is replaced. Of a flat map, its nodes have no ``ele``.
        projector: Of the map frame, for latitude and longitude; None leaves them empty.
        space: Names of the classes.
    """
    ids = [str(name) for name in landmarks.ids]
    taken = {int(name) for name in ids if _whole(name)}
    last = max(taken, default=0)
    nodes: list[str] = []
    ways: list[str] = []
    for row, name in enumerate(ids):
        stated = stated_of(landmarks, row, space)
        points, tags = _way_of(stated, space)
        refs = list(range(last + 1, last + 1 + len(points)))
        last += len(points)
        nodes += _nodes(refs, points, projector)
        number = int(name) if _whole(name) else (last := last + 1)
        ways.append(f'  <way id="{number}" version="1" visible="true">')
        ways += [f'    <nd ref="{ref}"/>' for ref in (*refs, *([refs[0]] if stated.closed else []))]
        ways += [f"    <tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in tags.items()]
        ways.append("  </way>")
    head = ["<?xml version='1.0' encoding='UTF-8'?>", '<osm version="0.6" generator="dalearn">']
    with atomic_file(path) as temporary:
        temporary.write_text("\n".join([*head, *nodes, *ways, "</osm>"]) + "\n", encoding="utf-8")


def element_of_way(way: Way, line: Array | None, space: LabelSpace) -> Element:
    """The landmark of such a way.

    Args:
        way: With the tag ``landmark_class``.
        line: Its vertices (k, 3) in metres, or None.
        space: Names of the classes.

    Raises:
        ValueError: It has no two nodes, its class is unknown, or a tag is no number.
    """
    if line is None:
        raise ValueError("it has fewer than two nodes")
    tags, class_name = way.tags, way.tags[STATED]
    if class_name not in space.names[1:]:
        raise ValueError(f"its {STATED} '{class_name}' is no class of {', '.join(space.names[1:])}")
    closed = way.nodes[0] == way.nodes[-1]
    try:
        heading, tall = (float(tags.get(key) or "nan") for key in ("heading_deg", "height"))
    except ValueError:
        raise ValueError("its heading_deg or height is no number") from None
    ring = line[:-1] if closed else line
    name, code = tags.get("landmark_id", ""), tags.get("landmark_code", "")
    stated = Stated(name, space.id_of(class_name), code, ring, closed, heading, math.nan, tall)
    return element_of(stated, space)


def _way_of(stated: Stated, space: LabelSpace) -> tuple[Array, dict[str, str]]:
    """Vertices (k, 3) and tags of a way: the lower edge of an upright face, else the outline."""
    kind, name = stated.code.partition(":")[0], space.names[stated.class_id]
    standing = space.rule_of(stated.class_id) == "center"
    subtype = stated.code.rpartition(":")[2]
    if kind not in ("traffic_sign", "traffic_light", "stop_line", "road_marking"):
        kind = TYPES.get(name, "traffic_sign" if standing else "road_marking")
        subtype = "" if kind == "stop_line" else name if kind == "road_marking" else subtype
    tags = {
        "type": kind,
        "subtype": subtype,
        "landmark_id": stated.name,
        STATED: name,
        "landmark_code": stated.code,
    }
    if not math.isnan(stated.heading_deg):
        tags["heading_deg"] = f"{stated.heading_deg:.6f}"
    if stated.closed:
        return stated.points_m, {**tags, "area": "yes"}
    face = rectangle(stated.points_m[0], along(stated.heading_deg), stated.width_m, stated.tall_m)
    return face[:2], {**tags, "height": f"{stated.tall_m:.4f}"}


def _nodes(refs: Sequence[int], points: Array, projector: Projector | None) -> list[str]:
    latitude = longitude = [""] * len(points)
    if projector is not None and projector.kind != "Local":
        lat, lon, _ = geographic(projector, points)
        latitude, longitude = [f"{v:.11f}" for v in lat], [f"{v:.11f}" for v in lon]
    lines = []
    for ref, p, lat_text, lon_text in zip(refs, points, latitude, longitude, strict=True):
        lines += [
            f'  <node id="{ref}" version="1" visible="true" lat="{lat_text}" lon="{lon_text}">',
            f'    <tag k="local_x" v="{p[0]:.4f}"/>',
            f'    <tag k="local_y" v="{p[1]:.4f}"/>',
            *([] if math.isnan(p[2]) else [f'    <tag k="ele" v="{p[2]:.4f}"/>']),
            "  </node>",
        ]
    return lines


def _whole(name: str) -> bool:
    return name.isascii() and name.isdigit() and 0 < int(name) < 2**62 and str(int(name)) == name
