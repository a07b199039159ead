"""What a camera may see of the ground plan, so that a map need not be searched beyond it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform

Array = npt.NDArray[np.float64]

BORDER_STEPS = 12  # points on each side of the image whose rays bound the view
WIDER = 1.02  # the pyramid is this much wider than those rays: the border curves between them
GRAZING = 0.1  # a ray with less forward than this (84 degrees off the axis) makes no pyramid


@dataclass(frozen=True)
class Frustum:
    """A camera's view up to a distance; make one a camera and use it for every frame.

    Attributes:
        camera: Intrinsics.
        far_m: Greatest distance of a reference point from the camera.
        margin_px: The image is taken as wider by this on all sides.
        corners: (4, 3) rays with z = 1, optical frame, of a pyramid around the view; (0, 3) if the
            view is no pyramid, as that of a fisheye lens near 180 degrees.
    """

    camera: Camera
    far_m: float
    margin_px: float
    corners: Array

    @classmethod
    def of(cls, camera: Camera, far_m: float, margin_px: float = 0.0) -> Frustum:
        """The view of a camera, its pyramid bounded by the rays of the image's border."""
        return cls(camera, far_m, margin_px, _pyramid(camera, margin_px))

    def plan(self, map_from_camera: Transform) -> Array:
        """(5, 2) metres, map frame: eye and far corners in plan, their hull holds the view.

        (0, 2) if the view is no pyramid.
        """
        if not len(self.corners):
            return np.zeros((0, 2))
        far = map_from_camera.apply(self.corners * self.far_m)[:, :2]
        return np.concatenate([map_from_camera.translation[None, :2], far])

    def project(self, points_m: Array, map_from_camera: Transform) -> tuple[Array, Array]:
        """Pixels (N, 2) of map points (N, 3), and which are seen (N,).

        Seen: in front of the camera, inside the field of its distortion, on the image or within
        ``margin_px`` of it, and no further than ``far_m``.
        """
        local = map_from_camera.inverse().apply(points_m)
        pixels, valid = self.camera.project(local)
        near = np.einsum("ij,ij->i", local, local) <= self.far_m**2
        return pixels, valid & near & self.camera.inside(pixels, self.margin_px)


def _pyramid(camera: Camera, margin_px: float) -> Array:
    """Rays (4, 3) through the corners of a pyramid that holds all rays of the border, or (0, 3)."""
    left, top = -0.5 - margin_px, -0.5 - margin_px
    right, bottom = camera.width - 0.5 + margin_px, camera.height - 0.5 + margin_px
    u = np.linspace(left, right, BORDER_STEPS + 1)
    v = np.linspace(top, bottom, BORDER_STEPS + 1)
    one = np.ones(BORDER_STEPS + 1)
    sides = [(u, top * one), (u, bottom * one), (left * one, v), (right * one, v)]
    border = np.concatenate([np.stack(side, axis=1) for side in sides])
    try:
        with np.errstate(all="ignore"):
            rays = camera.unproject(border)
            again, valid = camera.project(rays)
            good = valid & (np.abs(again - border).max(axis=1) < 0.5)
            good &= rays[:, 2] > GRAZING * np.linalg.norm(rays, axis=1)
    except np.linalg.LinAlgError:
        return np.zeros((0, 3))
    if not good.all():
        return np.zeros((0, 3))
    slopes = rays[:, :2] / rays[:, 2:]
    low, high = slopes.min(axis=0), slopes.max(axis=0)
    middle, half = (low + high) / 2.0, WIDER * (high - low) / 2.0
    (x0, y0), (x1, y1) = middle - half, middle + half
    return np.array([[x0, y0, 1.0], [x1, y0, 1.0], [x1, y1, 1.0], [x0, y1, 1.0]])
