"""Parameters that all nodes have which bring images and the map together."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field


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
