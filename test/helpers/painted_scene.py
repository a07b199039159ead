"""A street-like picture with sharp edges, and what a camera does to it."""

from __future__ import annotations

import cv2
import numpy as np


def scene(seed: int = 0, size: tuple[int, int] = (640, 360)) -> np.ndarray:
    """(H, W, 3) uint8: a sky, a road, and things at random places; ``size`` is width, height."""
    random = np.random.default_rng(seed)
    width, height = size[0] * 2, size[1] * 2
    image = np.full((height, width, 3), 90, np.uint8)
    image[: height // 2] = random.integers(120, 220, 3)
    for _ in range(40):
        x, y = (int(share * side) for share, side in zip(random.random(2), (width, height)))
        reach = int(random.integers(16, 130) * width / 1280)
        colour = tuple(map(int, random.integers(20, 230, 3)))
        cv2.rectangle(image, (x, y), (x + reach, y + reach // 2), colour, -1)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def noisy(image: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """With normal noise of its own in every channel."""
    noise = np.random.default_rng(seed).normal(0, sigma, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)
