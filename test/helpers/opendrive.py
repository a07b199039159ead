"""OpenDRIVE text for tests: a document, its roads, and what stands beside them."""

from __future__ import annotations

from pathlib import Path

HEADER = '<header revMajor="1" revMinor="7"/>'
LANES = """<lanes><laneOffset s="0" a="0.5" b="0" c="0" d="0"/><laneSection s="0">
<left><lane id="1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></left>
<center><lane id="0" type="none"/></center>
<right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0.01" c="0" d="0"/></lane>
<lane id="-2" type="sidewalk"><width sOffset="0" a="2" b="0" c="0" d="0"/></lane></right>
</laneSection></lanes>"""


def line(length: float = 100.0, x: float = 0.0, y: float = 0.0, hdg: float = 0.0) -> str:
    """One straight ``<geometry>``."""
    return f'<geometry s="0" x="{x}" y="{y}" hdg="{hdg}" length="{length}"><line/></geometry>'


def road(
    content: str = "",
    *,
    name: str = "1",
    plan: str = "",
    length: float = 100.0,
    profiles: str = "",
    lanes: str = LANES,
    attributes: str = "",
) -> str:
    """One ``<road>``; ``content`` is its signals and objects."""
    plan = plan or line(length)
    return (
        f'<road id="{name}" length="{length}" junction="-1" {attributes}>'
        f"<planView>{plan}</planView>{profiles}{lanes}{content}</road>"
    )


def signals(*elements: str) -> str:
    """The ``<signals>`` of a road."""
    return f"<signals>{''.join(elements)}</signals>"


def objects(*elements: str) -> str:
    """The ``<objects>`` of a road."""
    return f"<objects>{''.join(elements)}</objects>"


def sign(**changes: str | float) -> str:
    """A German sign, 0.6 m square, 2 m above s = 50, t = -4, for the traffic along s."""
    content = changes.pop("content", "")
    values: dict[str, str | float] = {
        "id": "7",
        "s": 50,
        "t": -4,
        "zOffset": 2,
        "orientation": "+",
        "country": "DE",
        "type": "274",
        "subtype": "30",
        "width": 0.6,
        "height": 0.6,
    }
    values.update(changes)
    return f"<signal {_text(values)}>{content}</signal>"


def thing(**changes: str | float) -> str:
    """An ``<object>`` at s = 50, t = 0."""
    content = changes.pop("content", "")
    values: dict[str, str | float] = {"id": "9", "s": 50, "t": 0, "zOffset": 0, "orientation": "+"}
    values.update(changes)
    return f"<object {_text(values)}>{content}</object>"


def write(folder: Path, *roads: str, header: str = HEADER) -> Path:
    """Write a document ``map.xodr``."""
    path = folder / "map.xodr"
    path.write_text(f'<?xml version="1.0"?><OpenDRIVE>{header}{"".join(roads)}</OpenDRIVE>')
    return path


def _text(values: dict[str, str | float]) -> str:
    return " ".join(f'{key}="{value}"' for key, value in values.items())
