"""A second look at small landmarks: enlarged crops where the map says that there should be some.

The same network runs on a mosaic of windows of the image, enlarged about predicted places. The
places only say where to look: every observation comes from the network's own votes above its
thresholds, in the whole image or in a window.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.settings import field
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.depth import with_depth_ranges
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.preprocess import as_channels
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Observations

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Image = npt.NDArray[np.uint8]
COLUMNS = 4  # of the mosaic


@dataclass(frozen=True)
class ZoomSettings:
    """Where and how closely to look again."""

    scale: float = field(2.0, "Enlargement of a window.", minimum=1.0, maximum=8.0)
    width: int = field(192, "Width of a window.", unit="px", minimum=16, maximum=4096)
    height: int = field(128, "Height of a window.", unit="px", minimum=16, maximum=4096)
    windows: int = field(4, "At most so many windows of an image.", minimum=1, maximum=64)
    largest_px: float = field(
        32.0,
        "Places whose longer side is larger are seen well enough without.",
        unit="px",
        minimum=1.0,
        maximum=1000.0,
    )
    margin_px: float = field(
        32.0,
        "So far from a predicted place a landmark may be.",
        unit="px",
        minimum=0.0,
        maximum=1000.0,
    )


@dataclass(frozen=True)
class Windows:
    """Windows of an image and the places in them.

    Attributes:
        corner_px: (W, 2) left and top pixel of each window, whole numbers.
        region_px: (N, 4) places with their margin: left, top, right, bottom.
        owner: (N,) the window of each place.
    """

    corner_px: Ints
    region_px: Floats
    owner: Ints


class ZoomDetector:
    """A detector that looks at the whole image, and closer at given places."""

    def __init__(self, detector: LandmarkDetector, settings: ZoomSettings | None = None) -> None:
        self._detector = detector
        self.settings = settings or ZoomSettings()
        self.last_timing_ms: dict[str, float] = {}

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the model knows."""
        return self._detector.label_space

    @property
    def metadata(self) -> ModelMetadata:
        """Of the model."""
        return self._detector.metadata

    def detect(
        self,
        image_bgr: npt.NDArray[Any],
        stamp_ns: int = 0,
        boxes_px: npt.ArrayLike | None = None,
        camera: Camera | None = None,
    ) -> Observations:
        """Find the landmarks of an image.

        Args:
            image_bgr: As in :meth:`LandmarkDetector.detect`.
            stamp_ns: Stamp of the image, integer nanoseconds.
            boxes_px: (N, 4) left, top, right, bottom of where landmarks should be, from the map
                and the prior pose; rows that are not finite or outside are left out. None and
                nothing mean that only the whole image is looked at.
            camera: As in :meth:`LandmarkDetector.detect`.

        Returns:
            Observations in the pixels of the image as given, best first. What both looks see (the
            same class within the merging radius) is taken from the closer one. With depth the
            distances of all are those of the whole image's depth.

        Raises:
            InputError: The image is empty or of an unknown kind.
        """
        answer = self._detector.answer(image_bgr, stamp_ns, camera)
        whole = answer.observations
        self.last_timing_ms = dict(self._detector.last_timing_ms)
        size = (image_bgr.shape[1], image_bgr.shape[0])
        started = time.perf_counter()
        boxes = np.zeros((0, 4)) if boxes_px is None else np.asarray(boxes_px, np.float64)
        windows = choose_windows(boxes.reshape(-1, 4), size, self.settings)
        if not len(windows.corner_px):
            return whole
        image = as_channels(image_bgr, self.metadata.input.channels)
        mosaic, maps = make_mosaic(image, windows, self.settings)
        ready = time.perf_counter()
        seen = self._detector.detect(mosaic, stamp_ns)
        looked = time.perf_counter()
        closer, window = from_mosaic(seen, maps, windows, self.settings)
        if answer.depth is not None and camera is not None:
            closer = with_depth_ranges(closer, answer.depth, camera)
        radius = self.metadata.decoding.merge_radius_px
        found = together(whole, closer, window, radius, self.metadata.decoding.max_landmarks)
        spent = self._detector.last_timing_ms
        for stage, milliseconds in spent.items():
            self.last_timing_ms[stage] += milliseconds
        self.last_timing_ms["preprocess"] += (ready - started) * 1e3
        self.last_timing_ms["decode"] += (time.perf_counter() - looked) * 1e3
        return found


def boxes_of(outlines_px: Ragged) -> Floats:
    """(N, 4) left, top, right, bottom of outlines; NaN for an empty one."""
    boxes = np.full((len(outlines_px), 4), np.nan)
    for row in range(len(outlines_px)):
        outline = outlines_px[row]
        if len(outline):
            boxes[row] = [*outline.min(axis=0), *outline.max(axis=0)]
    return boxes


