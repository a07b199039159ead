"""Index images from map, pose and camera: which pixel is road, sign, signal, marking, sky, ..."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.area_settings import (
    BUILDING,
    MARKING,
    OTHER,
    ROAD,
    SIDEWALK,
    SIGN,
    SIGNAL,
    SKY,
    AreaSettings,
)
from dalearn_ros.labels.corridor import leaving_distance
from dalearn_ros.labels.outlines import project_outlines
from dalearn_ros.labels.sky import grow_sky, sharp_border
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.maps.surfaces import Surfaces

Array = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]
Depth = npt.NDArray[np.float32]
STEP_PX = 4  # sky, buildings and ground are told apart for so many pixels at once
NEAR_M = 0.3
DENSE = 0.9  # share of the ground with a measurement, from which on none above it means sky


class AreaIndexer:
    """Makes index images of one map; its labels are the places in ``AREAS``.

    Lanes are drawn as they lie. Beside them the ground goes on to ``beside_m``, where something
    stands. Sky is what joins the part over ``open_m`` without an edge in the image; without an
    image, or if nothing is that high, all over ``height_m``. A depth image says both better.
    Landmarks are drawn over all that. Vehicles on the road count as road without depth.

    Args:
        surfaces: Lanes of the map, or the strip about a driven path.
        label_space: Classes of the labels; None takes the shipped ones.
        settings: What is assumed.
    """

    def __init__(
        self,
        surfaces: Surfaces,
        label_space: LabelSpace | None = None,
        settings: AreaSettings | None = None,
    ) -> None:
        self.surfaces, self.settings = surfaces, settings or AreaSettings()
        space = label_space or LabelSpace.load()
        self._area_of = np.array([OTHER] + [_area_of(space, i) for i in range(1, len(space))])
        self._rays: dict[bytes, Array] = {}

    def index(
        self,
        labels: Labels,
        camera: Camera,
        map_from_camera: Transform,
        depth_m: Depth | None = None,
        image: Image | None = None,
    ) -> Image:
        """The index image of one frame.

        Args:
            labels: Landmarks in the image, those with `ignore` too.
            camera: Of the raw image.
            map_from_camera: Pose of the optical frame.
            depth_m: (H, W) along the optical axis, or None.
            image: (H, W, 3) uint8 BGR, or None.

        Returns:
            (H, W) uint8.
        """
        eye = map_from_camera.translation
        road, beside = self._near(eye)
        below = float(road[..., 2].mean(axis=1)[_nearest(road, eye)]) if len(road) else 0.0
        if self.surfaces.flat or not len(road):
            below = float(eye[2]) - self.settings.camera_height_m
            road, beside = (np.concatenate([q[..., :2], np.full_like(q[..., :1], below)], axis=-1)
                            for q in (road, beside))  # fmt: skip
        rays = self._rays_of(camera) @ map_from_camera.rotation.T
        leave = leaving_distance(road, eye, self.settings.beside_m, self.settings.reach_m)
        index = self._background(rays, leave, below - float(eye[2]), camera, image)
        for pieces, area in ((beside, SIDEWALK), (road, ROAD)):
            self._draw(index, pieces[_before(pieces, eye, leave)], area, camera, map_from_camera)
        if depth_m is not None:
            heights = _heights(depth_m, camera, self._rays_of(camera), map_from_camera, road, below)
            self._by_depth(index, depth_m, heights, rays, camera)
        self.draw_landmarks(index, labels)
        return index

    def _near(self, eye: Array) -> tuple[Array, Array]:
        found = []
        for pieces in (self.surfaces.road_m, self.surfaces.beside_m):
            away = np.linalg.norm(pieces[:, 0, :2] - eye[:2], axis=1)
            found.append(pieces[away < self.settings.reach_m])
        return found[0], found[1]

    def _rays_of(self, camera: Camera) -> Array:
        """(h, w, 3) rays with z = 1 of every STEP_PX-th pixel, optical frame; kept."""
        key = camera.matrix.tobytes() + camera.distortion.tobytes() + camera.model.encode()
        key += bytes(f"{camera.width}x{camera.height}", "ascii")
        if key not in self._rays:
            u = np.arange(0, camera.width, STEP_PX) + (STEP_PX - 1) / 2
            v = np.arange(0, camera.height, STEP_PX) + (STEP_PX - 1) / 2
            pixels = np.stack(np.meshgrid(u, v), axis=-1)
            self._rays[key] = camera.unproject(pixels.reshape(-1, 2)).reshape(*pixels.shape[:2], 3)
        return self._rays[key]

    def _background(
        self, rays: Array, leave: Array, below: float, camera: Camera, image: Image | None
    ) -> Image:
        """Ground, what stands and sky (H, W) by the slope of each ray (h, w, 3), map frame."""
        slope = rays[..., 2] / np.maximum(np.hypot(rays[..., 0], rays[..., 1]), 1e-9)
        turn = np.arctan2(rays[..., 1], rays[..., 0]) / (2.0 * np.pi)
        finite = np.isfinite(slope)
        bins = np.where(finite, turn % 1.0 * len(leave), 0).astype(np.int64) % len(leave)
        away = leave[bins]
        coarse = np.full(slope.shape, BUILDING, np.uint8)
        sky = slope > (below + self.settings.height_m) / away
        grown = None
        if image is not None and self.settings.sky_step > 0.0:
            small = np.asarray(
                cv2.resize(image, slope.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8
            )
            sure = slope > (below + self.settings.open_m) / away
            grown = grow_sky(small, sure, slope > 0.0, self.settings.sky_step)
        coarse[sky if grown is None else grown] = SKY
        coarse[slope < below / away] = SIDEWALK
        coarse[~finite] = OTHER
        index = _enlarged(coarse, camera)
        if grown is not None and image is not None:
            border, inside = sharp_border(image, small, grown, slope > 0.0)
            index[border & inside] = SKY
        return index

    def _draw(
        self, index: Image, pieces: Array, area: int, camera: Camera, map_from_camera: Transform
    ) -> None:
        if not len(pieces):
            return
        local = map_from_camera.inverse().apply(pieces.reshape(-1, 3))
        starts = np.arange(len(pieces) + 1, dtype=np.int64) * 4
        _, polygons = project_outlines(camera, Ragged(local, starts), NEAR_M)
        _fill(index, polygons, area)

    def _by_depth(
        self, index: Image, depth_m: Depth, heights: Array, rays: Array, camera: Camera
    ) -> None:
        """What stands by its height over the ground (h, w), NaN where nothing was measured."""
        measured, down = np.isfinite(heights), rays[..., 2] < -0.05
        stands = measured & (heights > self.settings.stands_m)
        ground = _enlarged((measured & ~stands).astype(np.uint8), camera) == 1
        index[_enlarged(stands.astype(np.uint8), camera) == 1] = BUILDING
        index[np.isin(index, (BUILDING, SKY)) & ground] = SIDEWALK
        if down.any() and measured[down].mean() > DENSE:  # then what is not measured is far away
            seen = np.isfinite(depth_m) & (depth_m > 0.0)
            index[seen & (index == SKY)] = BUILDING
            index[~seen & (_enlarged((rays[..., 2] > 0.0).astype(np.uint8), camera) == 1)] = SKY

    def draw_landmarks(self, index: Image, labels: Labels) -> None:
        """Markings first, then what stands, the farthest first."""
        areas = self._area_of[labels.class_id]
        hidden = labels.visible < self.settings.min_visible  # NaN is not hidden
        order = np.lexsort([-np.nan_to_num(labels.range_m, nan=1e9), areas != MARKING])
        for row in order[~hidden[order]].tolist():
            _fill(index, labels.outlines_px.select(np.array([row])), int(areas[row]))


def _area_of(space: LabelSpace, class_id: int) -> int:
    if space.rule_of(class_id) == "lower_right":
        return MARKING
    name = space.names[class_id].lower()
    return SIGNAL if "signal" in name or "light" in name else SIGN


def _fill(index: Image, polygons: Ragged, area: int) -> None:
    for polygon in polygons:
        if len(polygon) >= 3 and np.isfinite(polygon).all():
            cv2.fillPoly(index, [np.rint(polygon * 16.0).astype(np.int32)], area, shift=4)


def _enlarged(coarse: Image, camera: Camera) -> Image:
    full = np.repeat(np.repeat(coarse, STEP_PX, axis=0), STEP_PX, axis=1)
    return np.ascontiguousarray(full[: camera.height, : camera.width])


def _nearest(pieces: Array, eye: Array) -> int:
    return int(np.argmin(np.linalg.norm(pieces[..., :2].mean(axis=1) - eye[:2], axis=1)))


def _before(pieces: Array, eye: Array, leave: Array) -> npt.NDArray[np.bool_]:
    """Which pieces (N, 4, 3) lie before what stands in their direction."""
    away = pieces[..., :2].mean(axis=1) - eye[:2]
    turn = np.arctan2(away[:, 1], away[:, 0]) / (2.0 * np.pi)
    bins = (turn % 1.0 * len(leave)).astype(np.int64) % len(leave)
    return np.asarray(np.hypot(away[:, 0], away[:, 1]) <= leave[bins] + 2.0, np.bool_)


def _heights(
    depth_m: Depth,
    camera: Camera,
    rays: Array,
    map_from_camera: Transform,
    road: Array,
    below: float,
) -> Array:
    """(h, w) height over the nearest lane's ground, NaN without a measurement."""
    half = STEP_PX // 2
    depth = depth_m[half::STEP_PX, half::STEP_PX].astype(np.float64)
    depth = np.pad(depth, [(0, rays.shape[i] - depth.shape[i]) for i in (0, 1)], mode="edge")
    depth[~(np.isfinite(depth) & (depth > 0.0))] = np.nan
    points = map_from_camera.apply((rays * depth[..., None]).reshape(-1, 3))
    ground = np.full(len(points), below)
    seen = np.isfinite(points).all(axis=1)
    if len(road):
        middles = road.mean(axis=1)
        _, rows = cKDTree(middles[:, :2]).query(points[seen, :2])
        ground[seen] = middles[rows, 2]
    return np.asarray((points[:, 2] - ground).reshape(depth.shape), np.float64)
