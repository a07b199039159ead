"""Parameters that all nodes have which bring images and the map together, and that map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.settings import field
from dalearn_ros.maps import load_map
from dalearn_ros.maps.index import IndexedMap


@dataclass(frozen=True)
class MapNodeSettings:
    """Which map, whose frame, when the images were taken and which calibration holds."""

    map: str = field("", "Map folder or .osm file.")
    catalogue: str = field("", "Which tags belong to which class; empty: all shipped ones.")
    base_frame: str = field("base_link", "Frame of the vehicle.")
    time_offset_s: float = field(
        0.0, "How much later than their stamps the images were taken (calibrate time-offset).",
        unit="s", minimum=-1.0, maximum=1.0,
    )  # fmt: skip
    rectified: bool = field(False, "The images are rectified (P, R); else raw (K, D).")


def map_of(settings: MapNodeSettings) -> IndexedMap:
    """The map that the parameters name.

    Raises:
        InputError: They name none, or it cannot be read.
    """
    if not settings.map:
        raise InputError("the parameter 'map' is empty; give the map: -p map:=FOLDER.")
    return load_map(Path(settings.map), settings.catalogue or None)
