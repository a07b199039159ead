"""Signs on posts and gantries, and traffic lights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.world.landmarks import Inventory
from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.roads import Approach
from dalearn_ros.world.scene import Scene
from dalearn_ros.world.signs import SignFace

Array = npt.NDArray[np.float64]
STEEL = (0.55, 0.56, 0.57)


def plate(
    mesh: Mesh, inventory: Inventory, face: SignFace, frame: Array, low_m: float, tilt: float = 0.0
) -> None:
    """A sign's plate, facing -x of ``frame`` (against the traffic), its lower edge at ``low_m``.

    Args:
        tilt: Roll about the sign's axis in radians: not every post is upright.
    """
    w, h = face.size_m
    y = np.array([w / 2, -w / 2, -w / 2, w / 2])
    z = np.array([-h / 2, -h / 2, h / 2, h / 2])
    c, s = np.cos(tilt), np.sin(tilt)
    local = np.stack([np.full(4, -0.05), c * y - s * z, s * y + c * z + low_m + h / 2], axis=1)
    world = local @ frame[:3, :3].T + frame[:3, 3]
    normal = -frame[:3, 0] * 0.9 + np.array([0.0, 0.0, 0.35])
    mesh.add(face.name, world, normal=normal / np.linalg.norm(normal))
    back = world + frame[:3, 0] * 0.012
    mesh.add(face.name + "_back", back[[1, 0, 3, 2]], tint=(0.62, 0.63, 0.64))
    inventory.sign(face.code, world[0], world[1], h)


def post(
    mesh: Mesh,
    frame: Array,
    height: float,
    thick: float = 0.07,
    tint: tuple[float, float, float] = STEEL,
) -> None:
    """An upright post at the frame's origin."""
    t = thick / 2
    mesh.add_box("plain", frame, (-t, -t, -0.2), (t, t, height), tint, top=False)


def sign_post(
    scene: Scene,
    mesh: Mesh,
    approach: Approach,
    a: float,
    r: float,
    faces: list[SignFace],
) -> None:
    """A post with one to three signs, the first on top; auxiliary signs hang below."""
    rng = scene.rng
    turn = float(rng.normal(0.0, 0.07))
    frame = approach.frame(a, r, scene.city.kerb_m, turn)
    tilt = float(rng.normal(0.0, 0.015))
    low = float(rng.uniform(2.0, 2.5))
    if sum(face.size_m[1] for face in faces) < 0.5:
        low += 0.3
    levels = []
    for face in reversed(faces):
        levels.append((face, low))
        low += face.size_m[1] + 0.04
    post(mesh, frame, low - 0.1)
    if any(face.size_m[0] > 1.4 for face in faces):
        for side in (-0.6, 0.6):
            extra = frame.copy()
            extra[:3, 3] += frame[:3, 1] * side
            post(mesh, extra, low - 0.1)
    for face, level in levels:
        plate(mesh, scene.inventory, face, frame, level, tilt)


def gantry(
    scene: Scene, mesh: Mesh, approach: Approach, a: float, signs: list[tuple[SignFace, float]]
) -> None:
    """A mast beside the road with an arm over the lanes that carries signs (face, r)."""
    reach = approach.road.half_m + 0.8
    frame = approach.frame(a, reach, scene.city.kerb_m)
    low = 5.3
    top = low + max(face.size_m[1] for face, _ in signs) * 0.6
    post(mesh, frame, top + 0.2, 0.22)
    inner = min(r - face.size_m[0] / 2 for face, r in signs)
    mesh.add_box(
        "plain",
        frame,
        (0.0, 0.0, top - 0.1),
        (0.16, reach - inner, top + 0.08),
        STEEL,
        bottom=True,
    )
    for face, r in signs:
        place = frame.copy()
        place[:3, 3] += frame[:3, 1] * (reach - r)
        plate(mesh, scene.inventory, face, place, low - scene.city.kerb_m - 0.2)


def signal_size(scene: Scene) -> tuple[float, float]:
    """Width and height of a traffic light's housing in metres."""
    return (1.36, 0.36) if scene.city.signal_horizontal else (0.36, 1.05)


def signal_head(scene: Scene, lamps: Mesh, mesh: Mesh, frame: Array, low_m: float) -> None:
    """A traffic light facing -x of ``frame``: its front into ``lamps``, the rest into ``mesh``."""
    w, h = signal_size(scene)
    y = np.array([w / 2, -w / 2, -w / 2, w / 2])
    z = np.array([0.0, 0.0, h, h]) + low_m
    local = np.stack([np.full(4, -0.2), y, z], axis=1)
    world = local @ frame[:3, :3].T + frame[:3, 3]
    lamps.add("signal_red", world, normal=(0.0, 0.0, 1.0))
    body = tuple(0.75 * v for v in scene.city.signal_body)
    mesh.add_box(
        "plain", frame, (-0.19, -w / 2, low_m), (0.05, w / 2, low_m + h), body, bottom=True
    )
    shade = [0.05, w / 2 + 0.12, low_m - 0.12], [0.07, -w / 2 - 0.12, low_m + h + 0.12]
    low, high = np.minimum(*shade), np.maximum(*shade)
    if not scene.city.signal_horizontal:
        mesh.add_box("plain", frame, low, high, (0.10, 0.10, 0.11), bottom=True)
    scene.inventory.light(world[0], world[1], h)


def signals(scene: Scene, lamps: Mesh, mesh: Mesh, approach: Approach, stop_a: float) -> None:
    """The traffic lights that one approach obeys: near or far side, on posts and mast arms."""
    city, road = scene.city, approach.road
    side = road.half_m + 0.7
    lanes = road.lanes
    a = stop_a - 1.0 if not city.signal_far else -(approach.crossing_half_m + 2.5)
    frame = approach.frame(a, side, city.kerb_m)
    w, h = signal_size(scene)
    if not city.signal_horizontal:
        post(mesh, frame, 3.6, 0.12, (0.35, 0.36, 0.36))
        signal_head(scene, lamps, mesh, frame, 2.35)
    over = (
        [0.5 * city.lane_m * lanes]
        if lanes < 2 or not city.signal_far
        else [0.5 * city.lane_m, 1.5 * city.lane_m]
    )
    if not city.signal_far and lanes < 2 and scene.rng.random() < 0.5:
        over = []
    if not over:
        return
    mast = approach.frame(a - 0.6, side + 0.3, city.kerb_m)
    low = 5.4
    post(mesh, mast, low + h + 0.35, 0.2, (0.42, 0.43, 0.43))
    arm = low + h * (0.5 if city.signal_horizontal else 1.06)
    mesh.add_box(
        "plain",
        mast,
        (0.06, 0.0, arm - 0.07),
        (0.18, side + 0.3 - over[0] + 0.3, arm + 0.07),
        (0.42, 0.43, 0.43),
        bottom=True,
    )
    for r in over:
        place = mast.copy()
        place[:3, 3] += mast[:3, 1] * (side + 0.3 - r)
        signal_head(scene, lamps, mesh, place, low)
