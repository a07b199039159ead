"""Light that strays in air and lens: airlight, the sun's veil and disc, bloom around lamps."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Float = npt.NDArray[np.float32]
SUN_COLOUR = (0.62, 0.84, 1.0)  # blue, green, red


def airlight(clear: Float, exposure: Float, colour: Array) -> Float:
    """Light (h, w, 3) that thick air sends into the camera.

    Args:
        clear: (h, w) share of the scene's light that arrives.
        exposure: (h, w) exposure of each pixel.
        colour: (3,) red, green, blue that infinitely thick air tends to.
    """
    scattered = (1 - clear) * exposure
    return np.asarray(cv2.merge([scattered * np.float32(c) for c in colour[::-1]]))


def glare(angle: Float, sky: npt.NDArray[np.bool_], strength: float, exposure: Float) -> Float:
    """The sun's disc and its veil (h, w, 3).

    Args:
        angle: (h, w) radians from the sun.
        sky: (h, w) where nothing stands before it.
        strength: Of the veil when the whole disc is free.
        exposure: (h, w) exposure of each pixel.
    """
    disc = angle < 0.03
    size = np.count_nonzero(disc)
    visible = np.count_nonzero(sky & disc) / size if size else 0.5
    strength *= 0.25 + 0.75 * visible
    square = angle * angle
    veil = np.float32(0.010) / (square + np.float32(0.02))
    veil += np.float32(0.05) * np.exp(angle * np.float32(-3.0))
    veil *= np.float32(strength)
    near = square < 0.12  # beyond, the disc's light is below a thousandth of a grey level
    around = square[near & sky]
    light = np.float32(6.0) * np.exp(around * np.float32(-1 / 0.012**2))
    veil[near & sky] += light + np.float32(0.5) * np.exp(around * np.float32(-1 / 0.06**2))
    veil *= exposure
    return np.asarray(cv2.merge([veil * np.float32(c) for c in SUN_COLOUR]))


def bloom(small: Float) -> Float:
    """Light (h, w, 3) around what is brighter than the sensor can hold.

    Args:
        small: (h, w, 3) linear light on the coarse grid, sides even.
    """
    bright = np.clip(small - np.float32(0.75), 0, 4)
    if not bright.any():
        return np.asarray(bright)
    near = cv2.GaussianBlur(bright, (0, 0), 2.0)
    h, w = bright.shape[:2]
    half = cv2.resize(bright, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
    far = cv2.resize(cv2.GaussianBlur(half, (0, 0), 4.0), (w, h))
    return np.asarray(cv2.addWeighted(near, 0.35, far, 0.25, 0.0))
