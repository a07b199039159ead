"""Small stores of conditions: pictures of one level, a road under a sky."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dalearn_ros.hard_examples.colour import bgr_to_lab
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.statistics import AreaStatistics, measure
from dalearn_ros.hard_examples.store import ParameterStore

NAMES = ("other", "road", "sky")
DAY, NIGHT, RAIN = Condition("day", "sunny"), Condition("night", "sunny"), Condition("day", "rain")


def picture(level: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noise from a level on, and its index image."""
    random = np.random.default_rng(seed)
    image = random.integers(level, level + 40, (30, 40, 3), np.uint8)
    index = np.ones((30, 40), np.uint8)
    index[:12] = 2
    return image, index


def statistics(level: int, seed: int = 0) -> AreaStatistics:
    """Of such a picture."""
    image, index = picture(level, seed)
    return measure(bgr_to_lab(image), index, NAMES)


def filled(path: Path, levels: dict[Condition, list[int]], **options: str) -> ParameterStore:
    """A store of such pictures, condition → their levels."""
    store = ParameterStore.create(path, **options)  # type: ignore[arg-type]
    for condition, found in levels.items():
        for level in found:
            image, index = picture(level)
            name = f"{condition.time}{level}"
            store.add_target(
                name, name, condition, statistics(level), "test", (40, 30), index, image[::2, ::2]
            )
    return store
