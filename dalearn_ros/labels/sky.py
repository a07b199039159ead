"""Sky against what stands, by the image: sky is what joins the surely open part without an edge."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def grow_sky(image: Image, sure: Mask, allowed: Mask, step: float) -> Mask | None:
    """Pixels that lead to the sure ones in small steps of colour.

    Args:
        image: (h, w, 3) uint8 BGR, smooth (an average over some pixels of the camera).
        sure: (h, w) surely sky.
        allowed: (h, w) may be sky.
        step: Largest difference of neighbours in any channel, 8-bit levels.

    Returns:
        (h, w), or None if nothing is sure.
    """
    if not (sure & allowed).any():
        return None
    barrier = np.pad((~allowed).astype(np.uint8), 1, constant_values=1)
    smooth = np.asarray(cv2.medianBlur(np.ascontiguousarray(image), 3), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | (2 << 8)
    seeds = np.argwhere(sure & allowed)
    for v, u in seeds.tolist():
        if barrier[v + 1, u + 1] == 0:
            cv2.floodFill(smooth, barrier, (u, v), (0,), (step,) * 3, (step,) * 3, flags)
    return np.asarray(barrier[1:-1, 1:-1] == 2, np.bool_)


def sharp_border(image: Image, small: Image, sky: Mask, allowed: Mask) -> tuple[Mask, Mask]:
    """Which pixels at the border of a coarse sky are sky: those whose colour is nearer to it.

    The border is where blocks that are no sky touch sky. A pixel there is compared with the mean
    colours of the sky and of all else (beyond the border) in the 9 x 9 blocks around it.

    Args:
        image: (H, W, 3) uint8 BGR.
        small: (h, w, 3) its average over blocks of s x s pixels, h = ceil(H / s).
        sky: (h, w) of blocks.
        allowed: (h, w) blocks that may be sky.

    Returns:
        (H, W) pixels at the border, and (H, W) which of them are sky.
    """
    touched = cv2.dilate(sky.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    band = touched & ~sky & allowed
    height, width = image.shape[:2]
    times = -(-height // band.shape[0])
    wide = np.repeat(np.repeat(band, times, axis=0), times, axis=1)[:height, :width]
    rows, columns = np.nonzero(wide)
    own = image[rows, columns].astype(np.float32)
    away = []
    for part in (sky, ~touched):
        weight = part.astype(np.float32)
        total = cv2.blur(small.astype(np.float32) * weight[..., None], (9, 9))
        share = cv2.blur(weight, (9, 9))
        mean = total / np.maximum(share, 1e-6)[..., None]
        mean[share < 1e-3] = np.inf  # there is none around
        there = mean[rows // times, columns // times]
        away.append(((own - there) ** 2).sum(axis=1))
    found = np.zeros_like(wide)
    found[rows, columns] = away[0] < away[1]
    return wide, found