def choose_windows(boxes_px: Floats, size: tuple[int, int], settings: ZoomSettings) -> Windows:
    """Few windows that hold the small places; each step takes the one that holds the most.

    Args:
        boxes_px: (N, 4) left, top, right, bottom.
        size: (width, height) of the image.
        settings: Windows and margin. A place that does not fit into a window with its margin has
            the window about its centre.
    """
    window = np.array([settings.width, settings.height], np.float64)
    center = (boxes_px[:, :2] + boxes_px[:, 2:]) / 2.0
    side = (boxes_px[:, 2:] - boxes_px[:, :2]).max(axis=1, initial=-np.inf)
    inside = ((center > -0.5) & (center < np.array(size) - 0.5)).all(axis=1)
    kept = inside & (side <= settings.largest_px)  # NaN compares false
    half = (boxes_px[kept, 2:] - boxes_px[kept, :2]) / 2.0 + settings.margin_px
    half = np.minimum(half, window / 2.0 - 1.0)
    low, high = center[kept] - half, center[kept] + half
    low, high = np.maximum(low, 0.0), np.minimum(high, np.array(size) - 1.0)
    owner = np.full(len(low), -1, np.int64)
    corners: list[Ints] = []
    while len(corners) < settings.windows and (owner < 0).any():
        free = np.flatnonzero(owner < 0)
        starts = [_corner((low[i] + high[i]) / 2.0, window, size) for i in free]
        held = [_held(low[free], high[free], start, window) for start in starts]
        members = free[max(held, key=lambda mask: int(mask.sum()))]
        middle = (low[members].min(axis=0) + high[members].max(axis=0)) / 2.0
        owner[members] = len(corners)
        corners.append(_corner(middle, window, size))
    used = owner >= 0
    return Windows(
        np.array(corners, np.int64).reshape(-1, 2),
        np.hstack([low[used], high[used]]),
        owner[used],
    )


def make_mosaic(
    image: Image, windows: Windows, settings: ZoomSettings
) -> tuple[Image, list[PixelMap]]:
    """The windows enlarged and side by side, at most :data:`COLUMNS` in a row.

    Returns:
        The mosaic (H', W', C), and for each window the map from the image's pixels to its own.
    """
    width, height = _tile(settings)
    count = len(windows.corner_px)
    columns = min(count, COLUMNS)
    rows = -(-count // columns)
    mosaic = np.zeros((rows * height, columns * width, image.shape[2]), np.uint8)
    maps = []
    for index, (left, top) in enumerate(windows.corner_px.tolist()):
        row, column = divmod(index, columns)
        closer = PixelMap.resize(settings.scale) @ PixelMap.crop(left, top)
        place = np.s_[row * height : (row + 1) * height, column * width : (column + 1) * width]
        mosaic[place] = closer.warp(image, (width, height)).reshape(height, width, -1)
        maps.append(PixelMap.crop(-column * width, -row * height) @ closer)
    return mosaic, maps


def from_mosaic(
    seen: Observations, maps: list[PixelMap], windows: Windows, settings: ZoomSettings
) -> tuple[Observations, Ints]:
    """Observations of a mosaic in the pixels of the image.

    Only those in a place of their window stay. Enlarged by s, a landmark looks s times nearer:
    the distance is multiplied by s.

    Returns:
        The observations, best first, and the window of each.
    """
    width, height = _tile(settings)
    columns = min(len(maps), COLUMNS)
    tile = np.floor((seen.point_px + 0.5) / (width, height)).astype(np.int64)
    window = tile[:, 1] * columns + tile[:, 0]
    point, covariance = seen.point_px.copy(), seen.covariance_px2.copy()
    stays = np.zeros(len(seen), np.bool_)
    for index, closer in enumerate(maps):
        mine = window == index
        back = closer.inverse()
        point[mine] = back.apply(seen.point_px[mine])
        covariance[mine] = back.apply_covariance(seen.covariance_px2[mine])
        region = windows.region_px[windows.owner == index]
        near = (point[:, None] >= region[:, :2]) & (point[:, None] <= region[:, 2:])
        stays |= mine & near.all(axis=2).any(axis=1)
    moved = dataclasses.replace(
        seen,
        point_px=point,
        covariance_px2=covariance,
        range_m=seen.range_m * settings.scale,
        sigma_range_m=seen.sigma_range_m * settings.scale,
    )
    return moved.select(stays), window[stays]


def together(
    whole: Observations, closer: Observations, window: Ints, radius_px: float, most: int
) -> Observations:
    """Two looks at one image as one: what both see is taken from the closer one.

    Args:
        whole: Seen in the whole image.
        closer: Seen enlarged, in the pixels of the image.
        window: (N,) the window of each row of ``closer``; rows of different windows may be the
            same landmark, rows of one are not.
        radius_px: The same class within this distance is the same landmark.
        most: At most so many observations.

    Returns:
        Observations, best first.
    """
    columns: dict[str, Any] = {}
    for column in dataclasses.fields(whole):
        one, other = getattr(closer, column.name), getattr(whole, column.name)
        if isinstance(one, np.ndarray):
            columns[column.name] = np.concatenate([one, other])
    both = dataclasses.replace(whole, **columns)
    look = np.concatenate([window, np.full(len(whole), -1, np.int64)])
    kept: list[int] = []
    for row in range(len(both)):
        others = [k for k in kept if look[k] != look[row] and _same(both, k, row, radius_px)]
        if not others:
            kept.append(row)
    found = both.select(np.array(kept, np.int64))
    return found.select(np.argsort(-found.score, kind="stable")[:most])


def _same(seen: Observations, one: int, other: int, radius_px: float) -> bool:
    away = seen.point_px[one] - seen.point_px[other]
    return bool(seen.class_id[one] == seen.class_id[other] and away @ away <= radius_px**2)


def _tile(settings: ZoomSettings) -> tuple[int, int]:
    return round(settings.width * settings.scale), round(settings.height * settings.scale)


def _corner(center_px: Floats, window: Floats, size: tuple[int, int]) -> Ints:
    """Left and top of a window about a point, inside the image where that is large enough."""
    corner = np.round(center_px - (window - 1.0) / 2.0)
    return np.maximum(np.minimum(corner, np.array(size) - window), 0.0).astype(np.int64)


def _held(low: Floats, high: Floats, corner: Ints, window: Floats) -> npt.NDArray[np.bool_]:
    inside = (low >= corner - 0.5) & (high <= corner + window - 0.5)
    return np.asarray(inside.all(axis=1), np.bool_)
