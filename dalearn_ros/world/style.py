"""What makes the cities differ: one record a city, and one a condition."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.errors import InputError
from dalearn_ros.maps.lanelet2_writer import Origin

Colour = tuple[float, float, float]  # red, green, blue, 0..1


@dataclass(frozen=True)
class City:
    """One city's habits. Lengths in metres; colours red, green, blue in display space.

    ``pixel_um`` (pitch of the sensor), ``f_number`` and ``focus_m`` (the distance that is
    sharp) say how the lens blurs what is near: see :mod:`dalearn_ros.world.focus`.
    """

    name: str
    country: str
    origin: Origin
    focal_px: float
    centre_px: tuple[float, float]
    distortion: tuple[float, float, float, float, float]
    camera_m: tuple[float, float, float]
    camera_pitch_deg: float
    pixel_um: float
    f_number: float
    focus_m: float
    lane_m: float
    lanes: tuple[int, ...]
    parking_m: float
    kerb_m: float
    pavement_m: float
    asphalt: Colour
    asphalt_grain: float
    paint_wear: float
    centre_yellow: bool
    facades: tuple[Colour, ...]
    floors: tuple[int, int]
    gap: float
    gable: float
    setback_m: tuple[float, float]
    tree: Colour
    tree_density: float
    hedge_density: float
    grass: Colour
    pavement: Colour
    signal_horizontal: bool
    signal_far: bool
    signal_body: Colour
    curve: float
    slope: float
    sky: tuple[Colour, Colour]
    exposure: float
    warmth: float


CITIES = {
    "north": City(
        name="north",
        country="vienna",
        origin=Origin(48.137, 11.575),
        focal_px=1060.0,
        centre_px=(641.3, 357.8),
        distortion=(-0.215, 0.062, 0.0006, -0.0004, 0.0),
        camera_m=(1.75, 0.0, 1.42),
        camera_pitch_deg=1.0,
        pixel_um=4.2,
        f_number=1.6,
        focus_m=30.0,
        lane_m=3.25,
        lanes=(1, 1, 2),
        parking_m=2.1,
        kerb_m=0.13,
        pavement_m=2.6,
        asphalt=(0.43, 0.43, 0.45),
        asphalt_grain=0.05,
        paint_wear=0.25,
        centre_yellow=False,
        facades=(
            (0.87, 0.80, 0.62),
            (0.82, 0.70, 0.55),
            (0.88, 0.86, 0.80),
            (0.72, 0.55, 0.45),
            (0.70, 0.76, 0.72),
            (0.90, 0.84, 0.70),
        ),
        floors=(3, 5),
        gap=0.18,
        gable=0.8,
        setback_m=(0.5, 4.0),
        tree=(0.30, 0.46, 0.17),
        tree_density=0.75,
        hedge_density=0.4,
        grass=(0.36, 0.50, 0.22),
        pavement=(0.62, 0.60, 0.57),
        signal_horizontal=False,
        signal_far=False,
        signal_body=(0.14, 0.16, 0.15),
        curve=1.0,
        slope=1.0,
        sky=((0.42, 0.60, 0.86), (0.82, 0.88, 0.94)),
        exposure=1.0,
        warmth=0.0,
    ),
    "south": City(
        name="south",
        country="korea",
        origin=Origin(37.5665, 126.978),
        focal_px=930.0,
        centre_px=(633.0, 364.5),
        distortion=(-0.285, 0.094, -0.0005, 0.0007, 0.0),
        camera_m=(1.55, 0.05, 1.62),
        camera_pitch_deg=1.8,
        pixel_um=3.75,
        f_number=2.0,
        focus_m=15.0,
        lane_m=3.1,
        lanes=(2, 2, 1, 3),
        parking_m=0.0,
        kerb_m=0.16,
        pavement_m=4.0,
        asphalt=(0.36, 0.36, 0.37),
        asphalt_grain=0.075,
        paint_wear=0.5,
        centre_yellow=True,
        facades=(
            (0.75, 0.72, 0.70),
            (0.62, 0.40, 0.32),
            (0.80, 0.80, 0.82),
            (0.55, 0.58, 0.62),
            (0.72, 0.64, 0.52),
            (0.48, 0.50, 0.54),
        ),
        floors=(3, 12),
        gap=0.1,
        gable=0.0,
        setback_m=(0.2, 2.0),
        tree=(0.40, 0.50, 0.20),
        tree_density=0.55,
        hedge_density=0.15,
        grass=(0.44, 0.48, 0.28),
        pavement=(0.66, 0.55, 0.50),
        signal_horizontal=True,
        signal_far=True,
        signal_body=(0.13, 0.13, 0.13),
        curve=0.7,
        slope=1.5,
        sky=((0.55, 0.68, 0.84), (0.90, 0.90, 0.88)),
        exposure=1.06,
        warmth=0.03,
    ),
    "east": City(
        name="east",
        country="mutcd",
        origin=Origin(40.4406, -79.9959),
        focal_px=1180.0,
        centre_px=(646.2, 371.0),
        distortion=(-0.16, 0.035, 0.0003, 0.0005, 0.0),
        camera_m=(1.9, -0.03, 1.28),
        camera_pitch_deg=0.4,
        pixel_um=4.2,
        f_number=1.4,
        focus_m=40.0,
        lane_m=3.6,
        lanes=(2, 1, 2),
        parking_m=2.4,
        kerb_m=0.15,
        pavement_m=2.2,
        asphalt=(0.52, 0.51, 0.49),
        asphalt_grain=0.06,
        paint_wear=0.4,
        centre_yellow=True,
        facades=(
            (0.60, 0.35, 0.27),
            (0.78, 0.72, 0.62),
            (0.86, 0.86, 0.84),
            (0.66, 0.45, 0.35),
            (0.56, 0.60, 0.64),
            (0.80, 0.76, 0.58),
        ),
        floors=(1, 6),
        gap=0.4,
        gable=0.35,
        setback_m=(1.0, 9.0),
        tree=(0.34, 0.43, 0.16),
        tree_density=0.5,
        hedge_density=0.25,
        grass=(0.48, 0.52, 0.26),
        pavement=(0.70, 0.69, 0.65),
        signal_horizontal=False,
        signal_far=True,
        signal_body=(0.80, 0.62, 0.08),
        curve=0.6,
        slope=0.8,
        sky=((0.36, 0.58, 0.90), (0.80, 0.88, 0.95)),
        exposure=1.1,
        warmth=0.05,
    ),
}
CONDITIONS = ("day", "low_sun", "dusk", "night", "rain", "fog", "snow")


def city_named(name: str) -> City:
    """The record of a city.

    Raises:
        InputError: No such city.
    """
    if name not in CITIES:
        raise InputError.at("world", "--city", "one of " + ", ".join(CITIES), f"'{name}'")
    return CITIES[name]


def check_condition(name: str) -> str:
    """The name itself if it is a condition, else InputError."""
    if name not in CONDITIONS:
        raise InputError.at("world", "--condition", "one of " + ", ".join(CONDITIONS), f"'{name}'")
    return name
