"""One drawn frame becomes one picture: air, lens and sensor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.randomness import generator
from dalearn_ros.world.lens import Lens
from dalearn_ros.world.style import City

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Drawn:
    """What the renderer gave: BGRA (H, W, 4) and depth in metres (H, W)."""

    colour: Picture
    depth_m: npt.NDArray[np.float32]


class Film:
    """Turns drawn frames into pictures of one camera in one condition."""

    def __init__(self, city: City, condition: str, seed: int, lens: Lens) -> None:
        rng = generator(seed, "film", city.name, condition)
        self.city, self.condition, self.lens = city, condition, lens
        self._rng = rng
        self.gain = city.exposure * float(rng.uniform(0.88, 1.12))
        self.noise = [
            (rng.standard_normal((780, 1340, 3)) * float(2.6)).round().astype(np.int8)
            for _ in range(2)
        ]
        vignette = 1.0 - 0.28 * lens.radius**2
        self._weight = np.dstack([np.round(vignette * 255.0).astype(np.uint8)] * 3)
        soft = np.clip((lens.radius - 0.45) * 1.2, 0.0, 0.8)
        self._soft = (soft.astype(np.float32), (1.0 - soft).astype(np.float32))

    def expose(self, colour: Picture, t: float) -> Picture:
        """The picture (720, 1280, 3) BGR of one drawn frame."""
        image = self.lens.colour(colour)
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)
        image = cv2.multiply(image, self._weight, scale=self.gain / 255.0)
        blurred = cv2.GaussianBlur(image, (5, 5), 1.1)
        image = cv2.blendLinear(image, blurred, self._soft[1], self._soft[0])
        k = int(self._rng.integers(0, 2))
        x, y = (int(v) for v in self._rng.integers(0, 60, 2))
        noise = self.noise[k][y : y + 720, x : x + 1280]
        return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U))
