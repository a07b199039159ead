"""Light and air of each condition."""

from __future__ import annotations

import numpy as np

from dalearn_ros.world.mesh import Light
from dalearn_ros.world.plan import Plan
from dalearn_ros.world.style import City


def light_of(city: City, condition: str, rng: np.random.Generator, plan: Plan) -> Light:
    """Sun and sky of a condition; linear red, green, blue."""
    bearing = rng.uniform(-np.pi, np.pi)
    height = np.radians(rng.uniform(28.0, 58.0))
    direction = np.array(
        [np.cos(bearing) * np.cos(height), np.sin(bearing) * np.cos(height), np.sin(height)]
    )
    strong = float(rng.uniform(0.55, 0.85))
    sun = np.array([1.0, 0.94 - city.warmth, 0.84 - 2 * city.warmth]) * strong
    sky = np.array([0.33, 0.37, 0.42]) * float(rng.uniform(0.85, 1.1))
    return Light(direction, sun, sky)
