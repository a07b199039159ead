"""Where a place of an image looks, and at what scale: what a depth model gets beside the pixels.

A pixel index means another direction in every camera, crop and size, and the same object has
another size in pixels under another focal length. So a model that says metres is told, for each
place, the angles of its viewing ray and the focal length in pixels. Teacher and student, learning
and vehicle get them from this module only; a checkpoint and a model file record :data:`LOCATION`.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.geometry.camera import Camera

Floats = npt.NDArray[np.float64]

LOCATION = "ray-angles-log-focal-1"  # a change of the numbers below is another name
CHANNELS = 3
REFERENCE_FOCAL_PX = 700.0  # the third channel is zero at this focal length


def ray_angles(camera: Camera, pixels: npt.ArrayLike) -> Floats:
    """Angles of viewing rays off the optical axis.

    Args:
        camera: Any lens.
        pixels: (..., 2) places of the image as received, distorted; they may lie outside of it.

    Returns:
        (..., 2) radians: atan(x / z), to the right, and atan(y / z), down, of the ray in the
        optical frame. Where the lens has no ray (outside of its field, as in padding), those of a
        pinhole with the same matrix; always finite.
    """
    uv = np.asarray(pixels, dtype=np.float64)
    flat = uv.reshape(-1, 2)
    rays = camera.unproject(flat)[:, :2]
    lost = ~np.isfinite(rays).all(axis=1)
    if lost.any():
        rays[lost] = camera.rectified().unproject(flat[lost])[:, :2]
    return np.arctan(rays).reshape(uv.shape)


def log_focal(camera: Camera, scale: float = 1.0) -> float:
    """The logarithm of the focal length in pixels over :data:`REFERENCE_FOCAL_PX`.

    Args:
        camera: Its focal length is the geometric mean of fx and fy.
        scale: Pixels of the image in hand for one pixel of the camera's image.
    """
    return math.log(camera.focal_px * scale / REFERENCE_FOCAL_PX)


def scale_of(mapping: PixelMap) -> float:
    """How many pixels a map makes of one: the root of its change of area."""
    return math.sqrt(abs(float(np.linalg.det(mapping.matrix[:, :2]))))


def location_at(camera: Camera, pixels: npt.ArrayLike, scale: float = 1.0) -> Floats:
    """The location of places.

    Args:
        camera: Any lens.
        pixels: (..., 2) places of the image as received, pixels (u, v).
        scale: Pixels of the image in hand for one of the image as received.

    Returns:
        (..., :data:`CHANNELS`): the :func:`ray_angles` and the :func:`log_focal`.
    """
    angles = ray_angles(camera, pixels)
    focal = np.full((*angles.shape[:-1], 1), log_focal(camera, scale))
    return np.concatenate([angles, focal], axis=-1)


def location_map(
    camera: Camera, stride: int, size: tuple[int, int], mapping: PixelMap | None = None
) -> npt.NDArray[np.float32]:
    """The location of every output cell of a network.

    The centre of cell (row, column) is the pixel (column·s + (s - 1)/2, row·s + (s - 1)/2) of the
    network's input (as :class:`dalearn_ros.coding.grid.Grid` has it), taken back to the image as
    received: so crops, resizes, turns and mirrors keep the meaning of the angles.

    Args:
        camera: Of the image as received.
        stride: Pixels of the input for one cell.
        size: (width, height) of the network's input with its padding, multiples of ``stride``.
        mapping: From the image as received to the input; None: the input is that image, padded at
            the right and at the bottom.

    Returns:
        (:data:`CHANNELS`, rows, columns) float32.
    """
    columns, rows = size[0] // stride, size[1] // stride
    centres = (np.arange(max(columns, rows)) + 0.5) * stride - 0.5
    pixels = np.stack(np.meshgrid(centres[:columns], centres[:rows]), axis=-1)
    scale = 1.0
    if mapping is not None:
        pixels, scale = mapping.inverse().apply(pixels), scale_of(mapping)
    cells = location_at(camera, pixels, scale)
    return np.ascontiguousarray(cells.transpose(2, 0, 1), dtype=np.float32)
