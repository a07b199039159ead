"""A scene in front of a camera: pictures at given times and poses."""

from __future__ import annotations

import ctypes
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world.camera import camera_of, mounting_of
from dalearn_ros.world.city import build_city
from dalearn_ros.world.film import Film
from dalearn_ros.world.lens import Lens
from dalearn_ros.world.plan import Plan
from dalearn_ros.world.renderer import Renderer
from dalearn_ros.world.scene import TILE_M
from dalearn_ros.world.style import City

AHEAD_M, BEHIND_M, SIDE_STREET_M = 330.0, 40.0, 110.0
Depth = npt.NDArray[np.float32]


def keep_buffers() -> None:
    """Have the C library keep freed image buffers for the next frame (a third faster by night).

    By default it gives every block above some megabytes back to the system at once, and fetching
    and clearing the pages again costs more than the arithmetic done in them. Elsewhere than glibc
    this does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD: its maximum
    mallopt(-1, 512 << 20)  # M_TRIM_THRESHOLD
    mallopt(-2, 64 << 20)  # M_TOP_PAD


class Studio:
    """Draws one city.

    Raises:
        DalearnError: The renderer cannot be used.
    """

    def __init__(self, city: City, condition: str, seed: int, plan: Plan) -> None:
        cv2.setNumThreads(1)
        keep_buffers()
        self.plan, self.seed = plan, seed
        self.camera, self.base_from_camera = camera_of(city), mounting_of(city)
        self.lens = Lens(self.camera)
        self.scene, sky = build_city(city, condition, seed, plan)
        self.renderer = Renderer(self.lens.width, self.lens.height, self.lens.focal_px)
        for name, texture in self.scene.textures.items():
            self.renderer.texture(name, texture.image, texture.mode, texture.repeat)
        self._tiles = {
            key: self.renderer.object(mesh.arrays()) for key, mesh in self.scene.tiles.items()
        }
        self._side_streets = [
            (s, self.renderer.object(mesh.arrays())) for s, mesh in self.scene.side_streets
        ]
        assert sky is not None
        self.renderer.background(self.renderer.object(sky.arrays()))
        self._movers = [
            (self.renderer.object(m.mesh.arrays()), m.world_from_object) for m in self.scene.movers
        ]
        self._signals: list[list[Any]] = [
            [self.renderer.object(g.mesh.arrays()), g, "red"] for g in self.scene.signals
        ]
        lamps = np.array(self.scene.lamps).reshape(-1, 3)
        self.film = Film(city, self.scene.weather, seed, self.lens, self.base_from_camera, lamps)

    def picture(
        self, t: float, map_from_base: Transform, with_depth: bool = False
    ) -> tuple[npt.NDArray[np.uint8], Depth | None]:
        """The camera's picture (720, 1280, 3) BGR at a time, and depth (720, 1280) if asked for.

        Depth is metres along the optical axis, +inf in the sky.
        """
        s = self.plan.station(t)
        for key, node in self._tiles.items():
            middle = (key + 0.5) * TILE_M
            self.renderer.show(node, -BEHIND_M - TILE_M / 2 < middle - s < AHEAD_M)
        for at, node in self._side_streets:
            self.renderer.show(node, -BEHIND_M < at - s < SIDE_STREET_M)
        for node, where in self._movers:
            frame = where(t)
            near = float(np.linalg.norm(frame[:3, 3] - map_from_base.translation)) < 250.0
            self.renderer.show(node, near)
            if near:
                self.renderer.place(node, frame)
        for entry in self._signals:
            state = entry[1].state(t)
            if state != entry[2]:
                self.renderer.retexture(entry[0], entry[1].texture_of[state])
                entry[2] = state
        colour, z = self.renderer.render(map_from_base @ self.base_from_camera)
        image = self.film.expose(
            colour, z, self.renderer.depth, map_from_base, self._motion(t, map_from_base)
        )
        if not with_depth:
            return image, None
        return image, self.lens.nearest(self.renderer.depth(z))

    def _motion(self, t: float, map_from_base: Transform) -> Transform | None:
        """How the camera moves in a quarter of the exposure; None if that is too short to see."""
        shutter = self.scene.weather.shutter_s
        if shutter <= 0:
            return None
        later = self.plan.pose(t + shutter / 4.0) @ self.base_from_camera
        step = self.plan.pose(t).inverse() @ map_from_base  # the caller may look from elsewhere
        return (
            later @ self.base_from_camera.inverse() @ step @ self.base_from_camera
        ).inverse() @ (map_from_base @ self.base_from_camera)

    def close(self) -> None:
        """Free the renderer."""
        self.renderer.close()
