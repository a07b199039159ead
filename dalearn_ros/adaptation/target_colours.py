"""Source crops in the colours of target crops: labels of the old city, light of the new one.

Mean and standard deviation of each channel of CIE Lab become those of a target crop (E. Reinhard
et al., Color transfer between images, IEEE Computer Graphics and Applications 21(5), 2001). Only
colours move, so the labels stay right; no target label is needed.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Random = np.random.Generator
_LEAST_SPREAD = 1.0  # of Lab units: a wall of one colour has no contrast to stretch
_MOST_GAIN = 3.0  # noise and compression of a dull source must not become a pattern


def in_colours_of(image: Image, model: Image) -> Image:
    """An image with mean and standard deviation of another one in each channel of Lab.

    Args:
        image: (H, W, C) uint8; C is 3 (BGR) or 1 (grey, whose level stands for Lab).
        model: (h, w, C) uint8, whose colours are taken.

    Returns:
        (H, W, C) uint8. Contrast is raised by 3 at most.
    """
    here, there = _lab(image), _lab(model)
    mean, spread = here.mean(axis=(0, 1)), here.std(axis=(0, 1))
    gain = np.minimum(there.std(axis=(0, 1)) / np.maximum(spread, _LEAST_SPREAD), _MOST_GAIN)
    return _pixels((here - mean) * gain + there.mean(axis=(0, 1)))


def recoloured(crops: Image, models: Image, share: float, random: Random) -> Image:
    """A share of the crops, each in the colours of a random model.

    Args:
        crops: (B, H, W, C) uint8; stays as it is.
        models: (N, h, w, C) uint8.
        share: Of the crops, 0 to 1; each is drawn for itself.
        random: Source of randomness.

    Returns:
        (B, H, W, C) uint8.
    """
    found = crops.copy()
    for number in np.flatnonzero(random.random(len(crops)) < share):
        found[number] = in_colours_of(crops[number], models[random.integers(len(models))])
    return found


def _lab(image: Image) -> npt.NDArray[np.float32]:
    """(H, W, C) Lab with L in 0..100, or grey levels; from 0..255."""
    if image.shape[2] == 1:
        return image.astype(np.float32)
    scaled = image.astype(np.float32) / np.float32(255.0)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_BGR2Lab), np.float32)


def _pixels(lab: npt.NDArray[np.float32]) -> Image:
    lab = np.asarray(lab, np.float32)
    if lab.shape[2] == 1:
        return np.clip(np.rint(lab), 0, 255).astype(np.uint8)
    values = cv2.cvtColor(lab, cv2.COLOR_Lab2BGR) * np.float32(255.0)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
