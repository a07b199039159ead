"""Landmarks of the map projected into a frame: class, point, outline, visibility (D2 to D4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import PoseError
from dalearn_ros.core.settings import field
from dalearn_ros.labels.polygons import (
    clip_halfspace,
    clip_to_image,
    inner_samples,
    longer_side,
    subdivide,
)
from dalearn_ros.labels.uncertainty import pixel_covariance
from dalearn_ros.labels.visibility import hidden_by_depth, hidden_by_faces
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Frame, Labels, LandmarkMap
from dalearn_ros.maps.index import IndexedMap, indexed

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
EDGE_PIECES = 4  # straight edges bend under distortion


@dataclass(frozen=True)
class LabelSettings:
    """What counts as a label, what is kept as `ignore`, and what is dropped."""

    min_side_px: float = field(
        12.0, "Truth whose longer side is smaller is ignored.", unit="px", minimum=0.0
    )
    drop_side_px: float = field(
        4.0, "Truth whose longer side is smaller is dropped.", unit="px", minimum=0.0
    )
    min_visible: float = field(
        0.5, "Truth of which less is seen is ignored.", minimum=0.0, maximum=1.0
    )
    drop_visible: float = field(
        0.05, "Truth of which less is seen is dropped.", minimum=0.0, maximum=1.0
    )
    range_factor: float = field(
        1.5, "Truth beyond its class's range is ignored, beyond this many times it dropped.",
        minimum=1.0, maximum=10.0,
    )  # fmt: skip
    max_facing_deg: float = field(
        80.0, "Signs and signals turned away by more are dropped.", unit="deg", minimum=0.0,
        maximum=180.0,
    )  # fmt: skip
    max_direction_deg: float = field(
        60.0, "Markings whose driving direction differs from the camera's by more are ignored.",
        unit="deg", minimum=0.0, maximum=180.0,
    )  # fmt: skip
    near_m: float = field(
        0.2, "What is nearer to the camera's plane is cut off.", unit="m", minimum=0.06
    )
    depth_tolerance_m: float = field(
        0.4, "Slack before a depth image hides something.", unit="m", minimum=0.0
    )
    depth_tolerance_share: float = field(
        0.02, "The same, as a share of the depth.", minimum=0.0, maximum=1.0
    )


@dataclass(frozen=True)
class FrameLabels:
    """Labels of one frame and what became of the other landmarks near it.

    Attributes:
        labels: One row a landmark, `ignore` included.
        dropped: Reason → number of landmarks: ``range``, ``outside_image``, ``facing_away``,
            ``too_small``, ``hidden``, ``other_direction``.
        ignored: Reason → number of labels with `ignore`: ``range``, ``small``, ``visible``,
            ``direction``, ``point_outside``; a label may have several.
    """

    labels: Labels
    dropped: Counter[str]
    ignored: Counter[str]


def project_labels(
    landmarks: LandmarkMap, frame: Frame, settings: LabelSettings | None = None
) -> Labels:
    """Labels of one frame; for many frames make one :class:`Labeller` and keep it.

    Raises:
        PoseError: The frame has no pose.
    """
    return Labeller(landmarks, settings).label(frame).labels


class Labeller:
    """Labels frames with the landmarks of one map.

    Args:
        landmarks: The map.
        settings: What counts; None takes the defaults.
        label_space: Names, rules and ranges of the classes.
    """

    def __init__(
        self,
        landmarks: LandmarkMap,
        settings: LabelSettings | None = None,
        label_space: LabelSpace | None = None,
    ) -> None:
        self.map: IndexedMap = indexed(landmarks)
        self.settings = settings or LabelSettings()
        self.label_space = label_space or LabelSpace.load()
        self._range_m = np.array(self.label_space.range_m)
        self._samples: dict[int, Array] = {}

    def label(self, frame: Frame) -> FrameLabels:
        """Labels of a frame (its image is not looked at).

        Raises:
            PoseError: The frame has no pose.
        """
        if frame.pose is None:
            raise PoseError(f"frame {frame.name}: has no pose, so nothing can be projected.")
        return _FrameProjection(self, frame).run()

    def samples_of(self, row: int) -> Array:
        """Points (s, 3) inside a landmark's outline, map frame; kept for the next frame."""
        if row not in self._samples:
            self._samples[row] = inner_samples(self.map.outlines_m[row])
        return self._samples[row]


