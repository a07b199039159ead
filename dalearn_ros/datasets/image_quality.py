"""What is wrong with one image, in grey levels and pixels: noise, blur, exposure (U13)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
THUMBNAIL = (64, 36)  # width, height
_TILE_PX = 32
_BRIGHT, _DARK = 250, 12  # from here on, and up to here, a grey level shows nothing
_BLUR_WIDTH_PX = 640
_BLUR_SIGMAS_PX = (0.7, 1.4)
_EDGES = 0.02  # share of the pixels, those with the steepest slope
_SHARPEST = 0.2  # share of these edges by which an image is judged


def as_grey(image: Image) -> Image:
    """(H, W) uint8 of (H, W, 3) BGR."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def bright_share(grey: Image) -> float:
    """Share of the pixels of (H, W) uint8 that are burnt out, 0 to 1."""
    return float(np.mean(grey >= _BRIGHT))


def dark_share(grey: Image) -> float:
    """Share of the pixels of (H, W) uint8 that are black, 0 to 1."""
    return float(np.mean(grey <= _DARK))


def noise_level(grey: Image) -> float:
    """Standard deviation of the noise of (H, W) uint8, grey levels.

    Immerkaer 1996 (Fast noise variance estimation): the mean of |difference of two Laplacians|
    times sqrt(pi/2)/6. It is taken in tiles of about 32 x 32 px, and the quarter with least counts,
    because texture (leaves, snow flakes) is no noise; tiles that clip noise away, black or burnt
    out, are left aside unless there are no others.
    """
    second = np.array([1, -2, 1], dtype=np.float32)
    difference = np.abs(np.asarray(cv2.sepFilter2D(grey, cv2.CV_16S, second, second)))
    tiles = tuple(max(1, side // _TILE_PX) for side in grey.shape[::-1])
    size = (tiles[0], tiles[1])
    spread = cv2.resize(difference.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    usable = (mean > 20) & (mean < 235)
    chosen = np.asarray(spread)[usable] if usable.any() else np.asarray(spread).ravel()
    return float(np.quantile(chosen, 0.25) * np.sqrt(np.pi / 2) / 6)


def blur_px(grey: Image) -> float:
    """Blur (sigma) of the sharpest edges of (H, W) uint8, px at a width of at most 640; 0: sharp.

    Zhuo and Sim 2011 (Defocus map estimation from a single image): an edge of blur s that is
    blurred again by a has a slope in proportion to 1/sqrt(s² + a²), so the ratio of its slopes
    at two such blurs gives s, whatever its height: fog and night do not count. It is taken at the
    steepest slopes, and right to about a quarter. An image without any edge counts as sharp:
    nothing says that it is not.
    """
    if min(grey.shape) < 3:
        return 0.0
    scale = min(1.0, _BLUR_WIDTH_PX / grey.shape[1])
    if scale < 1.0:
        size = (_BLUR_WIDTH_PX, max(1, round(grey.shape[0] * scale)))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    a, b = _BLUR_SIGMAS_PX
    fine, coarse = _slope(grey, a), _slope(grey, b)
    count = max(1, int(_EDGES * coarse.size))
    steepest = np.argpartition(coarse, -count)[-count:]
    fine, coarse = fine[steepest], coarse[steepest]
    real = coarse > 0.1  # grey levels a pixel; an even surface has no edge
    if not real.any():
        return 0.0
    ratio = fine[real] / coarse[real]
    squared = (b**2 - (ratio * a) ** 2) / np.maximum(ratio**2 - 1.0, 1e-4)
    return float(np.quantile(np.sqrt(np.maximum(squared, 0.0)), _SHARPEST))


def thumbnail(grey: Image) -> Image:
    """(36, 64) uint8 of (H, W) uint8."""
    return np.asarray(cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _slope(grey: Image, sigma: float) -> npt.NDArray[np.float32]:
    """Slope of the blurred image at each inner pixel, grey levels a pixel, flat."""
    soft = np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), sigma))
    dx = (soft[1:-1, 2:] - soft[1:-1, :-2]) / 2
    dy = (soft[2:, 1:-1] - soft[:-2, 1:-1]) / 2
    slope: npt.NDArray[np.float32] = np.asarray(cv2.magnitude(dx, dy), np.float32)
    return slope.ravel()
