"""What of the city goes into the map, in true positions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Element:
    """One mapped thing.

    Attributes:
        kind: ``traffic_sign``, ``traffic_light``, ``stop_line`` or ``road_marking``.
        code: The subtype.
        points: (k, 3) metres: for a sign or light its lower edge from left to right as seen from
            the front; for a stop line its middle line; else the corners of a closed outline.
        height_m: Height of a sign or light; 0 for others.
        width_m: Breadth of a stop line; 0 for others.
        lanelet: Key of the lanelet that it belongs to, or empty.
    """

    kind: str
    code: str
    points: Array
    height_m: float = 0.0
    width_m: float = 0.0
    lanelet: str = ""


@dataclass
class Inventory:
    """All mapped things of a city."""

    elements: list[Element] = field(default_factory=list)

    def sign(self, code: str, left: Array, right: Array, height_m: float) -> None:
        """Add a traffic sign by its lower corners seen from the front."""
        self.elements.append(Element("traffic_sign", code, np.stack([left, right]), height_m))

    def light(self, left: Array, right: Array, height_m: float) -> None:
        """Add a traffic light by its lower corners seen from the front."""
        points = np.stack([left, right])
        self.elements.append(Element("traffic_light", "red_yellow_green", points, height_m))

    def stop_line(self, points: Array, width_m: float) -> None:
        """Add a stop line by its middle line."""
        self.elements.append(Element("stop_line", "", points, width_m=width_m))

    def marking(self, code: str, outline: Array) -> None:
        """Add a road marking by its outline (k, 3)."""
        self.elements.append(Element("road_marking", code, outline))
