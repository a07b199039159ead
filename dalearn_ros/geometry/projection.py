"""Map points in a camera's image, and how that changes with the pose and with the point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform, skew

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Projection:
    """Map points in the image and how that changes with the pose.

    Attributes:
        pixels: (N, 2), NaN where not valid.
        by_pose: (N, 2, 6) derivative by x y z [m] and rotation about the map's axes [rad].
        by_point: (N, 2, 3) derivative by the map point, px per metre.
        valid: (N,) in front of the camera and inside the lens's field.
    """

    pixels: Array
    by_pose: Array
    by_point: Array
    valid: Mask


def project_with_jacobian(
    map_m: Array, map_from_base: Transform, camera: Camera, base_from_camera: Transform
) -> Projection:
    """Project map points (N, 3) and differentiate by pose and point.

    A change (dt, dr) of the pose means ``translation + dt`` and ``exp(dr) @ rotation``: metres and
    radians about axes of the map, the order and the frame of geometry_msgs/PoseWithCovariance.
    """
    return project_from_each(
        map_m,
        map_from_base.rotation[None],
        map_from_base.translation[None],
        camera,
        base_from_camera,
    )


def project_from_each(
    map_m: Array, rotation: Array, translation: Array, camera: Camera, base_from_camera: Transform
) -> Projection:
    """As :func:`project_with_jacobian`, each point (N, 3) from a pose of its own.

    Args:
        map_m: (N, 3) metres.
        rotation: (N, 3, 3) or (1, 3, 3) of map_from_base.
        translation: (N, 3) or (1, 3) of it, metres.
        camera: Intrinsics.
        base_from_camera: Mounting.
    """
    mounting = base_from_camera
    arm = map_m - translation
    in_base = (arm[:, None, :] @ rotation)[:, 0]
    in_camera = (in_base - mounting.translation) @ mounting.rotation
    pixels, valid, by_camera = camera.project_with_jacobian(in_camera)
    by_point = by_camera @ (mounting.rotation.T @ rotation.swapaxes(1, 2))
    by_pose = np.concatenate([-by_point, by_point @ skew(arm)], axis=2)  # by_point × arm
    return Projection(pixels, by_pose, by_point, valid)
