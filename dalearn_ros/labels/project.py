"""Landmarks of the map projected into a frame: class, point, outline, visibility (D2 to D4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import PoseError
from dalearn_ros.geometry.rolling_shutter import project_rolling
from dalearn_ros.labels.outlines import longer_sides, project_outlines
from dalearn_ros.labels.polygons import inner_samples
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.labels.uncertainty import pixel_covariance
from dalearn_ros.labels.visibility import hidden_by_cloud, hidden_by_depth, hidden_by_faces
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Frame, Labels, LandmarkMap
from dalearn_ros.maps.index import IndexedMap, indexed

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
LOWEST_CAMERA_M = 1.0  # over the road: how fast depth grows along it from one pixel to the next


@dataclass(frozen=True)
class FrameLabels:
    """Labels of one frame and what became of the other landmarks near it.

    Attributes:
        labels: One row a landmark, `ignore` included.
        dropped: Reason → number of landmarks: ``range``, ``outside_image``, ``facing_away``,
            ``too_small``, ``hidden``, ``other_direction``.
        ignored: Reason → number of labels with `ignore`: ``range``, ``small``, ``visible``,
            ``truncated`` (less of it is in the image than ``min_visible``), ``direction``,
            ``point_outside``; a label may have several.
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

    def label(self, frame: Frame, cloud_m: Array | None = None) -> FrameLabels:
        """Labels of a frame (its image is not looked at).

        Args:
            frame: With a pose; with row poses (a rolling shutter) every point is projected with
                the pose of the row on which it falls.
            cloud_m: LiDAR returns (P, 3) in the optical frame at the image's time, metres; None
                if there are none. They hide what lies behind them, as a depth image does.

        Raises:
            PoseError: The frame has no pose.
        """
        if frame.pose is None:
            raise PoseError(f"frame {frame.name}: has no pose, so nothing can be projected.")
        return _FrameProjection(self, frame, cloud_m).run()

    def look_at(
        self, frame: Frame, points_m: Array, cloud_m: Array | None = None
    ) -> tuple[Array, Array, Mask, Mask]:
        """Where a frame sees points, and which of them something hides.

        Args:
            frame: With a pose.
            points_m: (n, 3) map frame.
            cloud_m: As for :meth:`label`.

        Returns:
            Pixels (n, 2), depth along the optical axis (n,) metres, which lie in the image (n,),
            and which of those a depth image or LiDAR returns hide (n,).
        """
        view = _FrameProjection(self, frame, cloud_m)
        pixels, valid, local = view._project(view.camera_from_map.apply(points_m))
        inside: Mask = valid & frame.camera.inside(pixels)
        hidden = np.zeros(len(pixels), dtype=bool)
        hidden[inside] = view._hidden(pixels[inside], local[inside, 2])
        return pixels, local[:, 2], inside, hidden

    def samples_of(self, row: int) -> Array:
        """Points (s, 3) inside a landmark's outline, map frame; kept for the next frame."""
        if row not in self._samples:
            self._samples[row] = inner_samples(self.map.outlines_m[row])
        return self._samples[row]


