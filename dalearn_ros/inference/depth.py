"""What a model with depth is told of a camera, and what becomes of its answer: image and ranges."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.location import CHANNELS, location_map
from dalearn_ros.coding.metadata import DepthMetadata
from dalearn_ros.coding.votes import RawOutputs
from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.landmarks.types import Observations

Array = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Size = tuple[int, int]
LARGEST_LOG_VARIANCE = 8.0  # a factor of e^4: nothing is known


@dataclass(frozen=True)
class DepthMap:
    """Depth of one image in cells.

    Attributes:
        log_depth: (h, w) logarithm of z along the optical axis in metres, at the centres of the
            cells that the image reaches into; NaN where the lens has no ray.
        log_variance: (h, w) logarithm of the variance of that.
        taught: Stride, and the least and the greatest depth that the model knows.
    """

    log_depth: Array
    log_variance: Array
    taught: DepthMetadata

    def at(self, points_px: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Depth and its uncertainty at places of the image, linear between cells in the logarithm.

        Args:
            points_px: (N, 2) pixels of the image; beyond the outermost centres those count.

        Returns:
            (N,) z along the optical axis in metres, NaN outside of what was taught and where there
            is no ray; (N,) standard deviation of its logarithm.
        """
        points = np.asarray(points_px, np.float64).reshape(-1, 2)
        log_depth = self._between(self.log_depth, points)
        log_variance = self._between(self.log_variance, points)
        depth_m = np.exp(np.minimum(log_depth, 20.0))
        known = (depth_m > self.taught.least_m) & (depth_m < self.taught.greatest_m)
        sigma = np.exp(0.5 * np.minimum(log_variance, LARGEST_LOG_VARIANCE))
        return np.where(known, depth_m, np.nan), sigma

    def image(self, size: Size, out: Array | None = None) -> Array:
        """The depth image (REP 118): metres along the optical axis.

        Args:
            size: (width, height) of the image as received.
            out: (height, width) to write to; None: a new one.

        Returns:
            (height, width) float32; -Inf nearer and +Inf further than what was taught, NaN where
            the lens has no ray (REP 117).
        """
        width, height = size
        stride = self.taught.stride
        rows, columns = (stride * cells for cells in self.log_depth.shape)
        if out is None:
            out = np.empty((height, width), np.float32)
        fine = out if (rows, columns) == out.shape else np.empty((rows, columns), np.float32)
        cv2.resize(self.log_depth, (columns, rows), dst=fine, interpolation=cv2.INTER_LINEAR)
        np.exp(fine[:height, :width], out=out)
        out[out >= self.taught.greatest_m] = np.inf
        out[out <= self.taught.least_m] = -np.inf
        return out

    def _between(self, cells: Array, points_px: Floats) -> Floats:
        """(N,) values between the centres of cells, which lie at (i + 0.5)*stride - 0.5."""
        last = np.array(cells.shape[::-1]) - 1
        place = np.clip((points_px + 0.5) / self.taught.stride - 0.5, 0, last)
        place = np.nan_to_num(place)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, last)
        right, down = (place - low).T
        (u0, v0), (u1, v1) = low.T, high.T
        values = cells.astype(np.float64)
        above = values[v0, u0] * (1.0 - right) + values[v0, u1] * right
        below = values[v1, u0] * (1.0 - right) + values[v1, u1] * right
        found: Floats = above * (1.0 - down) + below * down
        return found


