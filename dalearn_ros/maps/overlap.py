"""Whether a drive and a map are in the same place, and if not, which mistake explains it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dalearn_ros.core.errors import MapError
from dalearn_ros.geometry.geodesy import SQUARE_M
from dalearn_ros.maps.index import IndexedMap

Array = npt.NDArray[np.float64]
REACH_M = 80.0  # landmarks further away are not looked for
EXPLAINS_M = 2000.0  # a corrected drive this close to the map is the explanation
SAMPLES = 2000  # positions of a drive that are asked
DEGREES = (
    "The poses are degrees of latitude and longitude, not metres: convert them to the map frame "
    "before recording."
)


@dataclass(frozen=True)
class Overlap:
    """How a drive and a map lie to each other.

    Attributes:
        share: Share of the drive with a landmark within reach, 0 to 1.
        nearest_m: Horizontal distance from the drive to the nearest landmark, metres.
        landmarks: Number of landmarks within reach of the drive.
        height_m: Median height of ``base_link`` over the nearest road markings (over all landmarks
            where there are none), metres; NaN without overlap.
        reason: The likely mistake, a sentence; empty if they overlap.
    """

    share: float
    nearest_m: float
    landmarks: int
    height_m: float
    reason: str


def overlap(landmarks: IndexedMap, positions_m: npt.ArrayLike, reach_m: float = REACH_M) -> Overlap:
    """Compare a drive with a map.

    Args:
        landmarks: At least one.
        positions_m: (P, 3) positions of the vehicle, map frame; those that are not finite are
            left out.
        reach_m: How far away a landmark may be.

    Raises:
        ValueError: There is no finite position or no landmark.
    """
    drive = np.asarray(positions_m, dtype=np.float64).reshape(-1, 3)
    drive = drive[np.isfinite(drive).all(axis=1)]
    if not len(drive) or not len(landmarks):
        raise ValueError("there is no position of the drive, or no landmark in the map")
    drive = drive[:: -(-len(drive) // SAMPLES)]
    points = np.asarray(landmarks.point_m, dtype=np.float64)
    tree = cKDTree(points[:, :2])
    distances, _ = tree.query(drive[:, :2])
    near = distances <= reach_m
    share, nearest = float(near.mean()), float(distances.min())
    if _in_degrees(landmarks, tree, drive):  # near a map about its origin, and yet not in it
        return Overlap(0.0, nearest, 0, np.nan, DEGREES)
    if not near.any():
        return Overlap(0.0, nearest, 0, np.nan, _reason(landmarks, tree, drive))
    rows = np.unique(np.concatenate(tree.query_ball_point(drive[near][:, :2], reach_m)))
    painted = np.isfinite(np.asarray(landmarks.direction)[:, 0])
    ground = points[painted] if painted.any() else points
    _, under = cKDTree(ground[:, :2]).query(drive[near][:, :2])
    height = float(np.median(drive[near][:, 2] - ground[under, 2]))
    return Overlap(share, nearest, len(rows), height, "")


def _reason(landmarks: IndexedMap, tree: cKDTree, drive: Array) -> str:
    """Which common mistake would bring the drive to the map; the first that does."""
    middle, there = np.median(drive[:, :2], axis=0), np.median(landmarks.point_m[:, :2], axis=0)
    shift = SQUARE_M * np.round((there - middle) / SQUARE_M) + 0.0  # no -0
    if shift.any() and _near(tree, drive[:, :2] + shift):
        return (
            f"They lie {shift[0] / 1e3:g} km and {shift[1] / 1e3:g} km apart, whole MGRS squares: "
            "map or drive is in another 100 km square than the other says. Correct mgrs_grid in "
            "map_projector_info.yaml."
        )
    if _near(tree, drive[:, 1::-1]):
        return "With x and y of the poses swapped the drive would be on the map: swap them."
    earth = _earth(landmarks, drive)
    if earth is not None and _near(tree, _through(landmarks, earth[1], earth[0])):
        return (
            "With latitude and longitude swapped the drive would be on the map: look at map_origin "
            "in map_projector_info.yaml and at where the poses come from."
        )
    far_m = float(np.linalg.norm(there))
    if float(np.linalg.norm(drive[0, :2])) < 1.0 and far_m > EXPLAINS_M:
        return (
            "The poses begin at (0, 0): they are local, such as wheel odometry in frame 'odom'. "
            "Take poses in the map frame, from a localization, with --pose-topic."
        )
    if far_m < 5e4 < float(np.linalg.norm(middle)):
        return (
            "The map is about its own origin and the poses are far from theirs: they are in "
            "another frame, such as UTM or MGRS. Give the map the map_projector_info.yaml that the "
            "vehicle used."
        )
    return "It is another place: is this the map of this drive?"


def _in_degrees(landmarks: IndexedMap, tree: cKDTree, drive: Array) -> bool:
    """Whether the numbers are degrees, in either order, that lead to the map."""
    x, y = drive[:, 0], drive[:, 1]
    if max(np.abs(x).max(), np.abs(y).max()) > 180.0 or max(np.ptp(x), np.ptp(y)) > 1.0:
        return False
    return any(_near(tree, _through(landmarks, a, b)) for a, b in ((x, y), (y, x)))


def _near(tree: cKDTree, positions: Array | None) -> bool:
    if positions is None:
        return False
    finite = positions[np.isfinite(positions[:, :2]).all(axis=1), :2]
    return bool(len(finite)) and float(np.min(tree.query(finite)[0])) < EXPLAINS_M


def _earth(landmarks: IndexedMap, drive: Array) -> tuple[Array, Array] | None:
    """Latitude and longitude of the drive in degrees; None if the map has no projector."""
    projector = landmarks.report.projector
    if projector is None or projector.kind == "Local":
        return None
    latitude, longitude, _ = projector.inverse(drive)
    return latitude, longitude


def _through(landmarks: IndexedMap, latitude: Array, longitude: Array) -> Array | None:
    """Map metres (P, 3) of degrees; None where that is not possible."""
    projector = landmarks.report.projector
    if projector is None or projector.kind == "Local":
        return None
    if float(np.abs(latitude).max()) > 90.0:
        return None
    try:
        return projector.forward(latitude, longitude)
    except MapError:
        return None
