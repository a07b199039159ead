"""Houses, trees, hedges, lamp posts and advertising."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.roads import Road
from dalearn_ros.world.scene import Scene

Array = npt.NDArray[np.float64]
FLOOR_M = 3.1
DEPTH_M = 12.0


def house(scene: Scene, mesh: Mesh, frame: Array, width: float) -> None:
    """A house; ``frame``: origin at the middle of its front's foot, x along the front, y inward."""
    rng, city = scene.rng, scene.city
    floors = int(rng.integers(city.floors[0], city.floors[1] + 1))
    ground = 3.6
    height = ground + floors * FLOOR_M
    depth = DEPTH_M * rng.uniform(0.85, 1.2)
    number = int(rng.integers(0, len(city.facades)))
    tint = rng.uniform(0.82, 1.0) * np.array([1.0, rng.uniform(0.95, 1.0), rng.uniform(0.92, 1.0)])
    texture = f"facade{number}"
    x0, x1 = -width / 2, width / 2
    rings = [((x0, 0.0), (x1, 0.0)), ((x1, 0.0), (x1, depth)), ((x0, depth), (x0, 0.0))]
    shops = rng.random() < 0.6
    for i, ((ax, ay), (bx, by)) in enumerate(rings):
        length = float(np.hypot(bx - ax, by - ay))
        bays = max(1, round(length / 2.9)) / 4.0
        shift = float(rng.integers(0, 4)) / 4.0
        low, high = np.array([ax, ay, 0.0]), np.array([bx, by, 0.0])
        up = np.array([0.0, 0.0, 1.0])
        wall = np.array(
            [low + up * ground, high + up * ground, high + up * height, low + up * height]
        )
        uv = np.array(
            [[shift, 0], [shift + bays, 0], [shift + bays, floors / 4], [shift, floors / 4]]
        )
        _add(mesh, texture, frame, wall, uv, tint)
        foot = np.array([low - up * 2.0, high - up * 2.0, high + up * ground, low + up * ground])
        if i == 0 and shops:
            shop = f"shop{int(rng.integers(0, 5))}"
            front = foot.copy()
            front[:2, 2] = 0.0
            start = float(rng.random())
            n = length / 8.0
            _add(
                mesh,
                shop,
                frame,
                front,
                np.array([[start, 0], [start + n, 0], [start + n, 1], [start, 1]]),
                tint,
            )
            foot[2:, 2] = 0.0
            _add(mesh, "plain", frame, foot, None, tint * 0.5)
        else:
            _add(
                mesh,
                texture,
                frame,
                foot,
                np.array([[shift, 0.25], [shift + bays, 0.25], [shift + bays, 0.5], [shift, 0.5]]),
                tint * 0.8,
            )
    roof = rng.uniform(0.75, 1.0) * np.array(
        [0.55, 0.30, 0.24] if city.gable > 0.5 else [0.42, 0.41, 0.4]
    )
    e = 0.35
    if rng.random() < city.gable:
        ridge = height + depth * 0.38
        a, b = [x0 - e, -e, height - 0.1], [x1 + e, -e, height - 0.1]
        c, d = [x1 + e, depth / 2, ridge], [x0 - e, depth / 2, ridge]
        _add(
            mesh,
            "roof",
            frame,
            np.array([a, b, c, d]),
            np.array([[0, 0], [width / 4, 0], [width / 4, 2], [0, 2]]),
            roof,
        )
        for x, sign in ((x0, -1), (x1, 1)):
            ends = np.array(
                [[x, 0, height], [x, depth, height], [x, depth / 2, ridge], [x, depth / 2, ridge]]
            )
            _add(
                mesh,
                "plain",
                frame,
                ends if sign > 0 else ends[[1, 0, 3, 2]],
                None,
                tint * np.array([0.8, 0.76, 0.7]),
            )
    else:
        box = np.array([[x0 - 0.2, -0.2, height - 0.5], [x1 + 0.2, depth, height + 0.4]])
        mesh.add_box("plain", frame, box[0], box[1], roof * 1.2)


def _add(
    mesh: Mesh, texture: str, frame: Array, corners: Array, uv: Array | None, tint: Array
) -> None:
    mesh.add(texture, corners @ frame[:3, :3].T + frame[:3, 3], uv, tint)


