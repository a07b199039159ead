"""A street whose map is wrong in known places, driven with known poses and clean observations."""

from __future__ import annotations

from typing import Any

import numpy as np

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.projection import project_with_jacobian
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations
from dalearn_ros.localization.map_health import HealthFrame, MapHealth

SIGMA = np.array([0.05, 0.05, 0.02, 0.001, 0.001, 0.001])
SECOND = 1_000_000_000


class Reality:
    """What stands in the street: the map's landmarks, some gone, some moved, some added."""

    def __init__(self, street: Any) -> None:
        self.street = street
        self.place = street.landmarks.point_m.copy()
        self.gone: set[int] = set()
        self.added: list[tuple[int, np.ndarray]] = []
        self.moved: set[int] = set()

    def frame(self, s: float, stamp_ns: int, rng: np.random.Generator, blocked: Any = None) -> Any:
        """One image after ``s`` metres; ``blocked`` hides pixels (a function of (N, 2) pixels)."""
        street = self.street
        true = street.pose(s)
        pose = Pose(stamp_ns, true, np.diag(SIGMA**2))
        rows = street.seen_from(true)
        own = self._pixels(self.place[rows], true)
        there = np.array([row not in self.gone for row in rows], dtype=bool)
        extra = [(kind, self._pixels(point[None], true)[0]) for kind, point in self.added]
        extra = [(kind, pixel) for kind, pixel in extra if street.camera.inside(pixel[None]).all()]
        pixels = np.array([*own[there], *(pixel for _, pixel in extra)]).reshape(-1, 2)
        classes = np.array([*street.landmarks.class_id[rows[there]], *(kind for kind, _ in extra)])
        which = np.array([*rows[there], *(-1 for _ in extra)], dtype=np.int64)
        pixels = pixels + rng.normal(0.0, 0.5, pixels.shape)
        seen = rng.random(len(pixels)) < 0.95
        if blocked is not None:
            seen &= ~blocked(pixels)
        which = which[seen]
        matched = np.array([row >= 0 and row not in self.moved for row in which], dtype=bool)
        matches = np.stack([np.flatnonzero(matched), which[matched]], axis=1)
        observations = observed(stamp_ns, classes[seen].astype(np.int64), pixels[seen])
        expected = self._expected(rows, true)
        return HealthFrame(street.camera, street.mounting, pose, expected, observations, matches)

    def drive(self, health: MapHealth, number: int = 0, blocked: Any = None) -> None:
        """One pass of 220 m, an image every 2 m."""
        rng = np.random.default_rng([5, number])
        for i in range(110):
            stamp = number * 1000 * SECOND + i * SECOND // 5
            health.add(self.frame(2.0 * i, stamp, rng, blocked))

    def _pixels(self, points: np.ndarray, pose: Any) -> np.ndarray:
        return project_with_jacobian(points, pose, self.street.camera, self.street.mounting).pixels

    def _expected(self, rows: np.ndarray, pose: Any) -> Labels:
        landmarks = self.street.landmarks
        pixels = self._pixels(landmarks.point_m[rows], pose)
        inside = self.street.camera.inside(pixels)
        rows, pixels = rows[inside], pixels[inside]
        square = np.array([[-10.0, -10], [10, -10], [10, 10], [-10, 10]])
        count = len(rows)
        return Labels(
            class_id=landmarks.class_id[rows],
            point_px=pixels,
            outlines_px=Ragged.of([pixel + square for pixel in pixels], 2),
            range_m=np.linalg.norm(landmarks.point_m[rows] - pose.translation, axis=1),
            visible=np.ones(count),
            map_id=landmarks.ids[rows],
            covariance_px2=np.tile(np.eye(2), (count, 1, 1)),
            ignore=np.zeros(count, dtype=bool),
        )


def observed(stamp_ns: int, class_id: np.ndarray, pixels: np.ndarray) -> Observations:
    """Observations with 1 px of standard deviation."""
    return Observations.of_points(class_id, pixels, stamp_ns=stamp_ns)
