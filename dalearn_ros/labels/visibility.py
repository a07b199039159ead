"""What hides a landmark: nearer faces of the map, and what depth image or LiDAR saw (D3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.labels.outlines import extents
from dalearn_ros.labels.polygons import contains
from dalearn_ros.landmarks.ragged import Ragged

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
NEARER_M = 0.3  # a face hides another only if it is nearer by this much


def hidden_by_depth(
    pixels: Array,
    depth_of_samples_m: Array,
    depth_m: npt.NDArray[np.float32],
    tolerance_m: float,
    tolerance_share: float,
) -> Mask:
    """Which samples (n,) lie behind what the depth image saw.

    The farthest of the 3 x 3 pixels around a sample is taken, so that the slant of the road and
    half a pixel at an edge do not hide anything; a pixel without a measurement hides nothing.

    Args:
        pixels: (n, 2) in the image.
        depth_of_samples_m: (n,) along the optical axis.
        depth_m: (H, W) along the optical axis, metres; <= 0 and not finite mean no measurement.
        tolerance_m: A sample is hidden if it lies more than this ...
        tolerance_share: ... plus this share of its depth behind the surface.
    """
    height, width = depth_m.shape
    centre = np.rint(pixels).astype(np.int64)
    farthest = np.zeros(len(pixels))
    for dv in (-1, 0, 1):
        for du in (-1, 0, 1):
            u = np.clip(centre[:, 0] + du, 0, width - 1)
            v = np.clip(centre[:, 1] + dv, 0, height - 1)
            seen = depth_m[v, u].astype(np.float64)
            seen = np.where(np.isfinite(seen) & (seen > 0.0), seen, np.inf)
            farthest = np.maximum(farthest, seen)
    limit = tolerance_m + tolerance_share * depth_of_samples_m
    hidden: Mask = farthest < depth_of_samples_m - limit
    return hidden


def hidden_by_cloud(
    pixels: Array, depth_of_samples_m: Array, returns_m: Array, cell_px: float, slack_m: Array
) -> Mask:
    """Which samples (n,) lie behind what a LiDAR saw.

    The image is divided into cells; the farthest return in the 3 x 3 cells around a sample counts,
    as with a depth image, and where there is no return nothing is hidden. A LiDAR mounted higher
    than the camera looks over what the camera does not: the farthest return is the careful choice.

    Args:
        pixels: (n, 2) in the image.
        depth_of_samples_m: (n,) along the optical axis.
        returns_m: (P, 3) pixel u, v and depth along the optical axis of each return in the image.
        cell_px: Side of a cell; at least the distance of the LiDAR's rings in the image.
        slack_m: (n,) a sample is hidden if it lies more than this behind the surface.
    """
    if not len(returns_m) or not len(pixels):
        return np.zeros(len(pixels), dtype=bool)
    cell = np.floor((returns_m[:, :2] + 0.5) / cell_px).astype(np.int64) + 1
    asked = np.floor((pixels + 0.5) / cell_px).astype(np.int64) + 1
    width, height = np.maximum(cell.max(axis=0), asked.max(axis=0)) + 2
    farthest = np.zeros((height, width))
    np.maximum.at(farthest, (cell[:, 1], cell[:, 0]), returns_m[:, 2])
    around = np.zeros(len(pixels))
    for dv in (-1, 0, 1):
        for du in (-1, 0, 1):
            around = np.maximum(around, farthest[asked[:, 1] + dv, asked[:, 0] + du])
    hidden: Mask = (around > 0.0) & (around < depth_of_samples_m - slack_m)
    return hidden


def hidden_by_faces(
    samples_px: Ragged, ranges_m: Array, faces_px: Ragged, face_ranges_m: Array
) -> Mask:
    """Which samples lie behind a nearer face of the map.

    Args:
        samples_px: N landmarks with their samples (s, 2) in pixels, NaN where a sample is not in
            front of the camera; none may be empty.
        ranges_m: (N,) metres.
        faces_px: F outlines (k, 2) of the signs and signals in view.
        face_ranges_m: (F,) metres.

    Returns:
        A mask over all samples (S,).
    """
    hidden = np.zeros(len(samples_px.values), dtype=bool)
    if not len(samples_px) or not len(faces_px):
        return hidden
    finite = np.isfinite(samples_px.values)
    low, _ = extents(Ragged(np.where(finite, samples_px.values, np.inf), samples_px.starts))
    _, high = extents(Ragged(np.where(finite, samples_px.values, -np.inf), samples_px.starts))
    face_low, face_high = extents(faces_px)
    meet = (face_high[None] >= low[:, None]).all(axis=2) & (high[:, None] >= face_low).all(axis=2)
    meet &= face_ranges_m[None] < ranges_m[:, None] - NEARER_M
    for landmark, face in np.argwhere(meet):
        part = slice(samples_px.starts[landmark], samples_px.starts[landmark + 1])
        seen = np.nan_to_num(samples_px.values[part], nan=-1e9)
        hidden[part] |= contains(faces_px[int(face)], seen)
    return hidden
