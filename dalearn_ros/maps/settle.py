"""Where the rows of a list can be: in one map, and each at a height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps.positions import FAR_M
from dalearn_ros.maps.stated import Stated

Placed = tuple[str, Stated]  # place in the file, for sentences, and the row


def near_the_middle(found: Sequence[Placed], problems: list[str]) -> list[Placed]:
    """The rows that can belong to one map; others are told."""
    if not found:
        return []
    places = np.array([row.points_m[0, :2] for _, row in found])
    away = np.linalg.norm(places - np.median(places, axis=0), axis=1)
    problems += [
        f"{place} (id '{row.name}'): lies {distance / 1e3:.0f} km from the middle of the list; it "
        "is left out. Correct its coordinates."
        for (place, row), distance in zip(found, away, strict=True)
        if distance > FAR_M
    ]
    return [one for one, distance in zip(found, away, strict=True) if distance <= FAR_M]


def with_heights(
    found: Sequence[Placed], space: LabelSpace, notes: list[str]
) -> tuple[list[Placed], bool]:
    """The rows, each with a height, and whether the list is flat.

    A list is flat if most of its rows lack a height. In another list they take that of the nearest
    row of their kind, what stands from what stands, what is painted from what is painted.
    """
    lacks = np.array([bool(np.isnan(row.points_m[:, 2]).any()) for _, row in found], dtype=bool)
    count = int(lacks.sum())
    heights = np.zeros(len(found))
    flat = 2 * count > len(found)
    if flat:
        notes.append(
            f"The list is flat: {count} of {len(found)} landmarks have no height, so everything "
            "stands and lies at z = 0. Signs and lights need a ground model, see docs/maps.md."
        )
    elif count:
        notes.append(f"{count} landmarks have no height: that of the nearest one is taken.")
        stands = np.array([space.rule_of(row.class_id) == "center" for _, row in found])
        places = np.array([row.points_m[0, :2] for _, row in found])
        for kind in (stands, ~stands):
            rows, known = np.flatnonzero(lacks & kind), np.flatnonzero(~lacks & kind)
            known = known if len(known) else np.flatnonzero(~lacks)
            _, nearest = cKDTree(places[known]).query(places[rows])
            heights[rows] = [found[i][1].points_m[:, 2].mean() for i in known[nearest]]
    whole = []
    for (place, row), height in zip(found, heights, strict=True):
        points = row.points_m.copy()
        points[np.isnan(points[:, 2]), 2] = height
        if flat and (not row.closed or space.rule_of(row.class_id) != "center"):
            points[:, 2] = 0.0  # only an upright outline has a shape in height
        whole.append((place, replace(row, points_m=points)))
    return whole, flat
