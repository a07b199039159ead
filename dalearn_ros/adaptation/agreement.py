"""Does a network see the same in an image and in the same image at another scale?

Agreement of predictions under changes that leave the truth alone needs no labels (Saito 2021 and
Baek 2022 choose and predict by such agreement).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.decode import decode
from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.detector.network import LandmarkNetwork
from dalearn_ros.detector.validation import TorchBackend
from dalearn_ros.inference.preprocess import Image, to_input
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.pairing import nearest_first

SCALE = 0.8  # of the second look
SMALLER = PixelMap.resize(SCALE)


class TwoLooks:
    """Images that networks look at twice: as they are, and at 0.8 of their size."""

    def __init__(self, images: Iterable[Image], channels: int, multiple: int) -> None:
        """Keep both sizes of each image.

        Args:
            images: (H, W, C) uint8.
            channels: Of the network's input.
            multiple: Of its sides.
        """
        self._views: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]] = []
        for image in images:
            size = (round(image.shape[1] * SCALE), round(image.shape[0] * SCALE))
            views = image, SMALLER.warp(image, size)
            first, second = (to_input(view, channels, multiple) for view in views)
            self._views.append((first, second))

    def first(self, network: LandmarkNetwork, metadata: ModelMetadata) -> list[Observations]:
        """What a network would report of each image."""
        backend = TorchBackend(network, metadata)
        return [_seen(backend, view) for view, _ in self._views]

    def second(self, network: LandmarkNetwork, metadata: ModelMetadata) -> list[Observations]:
        """What it would report of each smaller image, in pixels of the image itself."""
        backend, back = TorchBackend(network, metadata), SMALLER.inverse()
        found = [_seen(backend, view) for _, view in self._views]
        return [replace(one, point_px=back.apply(one.point_px)) for one in found]


def evenly(count: int, most: int) -> list[int]:
    """At most ``most`` numbers from 0 to ``count`` - 1, evenly spread, always the same."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(int).tolist()


def agreement(
    one: Sequence[Observations], other: Sequence[Observations], radius_px: float
) -> float:
    """F1 between what was seen twice in the same images; 0 if nothing was seen at all.

    Args:
        one: Landmarks of each image.
        other: Those of the second time, in the same pixels.
        radius_px: Largest distance of two that are the same; their classes must be equal, too.
    """
    same = sum(seen_twice(a, b, radius_px) for a, b in zip(one, other, strict=True))
    total = sum(map(len, one)) + sum(map(len, other))
    return 2.0 * same / total if total else 0.0


def seen_twice(one: Observations, other: Observations, radius_px: float) -> int:
    """How many landmarks are among both, one to one: of a class, at most the radius apart."""
    away = np.linalg.norm(one.point_px[:, None] - other.point_px[None], axis=-1)
    alike = (one.class_id[:, None] == other.class_id[None]) & (away <= radius_px)
    return len(nearest_first(np.where(alike, away, np.inf)))


def _seen(backend: TorchBackend, view: npt.NDArray[np.uint8]) -> Observations:
    metadata = backend.metadata
    outputs = backend.run(view)
    return decode(outputs, metadata.grid, metadata.decoding, 0, metadata.calibration)
