"""Landmarks that should be seen and are not, that have moved, or that are in no map.

Fed image by image with what the map makes one expect at the estimated pose, what was seen, and
what was matched. It never feeds anything back: what is expected is no observation.

The localizer's own supposition that a landmark has moved (``moved_landmarks``) is not taken in. It
rests on the same pixels as the bearings that are kept here, so they would count twice; and it holds
for a window of seconds, under a share of moved landmarks that is there for the pose's safety. What
the localizer leaves out as moved is no match, and comes here as unexplained, to be crossed from
several poses like anything else.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.outlines import longer_sides
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, LandmarkMap, Observations
from dalearn_ros.localization.bearings import Bearings, PointFit, bearings_of, fit_point
from dalearn_ros.localization.health_report import MapHealthReport
from dalearn_ros.localization.health_rows import LEAST_VIEWS_GONE, rows_of
from dalearn_ros.localization.health_settings import MapHealthSettings
from dalearn_ros.localization.presence import Odds, Presence
from dalearn_ros.localization.recall import RecallTable, Sight, part_of, sees_too_little
from dalearn_ros.localization.sorting import Sorted, sort_out
from dalearn_ros.localization.unmapped import Unmapped

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_TRACKED = 4000  # landmarks of which bearings are kept, those seen last


@dataclass(frozen=True)
class HealthFrame:
    """What one image of one camera says.

    Attributes:
        camera: Intrinsics.
        base_from_camera: Mounting.
        pose: The estimated pose with its covariance; None if there is none.
        expected: What the map makes one expect there (:class:`dalearn_ros.labels.project.Labeller`
            at that pose); rows marked ``ignore`` explain observations and are not due.
        observations: What was seen.
        matches: (M, 2) row of the observation, row in the map.
    """

    camera: Camera
    base_from_camera: Transform
    pose: Pose | None
    expected: Labels
    observations: Observations
    matches: Ints


class MapHealth:
    """Statistics per landmark over time. Memory is bounded by the size of the map.

    Args:
        landmarks: The map.
        settings: See :class:`MapHealthSettings`.
        label_space: Names of the classes; None takes the shipped one.
    """

    def __init__(
        self,
        landmarks: LandmarkMap,
        settings: MapHealthSettings | None = None,
        label_space: LabelSpace | None = None,
    ) -> None:
        self.landmarks = landmarks
        self.settings = settings or MapHealthSettings()
        self.label_space = label_space or LabelSpace.load()
        self.frames: Counter[str] = Counter()
        self.presence = Presence(len(landmarks), Odds(gap_s=self.settings.gap_s))
        self.unmapped = Unmapped(self.settings.gap_s)
        self.tracks: OrderedDict[int, Bearings] = OrderedDict()
        self._fits: dict[int, tuple[Bearings, PointFit]] = {}
        self._row = {str(name): row for row, name in enumerate(landmarks.ids)}
        self._recall = RecallTable(len(self.label_space))
        self._sight: dict[str, Sight] = {}
        self._place: dict[str, Array] = {}

    def add(self, frame: HealthFrame, camera_name: str = "") -> str:
        """Add one image.

        Args:
            frame: What it says.
            camera_name: Which of several cameras it is from.

        Returns:
            What became of it: ``counted``; ``no pose``; ``standing``: the vehicle has not moved
            since; ``too little seen``: that is evidence about the camera or the pose, not the map.
        """
        fate = self._add(frame, camera_name)
        self.frames[fate] += 1
        return fate

    def report(self) -> MapHealthReport:
        """All that is suspected or confirmed by now."""
        blind = self._blind()
        return MapHealthReport(
            rows=rows_of(
                self.landmarks,
                self.label_space,
                self.settings,
                self.presence,
                self.presence.log_odds(blind),
                self.tracks,
                self._place_of,
                self.unmapped.points,
            ),
            frames=dict(self.frames),
            landmarks=int((self.presence.expected > 0).sum()),
            blind_parts=tuple(int(part) for part in np.flatnonzero(blind)),
        )

    def _place_of(self, row: int, bearings: Bearings) -> PointFit:
        """Where the bearings of a landmark meet; made anew only for other bearings."""
        known = self._fits.get(row)
        if known is None or known[0] is not bearings:
            known = bearings, fit_point(bearings, self.landmarks.point_m[row])
            self._fits[row] = known
        return known[1]

    def _blind(self) -> npt.NDArray[np.bool_]:
        """(8,) parts of the image in which one of the cameras sees nothing of what it should."""
        none = np.zeros((1, 8), dtype=bool)
        each = [sight.blind[None] for sight in self._sight.values()]
        return np.asarray(np.concatenate([none, *each]).any(axis=0), dtype=bool)

    def _add(self, frame: HealthFrame, name: str) -> str:
        if frame.pose is None:
            return "no pose"
        weight = self._weight(frame.pose.map_from_base.translation, name)
        if weight == 0.0:
            return "standing"
        rows = np.array([self._row[str(one)] for one in frame.expected.map_id], dtype=np.int64)
        found = sort_out(
            frame.expected,
            rows,
            frame.observations,
            frame.matches,
            focal_px=float(frame.camera.matrix[0, 0]),
            search_m=self.settings.search_m,
            map_sigma_m=self.settings.map_sigma_m,
        )
        recall = self._judge(frame, rows, found, weight, name)
        if recall is None:
            return "too little seen"
        self._remember(frame, rows, found)
        return "counted"

    def _weight(self, place_m: Array, name: str) -> float:
        """Share of an independent view; under a tenth of one the image waits for more way."""
        before = self._place.get(name)
        moved = np.inf if before is None else float(np.linalg.norm(place_m - before))
        if moved < 0.1 * self.settings.spacing_m:
            return 0.0
        self._place[name] = place_m
        return min(1.0, moved / self.settings.spacing_m)

    def _judge(
        self, frame: HealthFrame, rows: Ints, found: Sorted, weight: float, name: str
    ) -> Array | None:
        """Take what was due and seen as evidence; None if the image says nothing about the map."""
        due = found.due
        labels, seen = frame.expected.select(due), found.seen[due]
        side = longer_sides(labels.outlines_px)
        recall = self._recall.of(labels.class_id, side)
        part = part_of(labels.point_px, frame.camera.width, frame.camera.height)
        sight = self._sight.setdefault(name, Sight())
        sight.add(part, recall, seen, weight)
        if len(frame.matches) < self.settings.witnesses or sees_too_little(recall, seen):
            return None
        blind = sight.blind
        there = self.presence.log_odds(blind)[rows[due]] < 0.0
        self._recall.learn(labels.class_id[there], side[there], seen[there], weight)
        stamp = frame.observations.stamp_ns
        self.presence.add(rows[due], seen, recall, part, weight, stamp, blind)
        return recall

    def _remember(self, frame: HealthFrame, rows: Ints, found: Sorted) -> None:
        """Keep the bearings of landmarks and of what nothing explains."""
        assert frame.pose is not None
        seen = frame.observations
        rays = bearings_of(
            seen.point_px, seen.covariance_px2, frame.camera, frame.base_from_camera, frame.pose
        )
        own = [(observation, row) for observation, row in frame.matches.tolist()]
        own += [(observation, int(rows[label])) for observation, label in found.claims.tolist()]
        for observation, row in own:
            before = self.tracks.pop(row, Bearings.none())
            self.tracks[row] = before.with_view(rays.select([observation]))
            if len(self.tracks[row]) >= LEAST_VIEWS_GONE:
                self._place_of(row, self.tracks[row])  # now, so that a report has little to do
        while len(self.tracks) > MOST_TRACKED:
            row, _ = self.tracks.popitem(last=False)
            self._fits.pop(row, None)
        rest = found.unexplained
        self.unmapped.add(seen.class_id[rest], rays.select(rest), seen.stamp_ns)
