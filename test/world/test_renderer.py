"""The picture agrees with the calibration: a drawn quad lies where the camera projects it."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world.camera import camera_of
from dalearn_ros.world.lens import Lens
from dalearn_ros.world.materials import DIFFUSE, with_code
from dalearn_ros.world.mesh import Light, Mesh
from dalearn_ros.world.renderer import Renderer
from dalearn_ros.world.style import CITIES

pytest.importorskip("panda3d")
DARK = Light(np.array([0.0, 0.0, 1.0]), np.zeros(3), np.ones(3))


def _quad(centre: np.ndarray, size: float) -> np.ndarray:
    half = size / 2
    offsets = np.array([[-half, half, 0], [half, half, 0], [half, -half, 0], [-half, -half, 0]])
    return centre + offsets  # optical frame: y down, so the first is bottom-left


def _centroid(mask: np.ndarray) -> np.ndarray:
    weight = mask.astype(np.float64)
    v, u = np.mgrid[: mask.shape[0], : mask.shape[1]]
    return np.array([(u * weight).sum(), (v * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("city", list(CITIES))
def test_a_drawn_quad_lies_on_its_projection(city: str) -> None:
    camera = camera_of(CITIES[city])
    lens = Lens(camera)
    renderer = Renderer(lens.width, lens.height, lens.focal_px)
    renderer.texture("flat", with_code(np.full((4, 4, 3), 255.0), DIFFUSE))
    rng = np.random.default_rng(1)
    errors, depths = [], []
    try:
        for _ in range(16):
            pixel = rng.uniform([40, 40], [1240, 680])
            z = rng.uniform(6.0, 60.0)
            centre = camera.unproject(pixel[None])[0] * z
            corners = _quad(centre, 0.02 * z + 0.3)
            mesh = Mesh(DARK)
            mesh.add("flat", corners[None], lit=False)
            node = renderer.object(mesh.arrays())
            colour, zbuffer = renderer.render(Transform.identity())
            image = lens.colour(colour)
            depth = lens.nearest(renderer.depth(zbuffer))
            mask = np.clip((image[..., 1].astype(float) - 128) / 127.0, 0, 1)
            grid = np.linspace(-0.5, 0.5, 41)
            a, b = np.meshgrid((grid[1:] + grid[:-1]) / 2, (grid[1:] + grid[:-1]) / 2)
            side = 0.02 * z + 0.3
            inside = centre + np.stack([a.ravel() * side, b.ravel() * side, 0 * a.ravel()], 1)
            pixels, _ = camera.project(inside)
            jacobian = np.abs(np.linalg.det(camera.project_jacobian(inside)[:, :, :2]))
            expected = (pixels * jacobian[:, None]).sum(0) / jacobian.sum()
            errors.append(_centroid(mask) - expected)
            u, v = np.round(expected).astype(int)
            depths.append(depth[v, u] / z - 1.0)
            node.removeNode()
    finally:
        renderer.close()
    error = np.array(errors)
    assert np.abs(error.mean(axis=0)).max() < 0.1, error.mean(axis=0)
    assert np.abs(error).max() < 0.7, np.abs(error).max()
    assert np.abs(depths).max() < 0.005
