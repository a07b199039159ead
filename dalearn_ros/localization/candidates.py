"""Which landmarks of the map the camera may see from the prior pose, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.projection import Projection, project_with_jacobian
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps.index import IndexedMap

Array = npt.NDArray[np.float64]

RANGE_FACTOR = 1.3  # a detector may see further than its class is asked to
SEEN_FROM_THE_SIDE = 0.05  # cosine below which a face is edge-on
ONCOMING = (
    -0.15
)  # cosine below which a marking is for traffic the other way; the prior may be turned


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


def candidates(
    landmarks: IndexedMap,
    label_space: LabelSpace,
    camera: Camera,
    base_from_camera: Transform,
    map_from_base: Transform,
    covariance: Array,
) -> Candidates:
    """Landmarks in range, facing the camera, inside the image or within 3 sigma of its border.

    Args:
        landmarks: The map.
        label_space: For the range of each class.
        camera: Intrinsics.
        base_from_camera: Mounting.
        map_from_base: The pose to look from.
        covariance: (6, 6) of that pose, x y z roll pitch yaw, axes of the map.
    """
    map_from_camera = map_from_base @ base_from_camera
    eye, forward = map_from_camera.translation, map_from_camera.rotation[:, 2]
    reach = np.asarray(label_space.range_m) * RANGE_FACTOR
    rows = landmarks.near(eye, float(reach.max()))
    towards = eye - landmarks.point_m[rows]
    distance = np.linalg.norm(towards, axis=1)
    with np.errstate(invalid="ignore"):  # NaN: the landmark has no face or no direction
        facing = np.einsum("ij,ij->i", landmarks.normal[rows], towards)
        away = facing < SEEN_FROM_THE_SIDE * distance
        oncoming = landmarks.direction[rows] @ forward < ONCOMING
    keep = (distance <= reach[landmarks.class_id[rows]]) & ~away & ~oncoming
    rows = rows[keep]
    seen = project_with_jacobian(landmarks.point_m[rows], map_from_base, camera, base_from_camera)
    spread = seen.by_pose @ covariance @ seen.by_pose.transpose(0, 2, 1)
    margin = 3.0 * np.sqrt(np.maximum(np.einsum("nii->ni", spread), 0.0))
    size = np.array([camera.width, camera.height]) - 0.5
    with np.errstate(invalid="ignore"):
        inside = (seen.pixels >= -0.5 - margin) & (seen.pixels <= size + margin)
    keep = seen.valid & inside.all(axis=1)
    chosen = Projection(
        seen.pixels[keep], seen.by_pose[keep], seen.by_point[keep], seen.valid[keep]
    )
    rows = rows[keep]
    return Candidates(rows, landmarks.class_id[rows], landmarks.point_m[rows], chosen, spread[keep])
