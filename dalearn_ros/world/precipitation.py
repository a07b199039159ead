"""Rain streaks and snowflakes in front of the lens."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.world.lens import HEIGHT, WIDTH
from dalearn_ros.world.weather import Weather

LAYERS = 3
MARGIN = 160


class Precipitation:
    """Layers drawn once; every picture shows them at other places and mirrored at random."""

    def __init__(self, rng: np.random.Generator, weather: Weather) -> None:
        self._layers: list[npt.NDArray[np.uint8]] = []
        for _ in range(LAYERS):
            if weather.streaks > 0:
                self._layers.append(_streaks(rng, weather.streaks))
            elif weather.flakes > 0:
                self._layers.append(_flakes(rng, weather.flakes))

    def add(self, image: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[Any]:
        """The picture with what falls at this moment."""
        if not self._layers:
            return image
        layer = self._layers[int(rng.integers(0, LAYERS))]
        x, y = (int(v) for v in rng.integers(0, MARGIN, 2))
        part: Any = layer[y : y + HEIGHT, x : x + WIDTH]
        if rng.random() < 0.5:
            part = cv2.flip(part, 1)
        return np.asarray(cv2.add(image, cv2.cvtColor(part, cv2.COLOR_GRAY2BGR)))


def _streaks(rng: np.random.Generator, density: float) -> npt.NDArray[np.uint8]:
    """Falling drops smeared by the shutter: long and faint near, short far."""
    h, w = HEIGHT + MARGIN, WIDTH + MARGIN
    layer = np.zeros((h, w), dtype=np.uint8)
    slant = float(rng.normal(0.0, 0.08))
    for _ in range(round(900 * density)):
        distance = rng.uniform(1.0, 12.0)
        length = rng.uniform(140.0, 260.0) / distance
        x, y = rng.uniform(0, w), rng.uniform(-50, h)
        tone = int(rng.uniform(10, 34))
        end = (int(x + slant * length), int(y + length))
        thick = 2 if distance < 2.5 else 1
        cv2.line(layer, (int(x), int(y)), end, tone, thick, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(layer, (3, 3), 0.7))


def _flakes(rng: np.random.Generator, density: float) -> npt.NDArray[np.uint8]:
    """Flakes: few large blurred ones near the lens, many small ones."""
    h, w = HEIGHT + MARGIN, WIDTH + MARGIN
    layer = np.zeros((h, w), dtype=np.uint8)
    for _ in range(round(1500 * density)):
        distance = rng.uniform(1.5, 20.0)
        radius = max(1, round(12.0 / distance))
        at = (int(rng.uniform(0, w)), int(rng.uniform(0, h)))
        cv2.circle(layer, at, radius, int(rng.uniform(60, 150)), -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), 1.4))
