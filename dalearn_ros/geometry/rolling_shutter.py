"""Cameras that read their image row by row: how they move meanwhile, and points seen by them.

The stamp is the time of the row that is read first, the last row is read ``readout_s`` later. The
first row is the top one; a sensor that reads from bottom to top has a negative readout.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEVELS = 17  # poses over one readout, between which a point moves in a straight line
MOST_ITERATIONS = 10  # of row <- pose <- row; each leaves a few hundredths of the error before it
SAME_ROW_PX = 1e-3


@dataclass(frozen=True)
class RowPoses:
    """How the camera moves while one image is read, at evenly spaced rows.

    Attributes:
        rows: (L,) pixels, ascending, the first -0.5, the last the height less 0.5.
        row_from_stamp: L transforms: optical frame when that row is read ← at the image's stamp.
    """

    rows: Array
    row_from_stamp: tuple[Transform, ...]

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
            camera_from_map_at: Integer nanoseconds → transform.

        Raises:
            PoseError: What ``camera_from_map_at`` raises where a time is not covered.
        """
        shares = np.linspace(0.0, 1.0, LEVELS)
        read = shares if readout_s >= 0.0 else 1.0 - shares
        times = [stamp_ns + round(float(share) * abs(readout_s) * 1e9) for share in read]
        map_from_stamp = camera_from_map_at(stamp_ns).inverse()
        moved = tuple(camera_from_map_at(time) @ map_from_stamp for time in times)
        return cls(shares * camera.height - 0.5, moved)

    @property
    def forward_m(self) -> float:
        """How far the camera comes forward after the stamp, at most; 0 if it does not."""
        return max(0.0, *(-float(pose.translation[2]) for pose in self.row_from_stamp))

    def local(self, points_m: Array, rows_px: Array) -> Array:
        """Points (N, 3) of the optical frame at the stamp, in that at the time of their rows (N,).

        A row above or below the image counts as the nearest one in it.
        """
        at = np.interp(rows_px, self.rows, np.arange(len(self.rows)))
        low = np.minimum(at.astype(np.int64), len(self.rows) - 2)
        rotations = np.array([pose.rotation for pose in self.row_from_stamp])
        translations = np.array([pose.translation for pose in self.row_from_stamp])
        share = (at - low)[:, None]
        ends = [
            np.einsum("nij,nj->ni", rotations[i], points_m) + translations[i]
            for i in (low, low + 1)
        ]
        placed: Array = (1.0 - share) * ends[0] + share * ends[1]
        return placed


def project_rolling(
    camera: Camera, points_m: npt.ArrayLike, poses: RowPoses | None
) -> tuple[Array, Mask, Array]:
    """Project points with the pose of the row on which each of them falls.

    Fixed-point iteration from the middle row: project, take the pose of that row, project again,
    until no point changes its row by a thousandth of a pixel.

    Args:
        camera: Intrinsics.
        points_m: (N, 3) metres, optical frame at the image's stamp.
        poses: Of the image's rows; None where all are read at once (global shutter).

    Returns:
        Pixels (N, 2) and valid (N,) as :meth:`Camera.project`, and the points (N, 3) in the optical
        frame at the time of their rows. A point above or below the image takes the pose of the
        nearest row.
    """
    local = points = np.asarray(points_m, dtype=np.float64).reshape(-1, 3)
    if poses is None:
        return *camera.project(points), points
    rows = np.full(len(points), 0.5 * (camera.height - 1))
    for _ in range(MOST_ITERATIONS):
        local = poses.local(points, rows)
        pixels, valid = camera.project(local)
        found = np.where(valid, pixels[:, 1], rows)
        if not (np.abs(found - rows) > SAME_ROW_PX).any():
            break
        rows = found
    return pixels, valid, local
