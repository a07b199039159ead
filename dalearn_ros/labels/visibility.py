"""What hides a landmark: nearer faces of the map, and what the depth image saw (D3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.labels.polygons import contains

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


def hidden_by_faces(
    samples_px: list[Array], ranges_m: Array, faces: list[tuple[Array, float]]
) -> list[Mask]:
    """Which samples of each landmark lie behind a nearer face of the map.

    Args:
        samples_px: Per landmark (s, 2) pixels, NaN where a sample is not in front of the camera.
        ranges_m: (N,) metres.
        faces: Outlines (k, 2) in pixels of the signs and signals in view, and their range.

    Returns:
        Per landmark a mask (s,).
    """
    boxes = [(face.min(axis=0), face.max(axis=0)) for face, _ in faces]
    result = []
    for samples, range_m in zip(samples_px, ranges_m, strict=True):
        hidden = np.zeros(len(samples), dtype=bool)
        finite = np.isfinite(samples[:, 0])
        if finite.any():
            low, high = samples[finite].min(axis=0), samples[finite].max(axis=0)
            for (face, face_range), (face_low, face_high) in zip(faces, boxes, strict=True):
                apart = (face_high < low).any() or (high < face_low).any()
                if face_range < range_m - NEARER_M and not apart:
                    hidden[finite] |= contains(face, samples[finite])
        result.append(hidden)
    return result