class _FrameProjection:
    """The steps for one frame; `rows` are the landmarks still in question."""

    def __init__(self, labeller: Labeller, frame: Frame) -> None:
        self.map, self.settings, self.labeller = labeller.map, labeller.settings, labeller
        self.frame, self.camera = frame, frame.camera
        self.camera_from_map = frame.camera_from_map
        self.eye_m = self.camera_from_map.inverse().translation
        self.dropped: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()

    def run(self) -> FrameLabels:
        rows, faces = self._in_view()
        rows, visible = self._visible(rows, faces)
        if not len(rows):
            return FrameLabels(Labels.empty(), self.dropped, self.ignored)
        ignore = self._ignore(rows, visible)
        rows, visible, ignore = self._drop_twins(rows, visible, ignore)
        points = self.map.point_m[rows]
        pixels, valid = self.camera.project(self.camera_from_map.apply(points))
        for i in np.flatnonzero(~valid):  # seen in part, its point behind the camera: ignored
            pixels[i] = self.outlines[int(rows[i])].mean(axis=0)
        pose, mounting = self.frame.pose, self.frame.base_from_camera
        assert pose is not None
        covariance = np.full((len(rows), 2, 2), np.nan)
        covariance[valid] = pixel_covariance(points[valid], self.camera, pose, mounting)
        labels = Labels(
            class_id=self.map.class_id[rows],
            point_px=pixels,
            outlines_px=Ragged.of([self.outlines[int(row)] for row in rows], 2),
            range_m=self._range(rows),
            visible=visible,
            map_id=self.map.ids[rows],
            covariance_px2=covariance,
            ignore=ignore,
        )
        return FrameLabels(labels, self.dropped, self.ignored)

    def _range(self, rows: Ints) -> Array:
        distance: Array = np.linalg.norm(self.map.point_m[rows] - self.eye_m, axis=1)
        return distance

    def _limit(self, rows: Ints) -> Array:
        limit: Array = self.labeller._range_m[self.map.class_id[rows]]
        return limit

    def _in_view(self) -> tuple[Ints, list[tuple[Array, float]]]:
        """Rows whose outline reaches into the image and that face it, and all faces in view."""
        settings = self.settings
        reach = float(self.labeller._range_m.max()) * settings.range_factor
        rows = self.map.near(self.eye_m, reach)
        near = self._range(rows) <= self._limit(rows) * settings.range_factor
        rows = self._keep(rows, near, "range")
        self.outlines = self._project_outlines(rows)
        rows = self._keep(
            rows, np.array([int(r) in self.outlines for r in rows], bool), "outside_image"
        )
        turned = ~np.isnan(self.map.normal[rows, 0])
        ranges = self._range(rows)
        faces = [(self.outlines[int(rows[i])], ranges[i]) for i in np.flatnonzero(turned)]
        to_eye = (self.eye_m - self.map.point_m[rows]) / ranges[:, None]
        cosine = np.einsum("ij,ij->i", self.map.normal[rows], to_eye)
        with np.errstate(invalid="ignore"):
            facing = ~turned | (cosine > np.cos(np.radians(settings.max_facing_deg)))
        rows = self._keep(rows, facing, "facing_away")
        sides = np.array([longer_side(self.outlines[int(row)]) for row in rows])
        return self._keep(rows, sides >= settings.drop_side_px, "too_small"), faces

    def _project_outlines(self, rows: Ints) -> dict[int, Array]:
        """Row → outline (k, 2) clipped to the image, for those that have a part in it."""
        pieces = EDGE_PIECES if self.camera.distortion.any() else 1
        cut: dict[int, Array] = {}
        for row in rows:
            outline = self.camera_from_map.apply(self.map.outlines_m[int(row)])
            outline = clip_halfspace(outline, outline[:, 2] - self.settings.near_m)
            if len(outline) >= 3:
                cut[int(row)] = subdivide(outline, pieces)
        if not cut:
            return {}
        pixels, valid = self.camera.project(np.concatenate(list(cut.values())))
        ends = np.cumsum([len(outline) for outline in cut.values()])
        found: dict[int, Array] = {}
        for row, start, end in zip(cut, [0, *ends[:-1]], ends, strict=True):
            polygon = pixels[start:end][valid[start:end]]
            if len(polygon) >= 3:
                polygon = clip_to_image(polygon, self.camera.width, self.camera.height)
            if len(polygon) >= 3:
                found[row] = polygon
        return found

    def _visible(self, rows: Ints, faces: list[tuple[Array, float]]) -> tuple[Ints, Array]:
        """Rows of which enough is seen, and the share that is (samples seen / all samples)."""
        if not len(rows):
            return rows, np.zeros(0)
        samples = [self.labeller.samples_of(int(row)) for row in rows]
        sizes = np.array([len(s) for s in samples])
        in_camera = self.camera_from_map.apply(np.concatenate(samples))
        pixels, valid = self.camera.project(in_camera)
        seen = valid & self.camera.inside(pixels)
        if self.frame.depth_m is not None:
            seen[seen] = ~hidden_by_depth(
                pixels[seen],
                in_camera[seen, 2],
                self.frame.depth_m,
                self.settings.depth_tolerance_m,
                self.settings.depth_tolerance_share,
            )
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        parts = np.split(pixels, starts[1:])
        seen &= ~np.concatenate(hidden_by_faces(parts, self._range(rows), faces))
        visible = np.add.reduceat(seen.astype(np.float64), starts) / sizes
        enough = visible >= max(self.settings.drop_visible, 1e-9)
        return self._keep(rows, enough, "hidden"), visible[enough]

    def _ignore(self, rows: Ints, visible: Array) -> npt.NDArray[np.bool_]:
        settings = self.settings
        sides = np.array([longer_side(self.outlines[int(row)]) for row in rows])
        heading = self.camera_from_map.rotation[2] * np.array([1.0, 1.0, 0.0])
        heading /= max(float(np.linalg.norm(heading)), 1e-9)
        along = self.map.direction[rows] @ heading
        least = np.cos(np.radians(settings.max_direction_deg)) - 1e-9
        pixels, valid = self.camera.project(self.camera_from_map.apply(self.map.point_m[rows]))
        reasons = {
            "range": self._range(rows) > self._limit(rows),
            "small": sides < settings.min_side_px,
            "visible": visible < settings.min_visible,
            "direction": ~np.isnan(along) & (along < least),
            "point_outside": ~(valid & self.camera.inside(pixels)),
        }
        self.ignored.update({name: int(mask.sum()) for name, mask in reasons.items() if mask.any()})
        self._other_way = reasons["direction"]
        ignore: npt.NDArray[np.bool_] = np.any(list(reasons.values()), axis=0)
        return ignore

    def _drop_twins(
        self, rows: Ints, visible: Array, ignore: npt.NDArray[np.bool_]
    ) -> tuple[Ints, Array, npt.NDArray[np.bool_]]:
        """Without markings of the other direction that share their outline with one of this."""
        stems = [str(name).rpartition(":")[0] for name in self.map.ids[rows]]
        ours = {stem for stem, other in zip(stems, self._other_way, strict=True) if not other}
        twin = np.array([bool(stem) and stem in ours for stem in stems]) & self._other_way
        return self._keep(rows, ~twin, "other_direction"), visible[~twin], ignore[~twin]

    def _keep(self, rows: Ints, mask: npt.NDArray[np.bool_], reason: str) -> Ints:
        lost = int(len(rows) - np.count_nonzero(mask))
        if lost:
            self.dropped[reason] += lost
        return rows[mask]
