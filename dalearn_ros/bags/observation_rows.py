"""What a message says of observations: the rows of the landmark cloud, points in space, boxes.

The nodes publish it and the writer of result bags stores it, from the same code.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.landmarks.types import Observations

Array = npt.NDArray[np.float64]
FLOATS = (
    "x",
    "y",
    "z",
    "u",
    "v",
    "score",
    "cov_uu",
    "cov_uv",
    "cov_vv",
    "range_m",
    "sigma_range_m",
)
ORDER = (
    *("x", "y", "z", "u", "v", "class_id", "score", "cov_uu", "cov_uv", "cov_vv"),
    *("range_m", "sigma_range_m", "track_id"),
)
ROW = np.dtype([(name, "<f4" if name in FLOATS else "<i4") for name in ORDER])
FLOAT32, INT32 = 7, 5  # sensor_msgs/PointField datatypes
FIELDS = tuple(
    (name, int(ROW.fields[name][1]), FLOAT32 if name in FLOATS else INT32)  # type: ignore[index]
    for name in ORDER
)
BOX_SIGMAS = 6.0


def rows_of(found: Observations, camera: Camera | None = None) -> tuple[npt.NDArray[np.void], bool]:
    """The points of the landmark cloud, one row an observation.

    Args:
        found: In the pixels of the raw image.
        camera: Of the image; None: x, y and z stay unknown.

    Returns:
        (N,) rows of 52 bytes: x y z (metres, optical frame; NaN where the distance or the camera is
        unknown), u v (pixels), class_id, score, cov_uu cov_uv cov_vv (px²), range_m, sigma_range_m
        (NaN unknown), track_id (-1 none); and whether all of x, y and z are finite.
    """
    rows = np.zeros(len(found), ROW)
    points = points_of(found, camera)
    for column, name in enumerate("xyz"):
        rows[name] = points[:, column]
    rows["u"], rows["v"] = found.point_px[:, 0], found.point_px[:, 1]
    rows["class_id"], rows["track_id"] = found.class_id, found.track_id
    rows["score"] = found.score
    rows["cov_uu"] = found.covariance_px2[:, 0, 0]
    rows["cov_uv"] = found.covariance_px2[:, 0, 1]
    rows["cov_vv"] = found.covariance_px2[:, 1, 1]
    rows["range_m"], rows["sigma_range_m"] = found.range_m, found.sigma_range_m
    return rows, bool(np.isfinite(points).all())


def points_of(found: Observations, camera: Camera | None) -> Array:
    """(N, 3) metres in the optical frame, NaN where camera or distance is unknown."""
    if camera is None or not len(found):
        return np.full((len(found), 3), np.nan)
    rays = camera.unproject(found.point_px)
    unit: Array = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return unit * found.range_m[:, None]


def point_covariances_of(found: Observations, camera: Camera | None) -> Array:
    """(N, 3, 3) m²: the pixel's covariance across the ray, the distance's along it."""
    if camera is None or not len(found):
        return np.zeros((len(found), 3, 3))
    unit = points_of(found, camera) / found.range_m[:, None]
    step = 0.5  # px; central differences of the unit ray by the pixel
    slopes = []
    for shift in ((step, 0.0), (0.0, step)):
        ends = [camera.unproject(found.point_px + sign * np.array(shift)) for sign in (1, -1)]
        ahead, behind = (rays / np.linalg.norm(rays, axis=1, keepdims=True) for rays in ends)
        slopes.append((ahead - behind) / (2.0 * step))
    by_pixel = np.stack(slopes, axis=-1) * found.range_m[:, None, None]
    sigma = np.nan_to_num(found.sigma_range_m, nan=0.0)
    along = unit[:, :, None] * unit[:, None, :] * (sigma**2)[:, None, None]
    across: Array = by_pixel @ found.covariance_px2 @ by_pixel.transpose(0, 2, 1)
    return across + along


def box_sizes_of(found: Observations) -> Array:
    """(N, 2) width and height of a box of 6 sigma about each point, pixels."""
    variances = np.diagonal(found.covariance_px2, axis1=1, axis2=2)
    sizes: Array = BOX_SIGMAS * np.sqrt(np.maximum(variances, 0.0))
    return sizes
