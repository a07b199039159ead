"""The city's inventory as a Lanelet2 map, with the surveyor's noise or without it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from dalearn_ros.core.randomness import generator
from dalearn_ros.maps.lanelet2_writer import Lanelet2Writer
from dalearn_ros.world.errors_model import map_noise
from dalearn_ros.world.landmarks import Element
from dalearn_ros.world.plan import Plan
from dalearn_ros.world.scene import Scene


def write_map(scene: Scene, plan: Plan, seed: int, directory: Path, exact: bool = False) -> Path:
    """Write ``lanelet2_map.osm`` and ``map_projector_info.yaml`` of a city.

    Args:
        scene: The city.
        plan: Its main road.
        seed: Of the surveyor's noise.
        directory: Where both files go.
        exact: Leave the noise out; the elements keep their ids.

    Returns:
        The Lanelet2 file.
    """
    writer = Lanelet2Writer(scene.city.origin)
    elements = scene.inventory.elements
    shifts = map_noise(generator(seed, "map", scene.city.name), len(elements))
    if exact:
        shifts = np.zeros_like(shifts)
    for element, shift in zip(elements, shifts, strict=True):
        points = element.points + shift
        writer.way(points, _tags(element), closed=element.kind == "road_marking")
    _lanes(writer, scene, plan)
    return writer.write(directory)


def _tags(element: Element) -> dict[str, object]:
    tags: dict[str, object] = {"type": element.kind}
    if element.code:
        tags["subtype"] = element.code
    if element.height_m:
        tags["height"] = element.height_m
    if element.width_m:
        tags["width"] = element.width_m
    return tags


def _lanes(writer: Lanelet2Writer, scene: Scene, plan: Plan) -> None:
    """Lanelets of the main road in both directions, from junction to junction and across."""
    road, w = plan.road, scene.city.lane_m
    cuts = [0.0, *(float(s) for s in plan.junctions), road.length_m]
    for a, b in pairwise(cuts):
        s = np.linspace(a, b, max(2, int((b - a) / 4.0)))
        bounds = {}
        for i in range(-road.lanes, road.lanes + 1):
            tags = {
                "type": "line_thin",
                "subtype": "dashed" if abs(i) < road.lanes and i else "solid",
            }
            for forward in (True, False):
                if (forward and i > 0) or (not forward and i < 0):
                    continue
                points = road.at(s if forward else s[::-1], i * w)
                bounds[i, forward] = writer.way(points, tags)
        for i in range(road.lanes):
            tags = {"speed_limit": "50"}
            writer.lanelet(bounds[-i, True], bounds[-i - 1, True], tags)
            writer.lanelet(bounds[i, False], bounds[i + 1, False], tags)
