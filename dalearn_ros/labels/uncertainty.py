"""How far a label may be off because the pose is (D4)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform

Array = npt.NDArray[np.float64]


def pose_jacobian(
    points_m: Array, camera: Camera, pose: Pose, base_from_camera: Transform
) -> Array:
    """Derivative (N, 2, 6) of pixels by the pose: px per metre and px per radian.

    The pose error moves ``base_link`` by (dx, dy, dz) and turns it by (droll, dpitch, dyaw) about
    the map's axes through its origin: p_base = Rᵀ exp(-[dθ]×) (p_map - t - dt).

    Args:
        points_m: (N, 3) map frame; each in front of the camera.
        camera: Intrinsics.
        pose: Where the vehicle is.
        base_from_camera: Mounting.
    """
    camera_from_map = (pose.map_from_base @ base_from_camera).inverse()
    lever = points_m - pose.map_from_base.translation
    x, y, z = lever.T
    zero = np.zeros_like(x)
    # [lever]×, row by row: the derivative of -dθ × lever by dθ.
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(-1, 3, 3)
    by_pose = np.concatenate([np.broadcast_to(-np.eye(3), cross.shape), cross], axis=2)
    in_camera = camera_from_map.apply(points_m)
    jacobian: Array = camera.project_jacobian(in_camera) @ (camera_from_map.rotation @ by_pose)
    return jacobian


def pixel_covariance(
    points_m: Array, camera: Camera, pose: Pose, base_from_camera: Transform
) -> Array:
    """Covariance (N, 2, 2) in px² of projected points, to first order: J Σ Jᵀ.

    NaN where the pose carries no covariance (unknown is not zero).
    """
    if pose.covariance is None:
        return np.full((len(points_m), 2, 2), np.nan)
    jacobian = pose_jacobian(points_m, camera, pose, base_from_camera)
    covariance: Array = jacobian @ pose.covariance @ np.swapaxes(jacobian, 1, 2)
    return covariance
