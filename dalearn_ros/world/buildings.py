"""Houses, trees, hedges, lamp posts and advertising."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.world import shadows
from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.roads import Road
from dalearn_ros.world.scene import Scene

Array = npt.NDArray[np.float64]
FLOOR_M = 3.1
GROUND_FLOOR_M = 3.6
DEPTH_M = 12.0


@dataclass(frozen=True)
class Plot:
    """A house to be built: its station, width, distance from the road and number of floors."""

    s: float
    width: float
    back_m: float
    floors: int

    @property
    def height(self) -> float:
        """Height of its walls in metres."""
        return GROUND_FLOOR_M + self.floors * FLOOR_M


def house(
    scene: Scene, mesh: Mesh, frame: Array, plot: Plot, hidden: tuple[float, float] = (0.0, 0.0)
) -> None:
    """A house; ``frame``: origin at the middle of its front's foot, x along the front, y inward.

    ``hidden``: up to which height a neighbour hides its left and right side beyond the front part.
    """
    rng, city = scene.rng, scene.city
    width, height = plot.width, plot.height
    depth = DEPTH_M * rng.uniform(0.85, 1.2)
    number = int(rng.integers(0, len(city.facades)))
    tint = rng.uniform(0.82, 1.0) * np.array([1.0, rng.uniform(0.95, 1.0), rng.uniform(0.92, 1.0)])
    texture = f"facade{number}"
    x0, x1 = -width / 2, width / 2
    shops = rng.random() < 0.6
    _wall(scene, mesh, frame, texture, (x0, 0.0), (x1, 0.0), (0.0, height), tint, shops)
    seen = max(city.setback_m[1] + 0.5, 1.0)
    for (ax, ay), (bx, by), low in (
        ((x1, 0.0), (x1, depth), hidden[1]),
        ((x0, depth), (x0, 0.0), hidden[0]),
    ):
        if low <= 0.0:
            _wall(scene, mesh, frame, texture, (ax, ay), (bx, by), (0.0, height), tint, False)
            continue
        near = min(seen, depth)
        ends = ((ax, 0.0), (bx, near)) if ay == 0.0 else ((ax, near), (bx, 0.0))
        _wall(scene, mesh, frame, texture, *ends, (0.0, height), tint, False)
        if low < height:
            ends = ((ax, near), (bx, depth)) if ay == 0.0 else ((ax, depth), (bx, near))
            _wall(scene, mesh, frame, texture, *ends, (low, height), tint, False)
    _roof(scene, mesh, frame, (x0, x1, depth, height), tint)


def _wall(
    scene: Scene,
    mesh: Mesh,
    frame: Array,
    texture: str,
    start: tuple[float, float],
    end: tuple[float, float],
    span: tuple[float, float],
    tint: Array,
    shops: bool,
) -> None:
    """One wall between two points of the plan, between two heights."""
    rng = scene.rng
    (ax, ay), (bx, by), (bottom, top) = start, end, span
    length = float(np.hypot(bx - ax, by - ay))
    bays = max(1, round(length / 2.9)) / 4.0
    shift = float(rng.integers(0, 4)) / 4.0
    low, high, up = np.array([ax, ay, 0.0]), np.array([bx, by, 0.0]), np.array([0.0, 0.0, 1.0])
    ground = GROUND_FLOOR_M
    base = max(bottom, ground)
    v0, v1 = (base - ground) / FLOOR_M / 4.0, (top - ground) / FLOOR_M / 4.0
    wall = np.array([low + up * base, high + up * base, high + up * top, low + up * top])
    uv = np.array([[shift, v0], [shift + bays, v0], [shift + bays, v1], [shift, v1]])
    _add(mesh, texture, frame, wall, uv, tint)
    if bottom >= ground:
        return
    foot = np.array([low, high, high + up * ground, low + up * ground])
    if shops:
        start_u, n = float(rng.random()), length / 8.0
        uv = np.array([[start_u, 0], [start_u + n, 0], [start_u + n, 1], [start_u, 1]])
        _add(mesh, f"shop{int(rng.integers(0, 5))}", frame, foot, uv, tint)
    else:
        uv = np.array([[shift, 0.25], [shift + bays, 0.25], [shift + bays, 0.5], [shift, 0.5]])
        _add(mesh, texture, frame, foot, uv, tint * 0.85)
    cellar = np.array([low - up * 2.0, high - up * 2.0, high, low])
    _add(mesh, "plain", frame, cellar, None, tint * 0.5)


def _roof(
    scene: Scene, mesh: Mesh, frame: Array, box: tuple[float, float, float, float], tint: Array
) -> None:
    rng, city = scene.rng, scene.city
    x0, x1, depth, height = box
    width, e = x1 - x0, 0.35
    red = [0.55, 0.30, 0.24] if city.gable > 0.5 else [0.42, 0.41, 0.40]
    roof = rng.uniform(0.75, 1.0) * np.array(red)
    if rng.random() >= city.gable:
        low, high = (x0 - 0.2, -0.2, height - 0.5), (x1 + 0.2, depth, height + 0.4)
        mesh.add_box("plain", frame, low, high, roof * 1.2)
        return
    ridge = height + depth * 0.38
    for front in (True, False):
        y = -e if front else depth + e
        corners = np.array(
            [
                [x0 - e, y, height - 0.1],
                [x1 + e, y, height - 0.1],
                [x1 + e, depth / 2, ridge],
                [x0 - e, depth / 2, ridge],
            ]
        )
        uv = np.array([[0, 0], [width / 4, 0], [width / 4, 2], [0, 2]])
        order = [0, 1, 2, 3] if front else [1, 0, 3, 2]
        _add(mesh, "roof", frame, corners[order], uv[order], roof)
    for x, sign in ((x0, -1), (x1, 1)):
        top = [x, depth / 2, ridge]
        ends = np.array([[x, 0, height], [x, depth, height], top, top])
        order = [0, 1, 2, 3] if sign > 0 else [1, 0, 3, 2]
        _add(mesh, "plain", frame, ends[order], None, tint * np.array([0.8, 0.76, 0.7]))


def _add(
    mesh: Mesh, texture: str, frame: Array, corners: Array, uv: Array | None, tint: Array
) -> None:
    mesh.add(texture, corners @ frame[:3, :3].T + frame[:3, 3], uv, tint)


def row_of_houses(
    scene: Scene, road: Road, side: float, a: float, b: float, mesh_of: Callable[[float], Mesh]
) -> None:
    """Houses along one side (+1 left) of a road between two stations."""
    rng, city = scene.rng, scene.city
    plots: list[Plot] = []
    s = a
    while s < b - 8.0:
        width = float(min(rng.uniform(9.0, 22.0), b - s))
        if rng.random() > city.gap * 0.6:
            floors = int(rng.integers(city.floors[0], city.floors[1] + 1))
            plots.append(Plot(s, width, float(rng.uniform(*city.setback_m)), floors))
        s += width + (float(rng.uniform(2.0, 7.0)) if rng.random() < city.gap else 0.0)
    for i, plot in enumerate(plots):
        before = plots[i - 1] if i else None
        after = plots[i + 1] if i + 1 < len(plots) else None
        hide_low = before.height if before and plot.s - before.s - before.width < 0.1 else 0.0
        hide_high = after.height if after and after.s - plot.s - plot.width < 0.1 else 0.0
        d = road.half_m + city.pavement_m + plot.back_m
        frame = road.frame(
            plot.s + plot.width / 2, side * d, city.kerb_m, 0.0 if side > 0 else np.pi
        )
        hidden = (hide_low, hide_high) if side > 0 else (hide_high, hide_low)
        mesh = mesh_of(plot.s)
        house(scene, mesh, frame, plot, hidden)
        shadows.of_wall(scene, mesh, road, (plot.s, plot.s + plot.width), side * d, plot.height)
        if plot.back_m > 1.2 and rng.random() < city.hedge_density:
            hedge(scene, mesh, road, side, plot.s, plot.s + plot.width)


def hedge(scene: Scene, mesh: Mesh, road: Road, side: float, a: float, b: float) -> None:
    """A clipped hedge at the back of the pavement."""
    length = b - a
    d = side * (road.half_m + scene.city.pavement_m + 0.45)
    frame = road.frame((a + b) / 2, d, scene.city.kerb_m)
    high = scene.rng.uniform(0.8, 1.6)
    mesh.add_box(
        "hedge", frame, (-length / 2, -0.35, 0.0), (length / 2, 0.35, high), (1.0, 1.0, 1.0), 1.5
    )


def tree(scene: Scene, mesh: Mesh, road: Road, s: float, d: float, scale: float = 1.0) -> None:
    """A tree: a trunk and crossed pictures of its crown."""
    rng = scene.rng
    height = rng.uniform(4.5, 8.0) * scale
    crown = rng.uniform(2.2, 3.6) * scale
    at = road.at(s, d, scene.city.kerb_m)
    shadows.of_crown(scene, mesh, road, s, d, height - 0.2 * crown, crown)
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
    """A street lamp whose arm reaches along +y of the frame, over the carriageway."""
    steel = (0.4, 0.41, 0.42)
    mesh.add_box("plain", frame, (-0.07, -0.07, 0.0), (0.07, 0.07, 7.6), steel, top=False)
    mesh.add_box("plain", frame, (-0.05, 0.0, 7.5), (0.05, 1.9, 7.62), steel, bottom=True)
    name = "lamp_on" if scene.dark else "plain"
    scene.lamps.append(frame[:3, :3] @ np.array([0.0, 1.7, 7.3]) + frame[:3, 3])
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
