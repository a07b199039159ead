"""Small changes of a pose, about the map's axes, and the information of their covariances.

A step is (6,): metres, then radians about the map's axes, the order and the frame of
geometry_msgs/PoseWithCovariance.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform, rotation_of_vector, skew

Array = npt.NDArray[np.float64]

SMALLEST_VARIANCE = 1e-10  # a prior that claims less is read as this


def difference(a: Transform, b: Transform) -> Array:
    """(6,) step from b to a: metres, then radians about the map's axes (a.R = exp(r) @ b.R)."""
    return np.concatenate(
        [a.translation - b.translation, vector_of_rotation(a.rotation @ b.rotation.T)]
    )


def moved(pose: Transform, step: Array) -> Transform:
    """``pose`` changed by a step (6,): the inverse of :func:`difference`."""
    return Transform(rotation_of_vector(step[3:]) @ pose.rotation, pose.translation + step[:3])


def vector_of_rotation(rotation: Array) -> Array:
    """(3,) axis times angle in [0, pi] of a rotation matrix: the inverse of Rodrigues' formula."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation.tolist()
    sines = 0.5 * np.array([zy - yz, xz - zx, yx - xy])
    sine = math.sqrt(float(sines @ sines))
    angle = math.atan2(sine, 0.5 * (xx + yy + zz - 1.0))
    if angle < 3.0:
        return sines * (1.0 if sine < 1e-9 else angle / sine)
    quaternion = Transform(rotation, np.zeros(3)).quaternion  # exact near half a turn
    return quaternion[:3] * angle / float(np.linalg.norm(quaternion[:3]))


def information_of(covariance: Array) -> Array:
    """Inverse of a pose covariance (k, k); variances below 1e-10 are read as that.

    Raises:
        ValueError: It is not finite, or has a negative eigenvalue.
    """
    symmetric = 0.5 * (covariance + covariance.T)
    if not np.isfinite(symmetric).all():
        raise ValueError("a pose covariance must be finite")
    values, vectors = np.linalg.eigh(symmetric)
    if values[0] < -1e-6 * max(float(values[-1]), 1e-6):
        raise ValueError(f"a pose covariance has the negative eigenvalue {values[0]:.3g}")
    inverse: Array = (vectors / np.maximum(values, SMALLEST_VARIANCE)) @ vectors.T
    return inverse


def inverse_left_jacobian(vector: Array) -> Array:
    """(3, 3) d log(exp(e) exp(v)) / de at e = 0 (Barfoot 2017, eq. 7.82)."""
    angle = math.sqrt(float(vector @ vector))
    cross = skew(vector)
    if angle < 1e-6:
        return np.eye(3) - 0.5 * cross
    half = 0.5 * angle
    factor = (1.0 - half / math.tan(half)) / (angle * angle)
    result: Array = np.eye(3) - 0.5 * cross + factor * cross @ cross
    return result
