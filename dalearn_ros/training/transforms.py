"""Crops and changes of an image that move its landmarks along.

An affine change of the image moves the outlines and, with them, the reference points: the point
is the same place on the landmark. Only a mirror changes which end of a marking is the lower right
one; :mod:`dalearn_ros.training.mirror` finds it.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.settings import field
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

Image = npt.NDArray[np.uint8]
Random = np.random.Generator
_NOISE_NUMBERS = 1 << 22


@dataclass(frozen=True)
class CropSettings:
    """Native-scale crops."""

    width: int = field(640, "Width of a crop.", unit="px", minimum=32, maximum=8192)
    height: int = field(384, "Height of a crop.", unit="px", minimum=32, maximum=8192)
    around_landmark: float = field(
        0.5, "Share of crops around a landmark.", minimum=0.0, maximum=1.0
    )
    scale_jitter: float = field(
        0.15, "Largest change of scale, as exp(+-x).", minimum=0.0, maximum=2.0
    )
    turn_jitter_deg: float = field(1.5, "Largest turn.", unit="deg", minimum=0.0, maximum=180.0)
    mirror: float = field(
        0.0,
        "Share of mirrored crops; left becomes right for traffic and arrows, too.",
        minimum=0.0,
        maximum=1.0,
    )


@dataclass(frozen=True)
class ColourSettings:
    """Changes of light, colour and sharpness."""

    brightness: float = field(
        0.25, "Largest shift, share of the full range.", minimum=0.0, maximum=1.0
    )
    contrast: float = field(
        0.35, "Largest change of contrast, as exp(+-x).", minimum=0.0, maximum=2.0
    )
    gamma: float = field(0.3, "Largest change of gamma, as exp(+-x).", minimum=0.0, maximum=2.0)
    cast: float = field(
        0.12, "Largest gain of a single channel, as exp(+-x).", minimum=0.0, maximum=1.0
    )
    saturation: float = field(0.4, "Largest loss of saturation.", minimum=0.0, maximum=1.0)
    blur: float = field(0.15, "Share of blurred crops.", minimum=0.0, maximum=1.0)
    noise: float = field(0.25, "Share of noisy crops.", minimum=0.0, maximum=1.0)
    noise_sigma: float = field(12.0, "Largest sigma of the noise.", minimum=0.0, maximum=100.0)
    jpeg: float = field(0.1, "Share of crops that are compressed again.", minimum=0.0, maximum=1.0)


def move_labels(labels: Labels, mapping: PixelMap) -> Labels:
    """Labels through a pixel map: points, outlines and covariances."""
    return dataclasses.replace(
        labels,
        point_px=mapping.apply(labels.point_px),
        outlines_px=Ragged(mapping.apply(labels.outlines_px.values), labels.outlines_px.starts),
        covariance_px2=mapping.apply_covariance(labels.covariance_px2),
    )


def choose_crop(
    labels: Labels, size: tuple[int, int], settings: CropSettings, random: Random
) -> PixelMap:
    """Where to cut: around a random landmark or anywhere.

    Args:
        labels: Truth of the whole image; landmarks of rare classes are chosen as often as those
            of common ones.
        size: (width, height) of the whole image.
        settings: Size and jitter.
        random: Source of randomness.

    Returns:
        The map from the image's pixels to the crop's.
    """
    crop = np.array([settings.width, settings.height])
    scale = float(np.exp(random.uniform(-1, 1) * settings.scale_jitter))
    turn = np.deg2rad(random.uniform(-1, 1) * settings.turn_jitter_deg)
    span = np.array(size) * scale
    usable = np.flatnonzero(~labels.ignore & np.isfinite(labels.point_px).all(axis=1))
    if len(usable) and random.random() < settings.around_landmark:
        classes = labels.class_id[usable]
        chosen = usable[classes == random.choice(np.unique(classes))]
        point = (labels.point_px[random.choice(chosen)] + 0.5) * scale
        corner = point - random.uniform(0.08, 0.92, 2) * crop
    else:
        corner = random.uniform(0, 1, 2) * np.maximum(span - crop, 0)
    corner = np.clip(corner, np.minimum(0, span - crop), np.maximum(0, span - crop)).round()
    mapping = PixelMap.crop(*corner)
    if abs(scale - 1.0) > 1e-3:
        mapping = mapping @ PixelMap.resize(scale)
    if abs(turn) > 1e-4:
        mapping = PixelMap.turn(float(turn), (crop[0] / 2, crop[1] / 2)) @ mapping
    return mapping


def cut(
    image: Image, labels: Labels, mapping: PixelMap, settings: CropSettings
) -> tuple[Image, Labels]:
    """The crop and its labels; landmarks that lie wholly outside are dropped."""
    size = (settings.width, settings.height)
    moved = move_labels(labels, mapping)
    low, high = _bounds(moved)
    seen = (high >= 0).all(axis=1) & (low < np.array(size)).all(axis=1)
    return mapping.warp(image, size, fill=114), moved.select(seen)


def mirror(image: Image, labels: Labels) -> tuple[Image, Labels]:
    """Left and right exchanged; first see :func:`training.mirror.mirror_references`."""
    moved = move_labels(labels, PixelMap.mirror(image.shape[1]))
    return np.ascontiguousarray(image[:, ::-1]), moved


def change_colours(image: Image, settings: ColourSettings, random: Random) -> Image:
    """Light, colour, blur, noise and compression; the geometry stays.

    Args:
        image: (H, W, C) uint8.
        settings: How much.
        random: Source of randomness.
    """
    changed: npt.NDArray[Any] = np.asarray(
        cv2.LUT(image, _curves(image.shape[2], settings, random))
    )
    if image.shape[2] == 3 and random.random() < 0.5:
        loss = random.uniform(0, settings.saturation)
        grey = cv2.cvtColor(cv2.cvtColor(changed, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        changed = cv2.addWeighted(changed, 1 - loss, grey, loss, 0)
    if random.random() < settings.blur:
        sigma = random.uniform(0.4, 1.3)
        changed = cv2.GaussianBlur(changed, (0, 0), sigma)
    if random.random() < settings.noise:
        changed = _noisy(
            np.asarray(changed, np.uint8),
            random.uniform(1.0, max(1.0, settings.noise_sigma)),
            random,
        )
    if random.random() < settings.jpeg:
        quality = int(random.integers(40, 90))
        encoded = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        changed = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED))
    return np.asarray(changed, np.uint8)


def _curves(channels: int, settings: ColourSettings, random: Random) -> Image:
    level = np.arange(256) / 255.0
    gamma = np.exp(random.uniform(-1, 1) * settings.gamma)
    contrast = np.exp(random.uniform(-1, 1) * settings.contrast)
    shift = random.uniform(-1, 1) * settings.brightness
    gains = np.exp(random.uniform(-1, 1, channels) * settings.cast)
    curve = ((level**gamma - 0.5) * contrast + 0.5 + shift)[:, None] * gains
    return np.clip(np.round(curve * 255.0), 0, 255).astype(np.uint8)[None]


def _noisy(image: Image, sigma: float, random: Random) -> Image:
    """Adds a random piece of one table: drawing every value anew costs more than all the rest."""
    table = _noise_table()
    if image.size > len(table):
        table = np.resize(table, image.size)
    first = int(random.integers(0, len(table) - image.size + 1))
    noise = table[first : first + image.size].reshape(image.shape)
    return np.asarray(cv2.addWeighted(image, 1.0, noise, sigma, 0.0, dtype=cv2.CV_8U), np.uint8)


@functools.cache
def _noise_table() -> npt.NDArray[np.float32]:
    """Normal numbers, the same in every process."""
    return np.random.default_rng(0).standard_normal(_NOISE_NUMBERS, dtype=np.float32)


def _bounds(labels: Labels) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Lowest and highest (N, 2) of point and outline; NaN only where all of it is."""
    low, high = labels.point_px.copy(), labels.point_px.copy()
    starts = labels.outlines_px.starts
    some = np.diff(starts) > 0
    if some.any():
        values, first = labels.outlines_px.values, starts[:-1][some]
        low[some] = np.fmin(low[some], np.fmin.reduceat(values, first, axis=0))
        high[some] = np.fmax(high[some], np.fmax.reduceat(values, first, axis=0))
    return low, high
