"""Heights for maps that have none: the ground from the drive, or a plane under the wheels.

Two models, each stated in the map's report. Both need ``base_link`` at a known height over the
ground; Autoware's lies on it (REP 105: the middle of the rear axle, projected to the ground).

What stands is lifted so that its lower edge is :data:`MOUNTING_M` over the ground: a guess that no
flat map can replace. Bearings to signs are right with it, their rows in the image are not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.maps.index import IndexedMap

Array = npt.NDArray[np.float64]
Ground = Callable[[Array], Array]

MOUNTING_M = 2.2  # lower edge of signs beside a footway (VwV-StVO on sections 39 to 43, III 13)
NEIGHBOURS = 4  # positions of the drive that share in the ground's height at a place
BESIDE_M = 50.0  # landmarks further from the drive than this are counted in the note


def with_ground(
    landmarks: IndexedMap, positions_m: npt.ArrayLike, above_ground_m: float = 0.0
) -> IndexedMap:
    """A flat map with the heights of a driven trajectory; any other map is returned as it is.

    The ground at a place has the height of the nearest positions of the drive, weighted by the
    inverse square of their horizontal distance.

    Args:
        landmarks: The map.
        positions_m: (P, 3) positions of ``base_link`` in the map frame, at least one.
        above_ground_m: Height of ``base_link`` over the ground.

    Raises:
        ValueError: There is no finite position.
    """
    positions = np.asarray(positions_m, dtype=np.float64).reshape(-1, 3)
    positions = positions[np.isfinite(positions).all(axis=1)]
    if not len(positions):
        raise ValueError("a ground model needs at least one position of the drive")
    if not landmarks.report.flat:
        return landmarks
    tree = cKDTree(positions[:, :2])
    count = min(NEIGHBOURS, len(positions))

    def ground(plan: Array) -> Array:
        distance, rows = tree.query(plan, k=[*range(1, count + 1)])
        weight = 1.0 / np.maximum(distance, 1e-3) ** 2
        height = (weight * positions[rows, 2]).sum(axis=1) / weight.sum(axis=1)
        return np.asarray(height - above_ground_m)

    away, _ = tree.query(landmarks.point_m[:, :2])
    beside = int((away > BESIDE_M).sum())
    note = (
        f"Heights come from {len(positions)} positions of the drive, {above_ground_m:g} m over the "
        f"ground; {beside} of {len(landmarks)} landmarks lie over {BESIDE_M:g} m beside it."
    )
    return _raised(landmarks, ground, note)


def on_plane(
    landmarks: IndexedMap, map_from_base: Transform, above_ground_m: float = 0.0
) -> IndexedMap:
    """A flat map on the plane through the vehicle's wheels; any other map is returned as it is.

    Good for one frame, and as far as the road is as steep as where the vehicle stands.

    Args:
        landmarks: The map.
        map_from_base: Pose of ``base_link``, whose x-y plane is parallel to the ground.
        above_ground_m: Height of ``base_link`` over the ground.

    Raises:
        ValueError: The plane is steeper than 45 degrees.
    """
    if not landmarks.report.flat:
        return landmarks
    normal = map_from_base.rotation[:, 2]
    if normal[2] < np.sqrt(0.5):
        raise ValueError(f"the vehicle's plane is too steep to be a road (normal {normal})")
    foot = map_from_base.translation - above_ground_m * normal

    def ground(plan: Array) -> Array:
        height: Array = foot[2] - (plan - foot[:2]) @ normal[:2] / normal[2]
        return height

    note = f"Heights are those of the plane through the wheels at {np.round(foot, 2).tolist()} m."
    return _raised(landmarks, ground, note)


def _raised(landmarks: IndexedMap, ground: Ground, note: str) -> IndexedMap:
    """Markings laid on the ground vertex by vertex; what stands moves up as a whole, so that its
    lowest vertex is :data:`MOUNTING_M` over the ground.
    """
    stands = np.isnan(landmarks.direction).any(axis=1)
    starts = landmarks.outlines_m.starts
    sizes = np.diff(starts)
    lowest = np.minimum.reduceat(landmarks.outlines_m.values[:, 2], starts[:-1])
    lift = ground(landmarks.point_m[:, :2]) + np.where(stands, MOUNTING_M - lowest, 0.0)
    points = landmarks.point_m + lift[:, None] * [0.0, 0.0, 1.0]
    values = landmarks.outlines_m.values.copy()
    of_stand = np.repeat(stands, sizes)
    values[of_stand, 2] += np.repeat(lift, sizes)[of_stand]
    if not of_stand.all():
        values[~of_stand, 2] += ground(values[~of_stand, :2])
    if stands.any():
        note += (
            f" The lower edges of {int(stands.sum())} signs and lights are taken {MOUNTING_M} m "
            "over it: a guess."
        )
    report = dataclasses.replace(
        landmarks.report, flat=False, notes=(*landmarks.report.notes, note)
    )
    outlines = Ragged(values, landmarks.outlines_m.starts)
    return dataclasses.replace(landmarks, point_m=points, outlines_m=outlines, report=report)
