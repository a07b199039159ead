"""Which landmarks of the map the camera may see from the prior pose, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import NEAR_M, Camera
from dalearn_ros.geometry.projection import Projection, project_with_jacobian
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.maps.index import IndexedMap

Array = npt.NDArray[np.float64]

MOVED_ON_M = 10.0
RANGE_FACTOR = 1.3  # a detector may see further than its class is asked to
SEEN_FROM_THE_SIDE = 0.05  # cosine below which a face is edge-on
ONCOMING = (
    -0.15
)  # cosine below which a marking is for traffic the other way; the prior may be turned


@dataclass(frozen=True)
class Visible:
    """V landmarks in range that face the camera and are in front of it.

    Attributes:
        rows: (V,) in the map.
        class_id: (V,).
        point_m: (V, 3) map frame, metres.
        seen: Their projection, inside the image or not.
    """

    rows: npt.NDArray[np.int64]
    class_id: npt.NDArray[np.int64]
    point_m: Array
    seen: Projection


@dataclass(frozen=True)
class Candidates:
    """K landmarks that may be in the image.

    Attributes:
        rows: (K,) in the map.
        class_id: (K,).
        point_m: (K, 3) map frame, metres.
        seen: Their projection from the prior pose.
        spread_px2: (K, 2, 2) covariance of the pixels that follows from the pose's, px².
    """

    rows: npt.NDArray[np.int64]
    class_id: npt.NDArray[np.int64]
    point_m: Array
    seen: Projection
    spread_px2: Array

    def __len__(self) -> int:
        return len(self.rows)


class Surroundings:
    """Landmarks around a place, looked up again only when the place has moved on.

    Args:
        landmarks: The map.
        label_space: For the ranges of the classes.
    """

    def __init__(self, landmarks: IndexedMap, label_space: LabelSpace) -> None:
        self._landmarks = landmarks
        self._radius_m = float(reach_m(label_space).max()) + MOVED_ON_M
        self._centre, self._rows = np.full(3, np.nan), np.zeros(0, np.int64)

    def rows(self, eye: Array) -> npt.NDArray[np.int64]:
        """All rows in the range of any class from (3,), ascending, and some that are not."""
        if not np.abs(eye - self._centre)[:2].sum() <= MOVED_ON_M:
            self._centre, self._rows = eye, self._landmarks.near(eye, self._radius_m)
        return self._rows


def reach_m(label_space: LabelSpace) -> Array:
    """From how far each class may be seen, metres."""
    reach: Array = np.asarray(label_space.range_m, dtype=np.float64) * RANGE_FACTOR
    return reach


def visible(
    landmarks: LandmarkMap,
    around: npt.NDArray[np.int64],
    label_space: LabelSpace,
    camera: Camera,
    base_from_camera: Transform,
    map_from_base: Transform,
) -> Visible:
    """Landmarks in range that face the camera, from one pose.

    Args:
        landmarks: The map.
        around: Rows of it, all that are in range and any others.
        label_space: For the range of each class.
        camera: Intrinsics.
        base_from_camera: Mounting.
        map_from_base: The pose to look from.
    """
    map_from_camera = map_from_base @ base_from_camera
    eye, forward = map_from_camera.translation, map_from_camera.rotation[:, 2]
    reach, rows = reach_m(label_space), around
    towards = eye - landmarks.point_m[rows]
    distance = np.linalg.norm(towards, axis=1)
    with np.errstate(invalid="ignore"):  # NaN: the landmark has no face or no direction
        facing = np.einsum("ij,ij->i", landmarks.normal[rows], towards)
        away = facing < SEEN_FROM_THE_SIDE * distance
        oncoming = landmarks.direction[rows] @ forward < ONCOMING
    behind = -(towards @ forward) < NEAR_M
    keep = (distance <= reach[landmarks.class_id[rows]]) & ~away & ~oncoming & ~behind
    rows = rows[keep]
    points = landmarks.point_m[rows]
    seen = project_with_jacobian(points, map_from_base, camera, base_from_camera)
    return Visible(rows, landmarks.class_id[rows], points, seen)


def candidates(found: Visible, camera: Camera, covariance: Array) -> Candidates:
    """Those inside the image or within 3 sigma of its border.

    Args:
        found: From the prior pose.
        camera: Intrinsics.
        covariance: (6, 6) of that pose, x y z roll pitch yaw, axes of the map.
    """
    seen = found.seen
    spread = seen.by_pose @ covariance @ seen.by_pose.transpose(0, 2, 1)
    margin = 3.0 * np.sqrt(np.maximum(np.einsum("nii->ni", spread), 0.0))
    size = np.array([camera.width, camera.height]) - 0.5
    with np.errstate(invalid="ignore"):
        inside = (seen.pixels >= -0.5 - margin) & (seen.pixels <= size + margin)
    keep = seen.valid & inside.all(axis=1)
    chosen = Projection(
        seen.pixels[keep], seen.by_pose[keep], seen.by_point[keep], seen.valid[keep]
    )
    return Candidates(
        found.rows[keep], found.class_id[keep], found.point_m[keep], chosen, spread[keep]
    )
