"""sensor_msgs/CameraInfo to :class:`Camera`: raw or rectified, with region of interest and binning.

K, D and P of a CameraInfo belong to the full resolution at which the camera was calibrated, its
``width`` and ``height``. A region of interest (in pixels of the full resolution) and then binning
make the image of it: u_image = (u_full - x_offset + 0.5) / binning_x - 0.5. Binning is taken as the
message's definition says, as the mean of neighbouring pixels; so the centre of the new pixel lies
between theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform

ROTATION_TOLERANCE = 1e-3


def is_rectified(image_topic: str) -> bool:
    """Whether an image topic's name says that its images are rectified: ``image_rect*``.

    As image_proc names them: ``/camera/image_rect``, ``/camera/image_rect_color/compressed``.
    """
    return image_topic.removesuffix("/compressed").rsplit("/", 1)[-1].startswith("image_rect")


def camera_from_info(info: Any, rectified: bool = False) -> Camera:
    """The camera of the images that belong to a CameraInfo.

    Args:
        info: A sensor_msgs/CameraInfo, from rclpy or from a bag.
        rectified: The images are rectified: P, no distortion. Else they are raw: K and D.

    Returns:
        The camera; its name is the frame of the header without leading slashes. Axes and
        centre of a rectified one are those that :func:`rectified_from_optical` gives.

    Raises:
        InputError: Not calibrated, a model that is not supported, D of another length, or a region
            of interest that does not lie in the image.
    """
    name = str(info.header.frame_id).lstrip("/")
    if rectified:
        matrix = np.asarray(info.p, dtype=np.float64).reshape(3, 4)[:, :3]
        if not matrix.any():
            hint = "Use the raw images, or record the CameraInfo of a calibrated camera."
            where = f"camera '{name}'"
            raise InputError.at(where, "P", "the projection of rectified images", "zeros", hint)
        full = Camera(int(info.width), int(info.height), matrix, name=name)
    else:
        size = int(info.width), int(info.height)
        matrix = np.asarray(info.k, dtype=np.float64).reshape(3, 3)
        distortion = np.asarray(info.d, dtype=np.float64)
        full = Camera(*size, matrix, distortion, str(info.distortion_model), name)
    return _binned(_cut(full, info), info)


def rectified_from_optical(info: Any) -> Transform:
    """The camera of rectified images, its axes and its centre, from the frame of the header.

    R turns the axes; zeros or no rotation at all count as identity: a driver that does not set R.
    P's fourth column [Tx Ty 0] says that P belongs to a camera whose centre lies at
    (-Tx/fx, -Ty/fy, 0) in the turned frame: of a stereo pair both CameraInfo name the left camera's
    frame, and the right one has Tx = -fx * baseline (sensor_msgs/CameraInfo).

    Raises:
        InputError: The fourth column of P is not finite.
    """
    rotation = np.asarray(info.r, dtype=np.float64).reshape(3, 3)
    off = np.abs(rotation @ rotation.T - np.eye(3)).max()
    if not off < ROTATION_TOLERANCE:  # NaN too
        rotation = np.eye(3)
    projection = np.asarray(info.p, dtype=np.float64).reshape(3, 4)
    if not np.isfinite(projection[:, 3]).all():
        where, found = f"camera '{info.header.frame_id}'", str(projection[:, 3].tolist())
        hint = "Use the raw images, or record the CameraInfo of a calibrated camera."
        raise InputError.at(where, "P", "a finite fourth column", found, hint)
    focal = projection[[0, 1], [0, 1]]
    shift = projection[:2, 3] / np.where(focal > 0.0, focal, np.inf)
    return Transform(rotation, np.append(shift, 0.0))


def _cut(camera: Camera, info: Any) -> Camera:
    """The camera of the region of interest; one of size 0 means the whole image."""
    roi = info.roi
    left, top, width, height = (int(v) for v in (roi.x_offset, roi.y_offset, roi.width, roi.height))
    if width == 0 and height == 0 and left == 0 and top == 0:
        return camera
    width, height = width or camera.width - left, height or camera.height - top
    fits = left + width <= camera.width and top + height <= camera.height
    if not (fits and width > 0 and height > 0):
        expected = f"a region inside {camera.width}x{camera.height} pixels"
        found = f"{width}x{height} at ({left}, {top})"
        hint = "It counts in pixels of the full resolution, before binning."
        raise InputError.at(f"camera '{camera.name}'", "roi", expected, found, hint)
    matrix = camera.matrix.copy()
    matrix[:2, 2] -= (left, top)
    return _same_lens(camera, matrix, (width, height))


def _binned(camera: Camera, info: Any) -> Camera:
    """The camera of images whose neighbouring pixels are combined; 0 means 1."""
    bins = np.array([max(1, int(info.binning_x)), max(1, int(info.binning_y))])
    if (bins == 1).all():
        return camera
    size = camera.width // int(bins[0]), camera.height // int(bins[1])
    if min(size) < 1:
        expected = f"at most {camera.width}x{camera.height}"
        hint = "Binning counts how many pixels are combined into one."
        found = f"{bins[0]}x{bins[1]}"
        raise InputError.at(f"camera '{camera.name}'", "binning", expected, found, hint)
    matrix = camera.matrix.copy()
    matrix[:2] /= bins[:, None]
    matrix[:2, 2] += 0.5 / bins - 0.5
    return _same_lens(camera, matrix, size)


def _same_lens(camera: Camera, matrix: npt.NDArray[np.float64], size: tuple[int, int]) -> Camera:
    return Camera(*size, matrix, camera.distortion, camera.model, camera.name)
