"""Shadows that houses and trees cast on the ground: dark decals along the sun's direction."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.world.materials import Image
from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.roads import Road
from dalearn_ros.world.scene import Scene

Array = npt.NDArray[np.float64]
LIFT_M = 0.03


def strength(scene: Scene) -> float:
    """How dark a shadow is on level ground, 0..1 in display space."""
    light = scene.light
    shaded = light.sky.mean()
    lit = shaded + light.sun.mean() * max(float(light.direction[2]), 0.0)
    return float(1.0 - np.sqrt(shaded / max(min(lit, 1.0), 1e-6)))


def pictures(scene: Scene, leaves: Image) -> tuple[Image, Image]:
    """The decals of a wall's and of a crown's shadow."""
    dark = strength(scene)
    wall = np.zeros((4, 4, 4), dtype=np.uint8)
    wall[..., 3] = round(255 * dark)
    crown = np.zeros((128, 128, 4), dtype=np.uint8)
    mask = cv2.resize((leaves[..., 3] > 0).astype(np.float32), (128, 128))
    crown[..., 3] = cv2.GaussianBlur(mask, (0, 0), 1.6) * 255 * dark
    return wall, crown


def _vector(scene: Scene, road: Road, s: float, height: float) -> tuple[float, float]:
    """Where the tip of an upright of some height throws its shadow: along and to the left."""
    direction = scene.light.direction
    heading = float(road.heading_at(s))
    along = direction[0] * np.cos(heading) + direction[1] * np.sin(heading)
    left = -direction[0] * np.sin(heading) + direction[1] * np.cos(heading)
    reach = height / max(float(direction[2]), 0.08)
    return float(-along * reach), float(-left * reach)


def of_wall(
    scene: Scene, mesh: Mesh, road: Road, span: tuple[float, float], d: float, height: float
) -> None:
    """The shadow of a front between two stations that stands ``d`` to the left of the centre."""
    if strength(scene) < 0.05:
        return
    ds, dd = _vector(scene, road, sum(span) / 2, height)
    side = 1.0 if d > 0 else -1.0
    if side * dd > -0.3:
        return  # falls away from the road
    tip = d + dd
    rails = [d, side * road.half_m, -side * road.half_m, -d]
    stations = np.linspace(span[0], span[1], max(2, int((span[1] - span[0]) / 4.0) + 1))
    for i, (start, end) in enumerate(pairwise(rails)):
        if side * (start - tip) <= 0:
            break
        stop = end if side * (end - tip) >= 0 else tip
        h = LIFT_M + (scene.city.kerb_m if i != 1 else 0.0)
        near, far = (start - d) / dd, (stop - d) / dd
        a = road.at(stations + ds * near, start, h)
        b = road.at(stations + ds * far, stop, h)
        quads = np.stack([a[:-1], a[1:], b[1:], b[:-1]], axis=1)
        mesh.add("cast_wall", quads if side < 0 else quads[:, [1, 0, 3, 2]], lit=False)


def of_crown(
    scene: Scene, mesh: Mesh, road: Road, s: float, d: float, height: float, radius: float
) -> None:
    """The shadow of a tree's crown."""
    if strength(scene) < 0.05:
        return
    ds, dd = _vector(scene, road, s, height)
    if np.hypot(ds, dd) > 14.0:
        return
    stretch = 1.0 / max(float(scene.light.direction[2]), 0.3)
    angle = np.arctan2(dd, ds)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [radius * stretch, radius]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    at = corners @ turn.T + [s + ds, d + dd]
    h = LIFT_M + (scene.city.kerb_m if np.abs(at[:, 1]).max() > road.half_m else 0.0)
    mesh.add("cast_crown", road.at(at[:, 0], at[:, 1], h), lit=False)
