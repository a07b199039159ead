"""Cameras that read their image row by row: the pose of each row, and points projected with it.

The stamp is the time of the first row (top), the last row is read ``readout_s`` later; a sensor
that reads from bottom to top has a negative readout, its stamp the time of the bottom row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform, interpolate

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEVELS = 17  # poses over one readout, between which projection is linear
ITERATIONS = 3  # of row <- pose <- row; a car moves a pixel or so per row's error


@dataclass(frozen=True)
class RowPoses:
    """Transforms ``camera_from_map`` at evenly spaced rows of one image.

    Attributes:
        rows: (L,) pixels, ascending, the first -0.5, the last the height less 0.5.
        camera_from_map: L transforms.
    """

    rows: Array
    camera_from_map: list[Transform]

    @classmethod
    def of(
        cls,
        camera: Camera,
        stamp_ns: int,
        readout_s: float,
        camera_from_map_at: Callable[[int], Transform],
    ) -> RowPoses:
        """Poses of the rows of an image.

        Args:
            camera: For its height.
            stamp_ns: Time of the row that is read first.
            readout_s: From the first row to the last; negative where the bottom row comes first.
            camera_from_map_at: Integer nanoseconds → transform; asked for the two ends only.
                Between them rotation is slerp, translation linear.

        Raises:
            PoseError: What ``camera_from_map_at`` raises where a time is not covered.
        """
        first, last = stamp_ns, stamp_ns + round(abs(readout_s) * 1e9)
        ends = camera_from_map_at(first).inverse(), camera_from_map_at(last).inverse()
        top, bottom = ends if readout_s >= 0.0 else ends[::-1]
        shares = np.linspace(0.0, 1.0, LEVELS)
        poses = [interpolate(top, bottom, float(share)).inverse() for share in shares]
        return cls(shares * camera.height - 0.5, poses)

    def local(self, points_m: Array, rows_px: Array) -> Array:
        """Points (N, 3) of the map in the optical frame (N, 3) at the time of their rows (N,)."""
        at = np.interp(rows_px, self.rows, np.arange(len(self.rows)))
        low = np.minimum(at.astype(np.int64), len(self.rows) - 2)
        rotations = np.array([pose.rotation for pose in self.camera_from_map])
        translations = np.array([pose.translation for pose in self.camera_from_map])
        share = (at - low)[:, None]
        ends = [
            np.einsum("nij,nj->ni", rotations[i], points_m) + translations[i]
            for i in (low, low + 1)
        ]
        placed: Array = (1.0 - share) * ends[0] + share * ends[1]
        return placed


def project_rolling(
    camera: Camera, points_m: npt.ArrayLike, poses: RowPoses
) -> tuple[Array, Mask, Array]:
    """Project points of the map with the pose of the row on which each of them falls.

    Fixed-point iteration from the middle row: project, take the pose of that row, project again.

    Args:
        camera: Intrinsics.
        points_m: (N, 3) map frame, metres.
        poses: Of the image's rows.

    Returns:
        Pixels (N, 2) and valid (N,) as :meth:`Camera.project`, and the points (N, 3) in the optical
        frame at the time of their rows. A point above or below the image takes the pose of the
        nearest row.
    """
    points = np.asarray(points_m, dtype=np.float64).reshape(-1, 3)
    rows = np.full(len(points), 0.5 * (camera.height - 1))
    for _ in range(ITERATIONS):
        local = poses.local(points, rows)
        pixels, valid = camera.project(local)
        rows = np.where(valid, pixels[:, 1], rows)
    local = poses.local(points, rows)
    pixels, valid = camera.project(local)
    return pixels, valid, local
