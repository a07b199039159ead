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
