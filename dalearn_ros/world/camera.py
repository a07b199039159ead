"""The vehicle's camera in each city."""

from __future__ import annotations

import math

import numpy as np

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world.lens import HEIGHT, WIDTH
from dalearn_ros.world.style import City

CAMERA_FRAME = "camera_optical"


def camera_of(city: City) -> Camera:
    """The camera as calibrated."""
    f, (cx, cy) = city.focal_px, city.centre_px
    matrix = np.array([[f, 0.0, cx], [0.0, f, cy], [0.0, 0.0, 1.0]])
    return Camera(WIDTH, HEIGHT, matrix, np.array(city.distortion), name=CAMERA_FRAME)


def mounting_of(city: City) -> Transform:
    """base_from_camera: looks forward, pitched down by the city's angle."""
    pitch = math.radians(city.camera_pitch_deg)
    down = Transform.from_euler(0.0, pitch, 0.0, city.camera_m)
    optical = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    return down @ Transform(optical, np.zeros(3))
