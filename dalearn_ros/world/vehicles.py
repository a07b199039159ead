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
        return np.asarray(corners @ frame[:3, :3].T + frame[:3, 3])

    shadow = np.array(
        [
            [-length / 2 - 0.1, -half - 0.15, 0.02],
            [length / 2 + 0.1, -half - 0.15, 0.02],
            [length / 2 + 0.1, half + 0.15, 0.02],
            [-length / 2 - 0.1, half + 0.15, 0.02],
        ]
    )
    mesh.add("shadow", put(shadow), lit=False)
    _sides(mesh, name, frame, (length, half, height))
    roof = z.max()
    for i in range(2, len(profile) - 2):
        corners = np.array(
            [
                [x[i], half, z[i]],
                [x[i], -half, z[i]],
                [x[i + 1], -half, z[i + 1]],
                [x[i + 1], half, z[i + 1]],
            ]
        )
        tall = z[[i, i + 1]]
        steep = abs(tall[1] - tall[0]) > 0.25 * abs(x[i + 1] - x[i])
        glass = steep and tall.max() > 0.85 * roof and tall.min() > 0.4 * roof and kind != "truck"
        inset = np.array([1.0, 0.92, 1.0])
        mesh.add("plain", put(corners[[1, 0, 3, 2]]), tint=colour * 0.97)
        if glass:
            pane = corners * inset
            pane = pane[[1, 0, 3, 2]] * 0.94 + pane.mean(axis=0) * 0.06
            lift = np.array([0.02 if x[i] > 0 else -0.02, 0.0, 0.02])
            mesh.add("plain", put(pane + lift), tint=(0.16, 0.19, 0.22))
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
    mesh.add_two_sided(f"front_{name}", put(front))
    mesh.add_two_sided(f"rear_{name}", put(rear))


def _sides(mesh: Mesh, name: str, frame: Array, size: tuple[float, float, float]) -> None:
    """Both sides as cutouts; u = 0 is the vehicle's front."""
    length, half, height = size
    z = np.array([0.0, 0.0, height, height])
    x = np.array([length / 2, -length / 2, -length / 2, length / 2])
    u = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    for side in (1, -1):
        local = np.stack([x, np.full(4, side * half), z], axis=1)
        world = local @ frame[:3, :3].T + frame[:3, 3]
        mesh.add_two_sided(f"side_{name}", world, u, normal=_out(frame, side))


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