class _FrameProjection:
    """The steps for one frame; `rows` are the landmarks still in question."""

    def __init__(self, labeller: Labeller, frame: Frame, cloud_m: Array | None) -> None:
        self.map, self.settings, self.labeller = labeller.map, labeller.settings, labeller
        self.frame, self.camera, self.cloud_m = frame, frame.camera, cloud_m
        self.camera_from_map = frame.camera_from_map
        self.eye_m = self.camera_from_map.inverse().translation
        self.dropped: Counter[str] = Counter()
        self.ignored: Counter[str] = Counter()

    def run(self) -> FrameLabels:
        rows, faces, face_ranges = self._in_view()
        rows, visible, in_image = self._visible(rows, faces, face_ranges)
        if not len(rows):
            return FrameLabels(Labels.empty(), self.dropped, self.ignored)
        ignore = self._ignore(rows, visible, in_image)
        rows, visible, ignore = self._drop_twins(rows, visible, ignore)
        pixels, valid, local = self._project(self.camera_from_map.apply(self.map.point_m[rows]))
        for i in np.flatnonzero(~valid):  # seen in part, its point behind the camera: ignored
            pixels[i] = self.outlines[int(i)].mean(axis=0)
        pose, mounting = self.frame.pose, self.frame.base_from_camera
        assert pose is not None
        covariance = np.full((len(rows), 2, 2), np.nan)
        seen = self.camera_from_map.inverse().apply(local[valid])  # where the stamp's pose sees it
        covariance[valid] = pixel_covariance(seen, self.camera, pose, mounting)
        labels = Labels(
            class_id=self.map.class_id[rows],
            point_px=pixels,
            outlines_px=self.outlines,
            range_m=np.linalg.norm(local, axis=1),
            visible=visible,
            map_id=self.map.ids[rows],
            covariance_px2=covariance,
            ignore=ignore,
        )
        return FrameLabels(labels, self.dropped, self.ignored)

    def _project(self, in_camera: Array) -> tuple[Array, Mask, Array]:
        """Pixels, valid and place (n, 3) when seen, of points in the optical frame at the stamp."""
        return project_rolling(self.camera, in_camera, self.frame.rows)

    def _range(self, rows: Ints) -> Array:
        return np.asarray(np.linalg.norm(self.map.point_m[rows] - self.eye_m, axis=1))

    def _limit(self, rows: Ints) -> Array:
        return np.asarray(self.labeller._range_m[self.map.class_id[rows]])

    def _in_view(self) -> tuple[Ints, Ragged, Array]:
        """Rows whose outline reaches into the image and that face it; all faces in view."""
        settings = self.settings
        reach = float(self.labeller._range_m.max()) * settings.range_factor
        rows = self.map.near(self.eye_m, reach)
        self.outlines = Ragged(np.zeros((0, 2)), np.zeros(len(rows) + 1, np.int64))
        limit = self._limit(rows) * settings.range_factor
        rows = self._keep(rows, self._range(rows) <= limit, "range")
        rows = self._project_outlines(rows)
        normal, ranges = self.map.normal[rows], self._range(rows)
        turned = ~np.isnan(normal[:, 0])
        faces = self.outlines.select(turned), ranges[turned]
        to_eye = (self.eye_m - self.map.point_m[rows]) / ranges[:, None]
        cosine = np.einsum("ij,ij->i", normal, to_eye)
        with np.errstate(invalid="ignore"):
            facing = ~turned | (cosine > np.cos(np.radians(settings.max_facing_deg)))
        rows = self._keep(rows, facing, "facing_away")
        large = longer_sides(self.outlines) >= settings.drop_side_px
        return self._keep(rows, large, "too_small"), *faces

    def _project_outlines(self, rows: Ints) -> Ints:
        """Rows with a part in the image; ``self.outlines`` holds their clipped outlines."""
        outlines = self.map.outlines_m.select(rows)
        in_camera = Ragged(self.camera_from_map.apply(outlines.values), outlines.starts)
        near_m = self.settings.near_m
        found, self.outlines = project_outlines(self.camera, in_camera, near_m, self.frame.rows)
        if len(found) < len(rows):
            self.dropped["outside_image"] += len(rows) - len(found)
        return rows[found]

    def _visible(self, rows: Ints, faces: Ragged, face_ranges: Array) -> tuple[Ints, Array, Array]:
        """Rows of which enough is seen, the share that is seen, and the share in the image."""
        if not len(rows):
            return rows, np.zeros(0), np.zeros(0)
        samples = Ragged.of([self.labeller.samples_of(int(row)) for row in rows], 3)
        pixels, valid, local = self._project(self.camera_from_map.apply(samples.values))
        inside = valid & self.camera.inside(pixels)
        seen = inside.copy()
        seen[seen] = ~self._hidden(pixels[seen], local[seen, 2])
        placed = Ragged(pixels, samples.starts)
        seen &= ~hidden_by_faces(placed, self._range(rows), faces, face_ranges)
        sizes, first = np.diff(samples.starts), samples.starts[:-1]
        visible = np.add.reduceat(seen.astype(np.float64), first) / sizes
        in_image = np.add.reduceat(inside.astype(np.float64), first) / sizes
        enough = visible >= max(self.settings.drop_visible, 1e-9)
        return self._keep(rows, enough, "hidden"), visible[enough], in_image[enough]

    def _hidden(self, pixels: Array, depth_m: Array) -> Mask:
        """Which samples (n,) in the image a depth image or LiDAR returns hide."""
        settings = self.settings
        slack = settings.depth_tolerance_m + settings.depth_tolerance_share * depth_m
        hidden = np.zeros(len(pixels), dtype=bool)
        if self.frame.depth_m is not None:
            tolerances = settings.depth_tolerance_m, settings.depth_tolerance_share
            hidden |= hidden_by_depth(pixels, depth_m, self.frame.depth_m, *tolerances)
        if self.cloud_m is not None:
            returns, valid, local = self._project(self.cloud_m)
            valid &= self.camera.inside(returns)
            placed = np.column_stack([returns[valid], local[valid, 2]])
            cell = np.radians(settings.cloud_cell_deg)
            # Road that the LiDAR met a cell below the sample is nearer by this, and hides nothing.
            slack = slack + depth_m**2 * cell / LOWEST_CAMERA_M
            cell_px = max(1.0, cell * float(self.camera.matrix[0, 0]))
            hidden |= hidden_by_cloud(pixels, depth_m, placed, cell_px, slack)
        return hidden

    def _ignore(self, rows: Ints, visible: Array, in_image: Array) -> Mask:
        settings = self.settings
        heading = self.camera_from_map.rotation[2] * np.array([1.0, 1.0, 0.0])
        heading /= max(float(np.linalg.norm(heading)), 1e-9)
        along = self.map.direction[rows] @ heading
        least = np.cos(np.radians(settings.max_direction_deg)) - 1e-9
        pixels, valid, _ = self._project(self.camera_from_map.apply(self.map.point_m[rows]))
        reasons = {
            "range": self._range(rows) > self._limit(rows),
            "small": longer_sides(self.outlines) < settings.min_side_px,
            "visible": visible < settings.min_visible,
            "truncated": in_image < settings.min_visible,
            "direction": ~np.isnan(along) & (along < least),
            "point_outside": ~(valid & self.camera.inside(pixels)),
        }
        self.ignored.update({name: int(mask.sum()) for name, mask in reasons.items() if mask.any()})
        self._other_way = reasons["direction"]
        ignore: Mask = np.any(list(reasons.values()), axis=0)
        return ignore

    def _drop_twins(self, rows: Ints, visible: Array, ignore: Mask) -> tuple[Ints, Array, Mask]:
        """Without markings of the other direction that share their outline with one of this."""
        names = [str(name) for name in self.map.ids[rows]]
        stems = [name[:-2] if name.endswith((":+", ":-")) else "" for name in names]
        ours = {stem for stem, other in zip(stems, self._other_way, strict=True) if not other}
        twin = np.array([bool(stem) and stem in ours for stem in stems]) & self._other_way
        return self._keep(rows, ~twin, "other_direction"), visible[~twin], ignore[~twin]

    def _keep(self, rows: Ints, mask: Mask, reason: str) -> Ints:
        """The rows of a mask, ``self.outlines`` with them; the others are counted."""
        lost = int(len(rows) - np.count_nonzero(mask))
        if lost:
            self.dropped[reason] += lost
            self.outlines = self.outlines.select(mask)
        return rows[mask]
