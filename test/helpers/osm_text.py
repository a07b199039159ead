"""Small Lanelet2 files written by hand in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

Tags = Mapping[str, object]


def local_node(name: int, x: float, y: float, z: float | None = 0.0, **tags: object) -> str:
    """A node with ``local_x/local_y``, empty lat/lon, and ``ele`` unless it is None."""
    more = {} if z is None else {"ele": z}
    return _element(
        "node", f'id="{name}" lat="" lon=""', [], {"local_x": x, "local_y": y, **more, **tags}
    )


def earth_node(name: int, lat: float, lon: float, z: float | None = 0.0, **tags: object) -> str:
    """A node with latitude and longitude, and ``ele`` unless it is None."""
    more = {} if z is None else {"ele": z}
    return _element("node", f'id="{name}" lat="{lat:.11f}" lon="{lon:.11f}"', [], {**more, **tags})


def way(name: int, nodes: Sequence[int], **tags: object) -> str:
    """A way; ``kind`` is written as the tag ``type``."""
    return _element("way", f'id="{name}"', [f'<nd ref="{node}"/>' for node in nodes], tags)


def relation(name: int, members: Sequence[tuple[str, int, str]], **tags: object) -> str:
    """A relation of (``way`` or ``relation``, id, role); ``kind`` is the tag ``type``."""
    lines = [f'<member type="{kind}" ref="{ref}" role="{role}"/>' for kind, ref, role in members]
    return _element("relation", f'id="{name}"', lines, tags)


def lane(name: int, left: int, right: int, *rules: int, **tags: object) -> str:
    """A lanelet of two bounds with its regulatory elements."""
    members = [("way", left, "left"), ("way", right, "right")]
    members += [("relation", rule, "regulatory_element") for rule in rules]
    return relation(name, members, **{"kind": "lanelet", "subtype": "road", **tags})


def write_osm(path: Path, *elements: str) -> Path:
    """An ``.osm`` file of these elements."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(['<osm version="0.6">', *elements, "</osm>"]))
    return path


def _element(name: str, attributes: str, lines: Sequence[str], tags: Tags) -> str:
    keys = {"kind": "type"}
    texts = [f'<tag k="{keys.get(key, key)}" v="{value}"/>' for key, value in tags.items()]
    return f"<{name} {attributes}>{''.join([*lines, *texts])}</{name}>"
