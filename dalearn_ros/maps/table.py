"""From single landmarks to the table that the rest of the package works on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.maps.elements import Element
from dalearn_ros.maps.index import IndexedMap, MapReport


def table(elements: Sequence[Element], label_space: LabelSpace, report: MapReport) -> IndexedMap:
    """Landmarks as arrays, each with the reference point of its class's rule (D1).

    Args:
        elements: Landmarks in map metres, their names unique.
        label_space: Gives the rule of each class.
        report: What the loader met.

    Returns:
        N rows in the order of ``elements``.
    """
    points = [element.point(label_space.rule_of(element.class_id)) for element in elements]
    return IndexedMap(
        ids=np.array([element.name for element in elements], dtype=np.str_),
        class_id=np.array([element.class_id for element in elements], dtype=np.int64),
        point_m=np.array(points, dtype=np.float64).reshape(-1, 3),
        outlines_m=Ragged.of([element.outline_m for element in elements], 3),
        normal=np.array([e.normal for e in elements], dtype=np.float64).reshape(-1, 3),
        direction=np.array([e.direction for e in elements], dtype=np.float64).reshape(-1, 3),
        tags=np.array([element.tag for element in elements], dtype=np.str_),
        frame_id="map",
        report=report,
    )
