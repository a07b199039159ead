"""Rigid transforms (REP 103, REP 105): ``map_from_base`` gives map from base coordinates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Transform:
    """A rotation followed by a translation: ``p_a = rotation @ p_b + translation``.

    Attributes:
        rotation: (3, 3) rotation matrix.
        translation: (3,) metres.
    """

    rotation: Array
    translation: Array

    @classmethod
    def identity(cls) -> Transform:
        """The transform that changes nothing."""
        return cls(np.eye(3), np.zeros(3))

    @classmethod
    def from_quaternion(
        cls, xyzw: npt.ArrayLike, translation: npt.ArrayLike = (0, 0, 0)
    ) -> Transform:
        """From a quaternion in ROS order (x, y, z, w), any length but zero, and metres.

        Raises:
            ValueError: The quaternion has length zero or is not finite.
        """
        return cls(rotation_of_quaternion(xyzw), np.asarray(translation, dtype=np.float64))

    @classmethod
    def from_euler(
        cls, roll: float, pitch: float, yaw: float, translation: npt.ArrayLike = (0, 0, 0)
    ) -> Transform:
        """From fixed-axis roll, pitch, yaw in radians (REP 103: R = Rz(yaw) Ry(pitch) Rx(roll))."""
        cr, sr = math.cos(roll), math.sin(roll)
        cp, sp = math.cos(pitch), math.sin(pitch)
        cy, sy = math.cos(yaw), math.sin(yaw)
        rotation = np.array(
            [
                [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
                [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
                [-sp, cp * sr, cp * cr],
            ]
        )
        return cls(rotation, np.asarray(translation, dtype=np.float64))

    @property
    def quaternion(self) -> Array:
        """(4,) unit quaternion x, y, z, w with w >= 0."""
        return quaternion_of_rotation(self.rotation)

    @property
    def matrix(self) -> Array:
        """(4, 4) homogeneous matrix."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.translation
        return matrix

    @property
    def euler(self) -> tuple[float, float, float]:
        """Fixed-axis roll, pitch, yaw in radians, the inverse of :meth:`from_euler`."""
        r = self.rotation
        roll = math.atan2(r[2, 1], r[2, 2])
        pitch = math.asin(float(np.clip(-r[2, 0], -1.0, 1.0)))
        return roll, pitch, self.yaw_rad

    @property
    def yaw_rad(self) -> float:
        """Heading in radians in (-pi, pi], 0 = along x, counter-clockwise."""
        return math.atan2(self.rotation[1, 0], self.rotation[0, 0])

    def inverse(self) -> Transform:
        """The transform in the other direction."""
        transposed = self.rotation.T
        return Transform(transposed, -transposed @ self.translation)

    def __matmul__(self, other: Transform) -> Transform:
        """``a_from_b @ b_from_c`` is ``a_from_c``."""
        return Transform(
            self.rotation @ other.rotation, self.rotation @ other.translation + self.translation
        )

    def apply(self, points: npt.ArrayLike) -> Array:
        """Points (..., 3) in metres of the right-hand frame, given in the left-hand frame."""
        result: Array = np.asarray(points, dtype=np.float64) @ self.rotation.T + self.translation
        return result


# camera_link (x forward, y left, z up) from camera_optical (x right, y down, z forward), REP 103.
LINK_FROM_OPTICAL = Transform(
    np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]), np.zeros(3)
)


def interpolate(a: Transform, b: Transform, t: float) -> Transform:
    """The transform at share ``t`` in [0, 1] between a and b: linear and slerp (D5)."""
    return Transform(
        rotation_of_quaternion(slerp(a.quaternion, b.quaternion, t)),
        (1.0 - t) * a.translation + t * b.translation,
    )


def slerp(a: npt.ArrayLike, b: npt.ArrayLike, t: float) -> Array:
    """Spherical interpolation of unit quaternions (4,) x, y, z, w along the shorter arc."""
    first = np.asarray(a, dtype=np.float64)
    second = np.asarray(b, dtype=np.float64)
    cosine = float(first @ second)
    if cosine < 0.0:
        second, cosine = -second, -cosine
    if cosine > 1.0 - 1e-10:
        mixed = (1.0 - t) * first + t * second
    else:
        angle = math.acos(cosine)
        mixed = (math.sin((1.0 - t) * angle) * first + math.sin(t * angle) * second) / math.sin(
            angle
        )
    normalised: Array = mixed / np.linalg.norm(mixed)
    return normalised


def rotation_of_quaternion(xyzw: npt.ArrayLike) -> Array:
    """(3, 3) rotation of a quaternion x, y, z, w of any non-zero length.

    Raises:
        ValueError: The quaternion has length zero or is not finite.
    """
    q = np.asarray(xyzw, dtype=np.float64)
    length = float(np.linalg.norm(q))
    if not math.isfinite(length) or length < 1e-12:
        raise ValueError(f"a rotation needs a finite quaternion other than 0, found {q.tolist()}")
    x, y, z, w = q / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def quaternion_of_rotation(rotation: npt.ArrayLike) -> Array:
    """(4,) unit quaternion x, y, z, w (w >= 0) of a rotation matrix, stable for every angle."""
    r = np.asarray(rotation, dtype=np.float64)
    # Bar-Itzhack 2000: the quaternion is the dominant eigenvector of a symmetric 4x4 matrix.
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r[0, 0] + r[1, 1] + r[2, 2]],
        ]
    )
    _, vectors = np.linalg.eigh(k)  # reads the lower triangle
    q: Array = vectors[:, -1]
    return q if q[3] >= 0.0 else -q


def wrap_rad(angle: float) -> float:
    """The same angle in (-pi, pi]."""
    return -((-angle + math.pi) % (2.0 * math.pi) - math.pi)


def skew(vector: npt.ArrayLike) -> Array:
    """(..., 3, 3) matrices S with S @ x = vector × x of vectors (..., 3)."""
    v = np.asarray(vector, dtype=np.float64)
    cross = np.zeros((*v.shape, 3))
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    cross[..., 2, 1], cross[..., 0, 2], cross[..., 1, 0] = x, y, z
    cross[..., 1, 2], cross[..., 2, 0], cross[..., 0, 1] = -x, -y, -z
    return cross


def rotation_of_vector(vector: npt.ArrayLike) -> Array:
    """(3, 3) rotation by the angle |vector| in radians about its direction (Rodrigues)."""
    x, y, z = np.asarray(vector, dtype=np.float64).tolist()
    angle = math.sqrt(x * x + y * y + z * z)
    if angle < 1e-12:
        return np.eye(3) + skew(vector)
    sine, bend = math.sin(angle) / angle, (1.0 - math.cos(angle)) / (angle * angle)
    xy, xz, yz = bend * x * y, bend * x * z, bend * y * z
    return np.array(
        [
            [1.0 - bend * (y * y + z * z), xy - sine * z, xz + sine * y],
            [xy + sine * z, 1.0 - bend * (x * x + z * z), yz - sine * x],
            [xz - sine * y, yz + sine * x, 1.0 - bend * (x * x + y * y)],
        ]
    )


def rotations_of_vectors(vectors: Array) -> Array:
    """(N, 3, 3) as :func:`rotation_of_vector`, of each of (N, 3) vectors."""
    angle = np.maximum(np.sqrt((vectors * vectors).sum(axis=1)), 1e-12)[:, None]
    axis = skew(vectors / angle)
    sine, cosine = np.sin(angle)[:, None], np.cos(angle)[:, None]
    rotations: Array = np.eye(3) + sine * axis + (1.0 - cosine) * (axis @ axis)
    return rotations
