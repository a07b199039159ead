"""Light and air of each condition, drawn anew for every drive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.randomness import generator
from dalearn_ros.world.mesh import Light
from dalearn_ros.world.plan import Plan
from dalearn_ros.world.style import City

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Weather:
    """What the air and the light of one drive are like; linear red, green, blue.

    Attributes:
        light: Baked into the city.
        sky_top, sky_low, cloud: Colours of the sky in display space, and how much cloud.
        extinction: Share of light lost per metre of air.
        airlight: (3,) colour that thick air tends to.
        ambient: (3,) factor of the baked light (1 by day): the rest is lamps and headlights.
        headlights: Strength of the own headlights, 0 = off.
        lamps: Strength of street lamps, 0 = off.
        glow: How bright lamps, lit windows and signals shine.
        wet: 0..1 how wet the ground is; snow: 0..1 how much of it is covered.
        streaks, flakes: Density of falling rain and snow.
        glare: Strength of the sun's veil.
        gain: Exposure; noise: standard deviation in grey levels; shutter_s: exposure time.
    """

    light: Light
    sky_top: Array
    sky_low: Array
    cloud: Array
    cover: float
    extinction: float = 0.0003
    airlight: Array | None = None
    ambient: Array | None = None
    headlights: float = 0.0
    lamps: float = 0.0
    glow: float = 1.0
    wet: float = 0.0
    snow: float = 0.0
    streaks: float = 0.0
    flakes: float = 0.0
    glare: float = 0.0
    gain: float = 1.0
    noise: float = 2.2
    shutter_s: float = 0.0


def weather_of(city: City, condition: str, seed: int, plan: Plan) -> Weather:
    """The weather of a drive."""
    rng = generator(seed, "weather", city.name, condition)
    top, low = np.array(city.sky[0]), np.array(city.sky[1])
    gain = city.exposure * float(rng.uniform(0.85, 1.15))
    if condition == "day":
        light = _sun(rng, city, np.radians(rng.uniform(28.0, 60.0)), rng.uniform(-np.pi, np.pi))
        cloud = np.array([0.97, 0.97, 0.97])
        return Weather(light, top, low, cloud, float(rng.uniform(0.05, 0.6)), gain=gain)
    if condition == "low_sun":
        return _low_sun(rng, city, plan, gain)
    grey = np.array([0.80, 0.82, 0.85]) * float(rng.uniform(0.9, 1.08))
    overcast = Light(np.array([0.0, 0.0, 1.0]), np.full(3, 0.12), np.array([0.62, 0.66, 0.70]))
    if condition == "rain":
        grey *= 0.85
        dim = Light(np.array([0.0, 0.0, 1.0]), np.full(3, 0.08), np.array([0.46, 0.49, 0.53]))
        return Weather(
            dim, grey * 0.82, grey, grey * 0.9, 0.9, float(rng.uniform(0.0035, 0.008)),
            grey**2 * 0.8, wet=float(rng.uniform(0.7, 1.0)), streaks=float(rng.uniform(0.5, 1.0)),
            glow=1.6, gain=gain, noise=3.2, shutter_s=0.008,
        )  # fmt: skip
    if condition == "fog":
        return Weather(
            overcast, grey, grey, grey, 0.5, float(rng.uniform(0.016, 0.034)), grey**2 * 0.95,
            wet=0.25, glow=1.8, gain=gain, noise=2.6, shutter_s=0.006,
        )  # fmt: skip
    if condition == "snow":
        return Weather(
            overcast, grey, grey * 1.02, grey, 0.7, float(rng.uniform(0.006, 0.013)), grey**2,
            snow=float(rng.uniform(0.45, 0.75)), flakes=float(rng.uniform(0.5, 1.0)), glow=1.5,
            gain=gain * 0.95, noise=2.6, shutter_s=0.006,
        )  # fmt: skip
    flat = Light(np.array([0.0, 0.0, 1.0]), np.full(3, 0.12), np.full(3, 0.78))
    if condition == "dusk":
        level = float(rng.uniform(0.10, 0.2))
        return Weather(
            flat, np.array([0.16, 0.22, 0.38]), np.array([0.62, 0.45, 0.40]),
            np.array([0.36, 0.33, 0.40]), float(rng.uniform(0.2, 0.6)), 0.0006,
            np.array([0.10, 0.09, 0.11]), np.array([0.85, 0.92, 1.15]) * level,
            headlights=0.35, lamps=0.5, glow=1.5, gain=gain * 1.35, noise=4.5, shutter_s=0.012,
        )  # fmt: skip
    glow_low = np.array([0.20, 0.15, 0.13]) * float(rng.uniform(0.6, 1.3))
    return Weather(
        flat, np.array([0.03, 0.035, 0.06]), glow_low, np.array([0.09, 0.08, 0.08]), 0.4, 0.0008,
        np.array([0.012, 0.010, 0.010]),
            np.array([0.8, 0.9, 1.2]) * float(rng.uniform(0.008, 0.02)),
        headlights=1.0, lamps=1.0, glow=2.2, gain=gain * 1.3, noise=6.5, shutter_s=0.016,
    )  # fmt: skip


def _sun(rng: np.random.Generator, city: City, height: float, bearing: float) -> Light:
    direction = np.array(
        [np.cos(bearing) * np.cos(height), np.sin(bearing) * np.cos(height), np.sin(height)]
    )
    strong = float(rng.uniform(0.6, 0.9))
    sun = np.array([1.0, 0.94 - city.warmth, 0.84 - 2 * city.warmth]) * strong
    sky = np.array([0.33, 0.37, 0.42]) * float(rng.uniform(0.85, 1.1))
    return Light(direction, sun, sky)


def _low_sun(rng: np.random.Generator, city: City, plan: Plan, gain: float) -> Weather:
    heading = float(plan.road.heading_at(plan.stations.mean()))
    ahead = rng.random() < 0.75
    bearing = heading + (0.0 if ahead else np.pi) + float(rng.normal(0.0, 0.35))
    height = np.radians(float(rng.uniform(7.0, 15.0)))
    direction = np.array(
        [np.cos(bearing) * np.cos(height), np.sin(bearing) * np.cos(height), np.sin(height)]
    )
    light = Light(direction, np.array([1.0, 0.74, 0.46]) * 0.95, np.array([0.26, 0.27, 0.34]))
    return Weather(
        light, np.array([0.36, 0.50, 0.76]), np.array([0.96, 0.82, 0.62]),
        np.array([0.98, 0.88, 0.76]), float(rng.uniform(0.05, 0.4)), 0.0012,
        np.array([0.72, 0.56, 0.38]), glare=float(rng.uniform(0.6, 1.0)), gain=gain * 1.15,
    )  # fmt: skip
