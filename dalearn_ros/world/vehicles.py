"""Parked and moving vehicles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.world.mesh import Light, Mesh
from dalearn_ros.world.scene import Scene, Texture
from dalearn_ros.world.textures import car_end, car_side

Array = npt.NDArray[np.float64]
# side profile from front bumper over the roof to the rear, unit length (x) and height (y)
PROFILES = {
    "car": (
        (4.3, 1.80, 1.46),
        [
            (0.0, 0.12),
            (0.0, 0.46),
            (0.05, 0.54),
            (0.27, 0.62),
            (0.4, 0.98),
            (0.5, 1.0),
            (0.76, 0.97),
            (0.92, 0.66),
            (1.0, 0.62),
            (1.0, 0.12),
        ],
    ),
    "van": (
        (5.2, 2.0, 2.3),
        [
            (0.0, 0.1),
            (0.0, 0.4),
            (0.1, 0.5),
            (0.22, 0.95),
            (0.28, 1.0),
            (0.97, 1.0),
            (1.0, 0.9),
            (1.0, 0.1),
        ],
    ),
    "truck": (
        (8.5, 2.4, 3.2),
        [
            (0.0, 0.1),
            (0.0, 0.45),
            (0.02, 0.75),
            (0.2, 0.78),
            (0.22, 1.0),
            (0.98, 1.0),
            (1.0, 0.97),
            (1.0, 0.1),
        ],
    ),
}
PAINTS = [
    (0.85, 0.85, 0.86), (0.12, 0.12, 0.13), (0.55, 0.56, 0.58), (0.25, 0.27, 0.30),
    (0.55, 0.10, 0.10), (0.12, 0.20, 0.42), (0.60, 0.62, 0.60), (0.75, 0.70, 0.60),
    (0.16, 0.30, 0.24), (0.93, 0.93, 0.93),
]  # fmt: skip
KINDS = [("car", p) for p in range(10)] + [
    ("van", 0),
    ("van", 3),
    ("van", 9),
    ("truck", 9),
    ("truck", 5),
]


def textures(scene: Scene) -> None:
    """Register the pictures of all vehicles."""
    rng = np.random.default_rng(5)
    lamps = scene.dark or scene.condition in ("rain", "fog", "snow")
    for kind, paint in KINDS:
        colour = np.array(PAINTS[paint])[::-1] * 255
        profile = np.array(PROFILES[kind][1])
        name = f"{kind}{paint}"
        scene.textures[f"side_{name}"] = Texture(car_side(rng, profile, colour), "cutout", False)
        for rear in (False, True):
            image = car_end(colour, rear, lamps)
            scene.textures[f"{'rear' if rear else 'front'}_{name}"] = Texture(image, repeat=False)


def build(mesh: Mesh, number: int, frame: Array) -> None:
    """Add a vehicle to a mesh; ``frame``: x forward, origin under its middle."""
    kind, paint = KINDS[number]
    (length, width, height), outline = PROFILES[kind]
    name, colour = f"{kind}{paint}", np.array(PAINTS[paint])
    profile = np.array(outline)
    x = length / 2 - profile[:, 0] * length
    z = profile[:, 1] * height
    half = width / 2

    def put(corners: Array) -> Array:
        return corners @ frame[:3, :3].T + frame[:3, 3]

    shadow = np.array(
        [
            [-length / 2 - 0.1, -half - 0.15, 0.02],
            [length / 2 + 0.1, -half - 0.15, 0.02],
            [length / 2 + 0.1, half + 0.15, 0.02],
            [-length / 2 - 0.1, half + 0.15, 0.02],
        ]
    )
    mesh.add("shadow", put(shadow), lit=False)
    left = np.array(
        [
            [length / 2, half, 0],
            [-length / 2, half, 0],
            [-length / 2, half, height],
            [length / 2, half, height],
        ]
    )
    right = left * np.array([1.0, -1.0, 1.0])
    mesh.add(
        f"side_{name}",
        put(left[[1, 0, 3, 2]])[None][:, [1, 0, 3, 2]],
        np.array([[0, 0], [1, 0], [1, 1], [0, 1]]),
        (1, 1, 1),
        normal=_out(frame, 1),
    )
    mesh.add(
        f"side_{name}",
        put(right[[1, 0, 3, 2]]),
        np.array([[1, 0], [0, 0], [0, 1], [1, 1]]),
        normal=_out(frame, -1),
    )
    roof = z.max()
    for i in range(len(profile) - 1):
        corners = np.array(
            [
                [x[i], half, z[i]],
                [x[i], -half, z[i]],
                [x[i + 1], -half, z[i + 1]],
                [x[i + 1], half, z[i + 1]],
            ]
        )
        steep = abs(z[i + 1] - z[i]) > 0.25 * abs(x[i + 1] - x[i])
        glass = (
            steep
            and max(z[i], z[i + 1]) > 0.85 * roof
            and min(z[i], z[i + 1]) > 0.4 * roof
            and kind != "truck"
        )
        if steep and i < 2:
            continue
        if i == len(profile) - 2:
            continue
        mesh.add("plain", put(corners), tint=(0.16, 0.19, 0.22) if glass else colour * 0.97)
    low, high_front, high_rear = 0.12 * height, z[2], z[-2]
    front = np.array(
        [
            [length / 2, half, low],
            [length / 2, -half, low],
            [length / 2, -half, high_front],
            [length / 2, half, high_front],
        ]
    )
    rear = np.array(
        [
            [-length / 2, -half, low],
            [-length / 2, half, low],
            [-length / 2, half, high_rear],
            [-length / 2, -half, high_rear],
        ]
    )
    mesh.add(f"front_{name}", put(front[[1, 0, 3, 2]])[None][:, [1, 0, 3, 2]])
    mesh.add(f"rear_{name}", put(rear[[1, 0, 3, 2]])[None][:, [1, 0, 3, 2]])


def _out(frame: Array, side: int) -> Array:
    n = frame[:3, 1] * side * 0.95 + np.array([0.0, 0.0, 0.3])
    return np.asarray(n / np.linalg.norm(n))


def own_mesh(scene: Scene, number: int, heading: float) -> Mesh:
    """A vehicle about its own origin, lit as if it drove in a direction (radians)."""
    c, s = np.cos(-heading), np.sin(-heading)
    d = scene.light.direction
    turned = np.array([c * d[0] - s * d[1], s * d[0] + c * d[1], d[2]])
    mesh = Mesh(Light(turned, scene.light.sun, scene.light.sky))
    build(mesh, number, np.eye(4))
    return mesh