class Locations:
    """The location channels of cameras, computed once for each calibration.

    Args:
        taught: Of the model.
    """

    KEPT = 32  # calibrations that were not used for longest are forgotten

    def __init__(self, taught: DepthMetadata) -> None:
        self._taught = taught
        self._known: dict[object, tuple[Array, Bools | None]] = {}

    def of(self, camera: Camera, size: Size) -> tuple[Array, Bools | None]:
        """What the model is told of a camera.

        Args:
            camera: Of the image as received.
            size: (width, height) of the network's input, padding included.

        Returns:
            (CHANNELS, h, w) location channels; and (h, w) which cells have a ray, None if all.
        """
        distortion, matrix = camera.distortion.tobytes(), camera.matrix.tobytes()
        key = (camera.model, camera.width, camera.height, matrix, distortion, size)
        found = self._known.pop(key, None)
        if found is None:
            channels = location_map(camera, self._taught.stride, size)
            found = channels, _rays(camera, self._taught.stride, channels.shape[1:])
            while len(self._known) >= self.KEPT:
                del self._known[next(iter(self._known))]
        self._known[key] = found  # the newest last
        return found

    def batch(self, cameras: Sequence[Camera | None], size: Size) -> Array | None:
        """Location channels of images that go through the network together.

        Args:
            cameras: Of each image; None where it is not known.
            size: (width, height) of the network's input.

        Returns:
            (N, CHANNELS, h, w), zeros where there is no camera; None if there is none at all.
        """
        if all(camera is None for camera in cameras):
            return None
        columns, rows = (side // self._taught.stride for side in size)
        channels = np.zeros((len(cameras), CHANNELS, rows, columns), np.float32)
        for row, camera in enumerate(cameras):
            if camera is not None:
                channels[row] = self.of(camera, size)[0]
        return channels

    def depth_map(self, outputs: RawOutputs, camera: Camera, size: Size) -> DepthMap | None:
        """The depth that a model with depth answered.

        Args:
            outputs: Of one image.
            camera: Of that image; it says how far the image reaches, and which cells have a ray.
            size: (width, height) of the network's input.

        Returns:
            None if the outputs have no depth.
        """
        if outputs.log_depth is None or outputs.log_depth_variance is None:
            return None
        stride = self._taught.stride
        inside = np.s_[: -(-camera.height // stride), : -(-camera.width // stride)]
        log_depth, log_variance = outputs.log_depth[inside], outputs.log_depth_variance[inside]
        _, rays = self.of(camera, size)
        if rays is not None:
            log_depth = np.where(rays[inside], log_depth, np.float32(np.nan))
        return DepthMap(log_depth, log_variance, self._taught)


def check_camera(camera: Camera, size: Size) -> None:
    """Raise InputError if a calibration belongs to images of another size (width, height)."""
    if (camera.width, camera.height) != size:
        expected = f"a calibration of {size[0]}x{size[1]} pixels, as the image has"
        found = f"one of {camera.width}x{camera.height}"
        raise InputError.at(f"camera '{camera.name}'", "size", expected, found)


def with_depth_ranges(seen: Observations, depth: DepthMap, camera: Camera) -> Observations:
    """Observations with the distances of the depth map and of the detector's distance head.

    Each is weighted by the inverse of the variance of its logarithm, as independent measurements
    are. The head knows pixels alone, so its distances are first brought from the focal length it
    learnt with to the camera's; where that is not known the depth counts alone. Where only one of
    the two is known (nearer or further than what was taught, no ray), it stays alone.

    Args:
        seen: In the pixels of the image; ranges of the distance head.
        depth: Of the same image; taken along the viewing rays.
        camera: Its calibration.
    """
    if not len(seen):
        return seen
    depth_m, sigma_log = depth.at(seen.point_px)
    of_depth = depth_m * np.linalg.norm(camera.unproject(seen.point_px), axis=1)
    taught = depth.taught.focal_px
    of_head = seen.range_m * (camera.focal_px / taught if taught else 1.0)
    logs = np.log(np.stack([of_head, of_depth]))
    with np.errstate(divide="ignore"):
        weights = np.stack([(seen.sigma_range_m / seen.range_m) ** -2.0, sigma_log**-2.0])
    weights = np.where(np.isfinite(logs) & np.isfinite(weights), weights, 0.0)
    if not taught:
        weights[0] = np.where(weights[1] > 0.0, 0.0, weights[0])
    total = weights.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        range_m = np.exp((weights * np.nan_to_num(logs)).sum(axis=0) / total)
        sigma_range_m = range_m / np.sqrt(total)
    known = total > 0.0
    return dataclasses.replace(
        seen,
        range_m=np.where(known, range_m, seen.range_m),
        sigma_range_m=np.where(known, sigma_range_m, seen.sigma_range_m),
    )


def _rays(camera: Camera, stride: int, cells: tuple[int, ...]) -> Bools | None:
    """(h, w) which cells' centres have a viewing ray; None if all have."""
    rows, columns = cells
    u, v = ((np.arange(count) + 0.5) * stride - 0.5 for count in (columns, rows))
    pixels = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    found = np.isfinite(camera.unproject(pixels)).all(axis=1).reshape(rows, columns)
    return None if found.all() else found