def row_of_houses(
    scene: Scene, road: Road, side: float, a: float, b: float, tile_s: float | None
) -> None:
    """Houses along one side (+1 left) of a road between two stations."""
    rng, city = scene.rng, scene.city
    s = a
    while s < b - 8.0:
        width = float(min(rng.uniform(9.0, 22.0), b - s))
        if width < 8.0:
            break
        if rng.random() > city.gap * 0.6:
            d = road.half_m + city.pavement_m + rng.uniform(*city.setback_m)
            frame = road.frame(s + width / 2, side * d, city.kerb_m, np.pi if side > 0 else 0.0)
            local = frame.copy()
            if side < 0:  # front looks to the road's left
                local[:3, 0], local[:3, 1] = -frame[:3, 0], -frame[:3, 1]
            else:
                local[:3, 0], local[:3, 1] = -frame[:3, 0], -frame[:3, 1]
            if side > 0:
                local[:3, 0] *= 1.0
            mesh = scene.tile(s if tile_s is None else tile_s)
            house(scene, mesh, local, width)
            garden = d - road.half_m - city.pavement_m
            if garden > 1.2 and rng.random() < city.hedge_density:
                hedge(scene, mesh, road, side, s, s + width)
        s += width + (rng.uniform(2.0, 7.0) if rng.random() < city.gap else 0.0)


def hedge(scene: Scene, mesh: Mesh, road: Road, side: float, a: float, b: float) -> None:
    """A clipped hedge at the back of the pavement."""
    length = b - a
    d = side * (road.half_m + scene.city.pavement_m + 0.45)
    frame = road.frame((a + b) / 2, d, scene.city.kerb_m)
    high = scene.rng.uniform(0.8, 1.6)
    mesh.add_box(
        "hedge", frame, (-length / 2, -0.35, 0.0), (length / 2, 0.35, high), (1.0, 1.0, 1.0), 1.5
    )


def tree(scene: Scene, mesh: Mesh, at: Array, scale: float = 1.0) -> None:
    """A tree: a trunk and crossed pictures of its crown."""
    rng = scene.rng
    height = rng.uniform(4.5, 8.0) * scale
    crown = rng.uniform(2.2, 3.6) * scale
    frame = np.eye(4)
    frame[:3, 3] = at
    mesh.add_box(
        "bark",
        frame,
        (-0.14, -0.14, -0.2),
        (0.14, 0.14, height * 0.62),
        (0.8, 0.8, 0.8),
        1.0,
        top=False,
    )
    texture = f"leaves{int(rng.integers(0, 3))}"
    tint = np.array([rng.uniform(0.8, 1.0), rng.uniform(0.85, 1.0), rng.uniform(0.75, 1.0)])
    start = rng.uniform(0, np.pi)
    low, high = max(height - 1.35 * crown, 1.9), height + 0.75 * crown
    for i in range(3):
        angle = start + i * np.pi / 3
        x, y = np.cos(angle) * crown, np.sin(angle) * crown
        base = np.array([[-x, -y, low], [x, y, low], [x, y, high], [-x, -y, high]]) + at
        mesh.add_two_sided(texture, base, tint=tint, normal=_lean(scene))


def _lean(scene: Scene) -> Array:
    n = 0.55 * scene.light.direction + np.array([0.0, 0.0, 0.65])
    return np.asarray(n / np.linalg.norm(n))


def lamp_post(scene: Scene, mesh: Mesh, frame: Array) -> None:
    """A street lamp with an arm along -y of the frame... towards the carriageway (+y)."""
    steel = (0.4, 0.41, 0.42)
    mesh.add_box("plain", frame, (-0.07, -0.07, 0.0), (0.07, 0.07, 7.6), steel, top=False)
    mesh.add_box("plain", frame, (-0.05, 0.0, 7.5), (0.05, 1.9, 7.62), steel, bottom=True)
    name = "lamp_on" if scene.dark else "plain"
    mesh.add_box(name, frame, (-0.14, 1.3, 7.38), (0.14, 2.1, 7.5), (0.95, 0.95, 0.9), bottom=True)


def billboard(scene: Scene, mesh: Mesh, frame: Array, number: int) -> None:
    """An advertisement on two legs, facing -x of the frame: no landmark."""
    for y in (-0.9, 0.9):
        mesh.add_box(
            "plain", frame, (0.0, y - 0.05, 0.0), (0.1, y + 0.05, 1.2), (0.4, 0.4, 0.4), top=False
        )
    mesh.add_box("plain", frame, (0.0, -1.4, 1.0), (0.1, 1.4, 3.0), (0.5, 0.5, 0.5))
    corners = np.array(
        [[-0.01, 1.35, 1.05], [-0.01, -1.35, 1.05], [-0.01, -1.35, 2.95], [-0.01, 1.35, 2.95]]
    )
    mesh.add(f"poster{number}", corners @ frame[:3, :3].T + frame[:3, 3])
