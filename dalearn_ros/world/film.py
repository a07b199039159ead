"""One drawn frame becomes one picture: air, lamps, lens and sensor.

Colours are kept in display space as the square root of linear light, so that shot noise, whose
variance grows with the light, has the same deviation everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.randomness import generator
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world.focus import Focus
from dalearn_ros.world.illumination import Illumination
from dalearn_ros.world.lens import HEIGHT, WIDTH, Lens
from dalearn_ros.world.precipitation import Precipitation
from dalearn_ros.world.style import City
from dalearn_ros.world.weather import Weather

Array = npt.NDArray[np.float64]
Float = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]


class Film:
    """Turns drawn frames into pictures of one camera in one weather.

    Args:
        lamps: (L, 3) positions of street lamps, metres.
    """

    def __init__(
        self, city: City, weather: Weather, seed: int, lens: Lens, mount: Transform, lamps: Array
    ) -> None:
        self.lens, self.weather = lens, weather
        self._rng = generator(seed, "film", city.name)
        self._noise = self._noise_tiles()
        vignette = 1.0 - 0.30 * lens.radius**2
        self._vignette = np.dstack([np.round(vignette * 255.0).astype(np.uint8)] * 3)
        self.focus = Focus(city, lens)
        self.light = Illumination(weather, lens, mount, lamps)
        self._falling = Precipitation(self._rng, weather)

    def expose(
        self,
        colour: Picture,
        z: npt.NDArray[np.uint32],
        depth_of: Callable[[npt.NDArray[np.uint32]], Float],
        map_from_base: Transform,
        later_from_now: Transform | None = None,
    ) -> Picture:
        """The picture (720, 1280, 3) BGR of one drawn frame.

        Args:
            colour: (H, W, 4) from the renderer.
            z: (H, W) from the renderer.
            depth_of: Turns ``z`` into metres.
            map_from_base: The vehicle's pose in the middle of the exposure.
            later_from_now: The camera's motion in a quarter of the exposure; None: sharp.
        """
        depth = self.light.sample_depth(z, depth_of)
        if later_from_now is None:
            seen = self.lens.colour(colour)
        else:
            seen = self.lens.moving(colour, self.light.flow(depth, later_from_now))
        image: Any = self.focus.soften(seen, depth)
        if self.light.simple:
            image = cv2.multiply(image, self._vignette, scale=self.weather.gain / 255.0)
        else:
            image = self.light.apply(image, colour, depth, map_from_base)
        return self._add_noise(self._falling.add(image, self._rng))

    def _noise_tiles(self) -> tuple[Picture, Picture]:
        """Noise to add and noise to take away, (800, 1360, 3) each."""
        size = (800, 1360)
        luminance = self._rng.standard_normal((*size, 1)) * 0.8
        chroma = self._rng.standard_normal((*size, 3)) * 0.6
        noise = np.clip(np.round((luminance + chroma) * self.weather.noise), -127, 127)
        more, less = np.maximum(noise, 0), np.maximum(-noise, 0)
        return more.astype(np.uint8), less.astype(np.uint8)

    def _add_noise(self, image: npt.NDArray[Any]) -> Picture:
        x, y = (int(v) for v in self._rng.integers(0, 80, 2))
        more, less = (tile[y : y + HEIGHT, x : x + WIDTH] for tile in self._noise)
        return np.asarray(cv2.subtract(cv2.add(image, more), less), dtype=np.uint8)
