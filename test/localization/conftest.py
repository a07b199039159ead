"""A street without pictures: a map, a drive, a prior that errs as in the protocol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.projection import project_with_jacobian
from dalearn_ros.geometry.steps import moved
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import LandmarkMap, Observations

SIGMA_LONG, SIGMA_LAT, SIGMA_YAW = 0.8, 0.5, np.radians(0.7)
SMALL = np.array([0.05, np.radians(0.1), np.radians(0.1)])  # z, roll, pitch


@dataclass
class Street:
    """A map with known landmarks, a camera, and what a good detector would see."""

    landmarks: LandmarkMap
    true_point_m: np.ndarray
    camera: Camera
    mounting: Transform

    def pose(self, s: float) -> Transform:
        """True pose after ``s`` metres: straight east, with a weave."""
        yaw = 0.05 * np.sin(s / 40.0)
        return Transform.from_euler(0.0, 0.0, yaw, [s, -1.7 + 0.3 * np.sin(s / 25.0), 0.0])

    def seen_from(self, pose: Transform) -> np.ndarray:
        """Rows of the landmarks whose true point is in the image and in range."""
        seen = project_with_jacobian(self.true_point_m, pose, self.camera, self.mounting)
        distance = np.linalg.norm(self.true_point_m - pose.translation, axis=1)
        reach = np.where(self.landmarks.class_id >= 6, 35.0, 70.0)
        return np.flatnonzero(self.camera.inside(seen.pixels) & (distance < reach))

    def observe(
        self,
        pose: Transform,
        rng: np.random.Generator,
        *,
        sigma_px: float = 1.5,
        missed: float = 0.15,
        false_alarms: float = 0.3,
    ) -> tuple[Observations, np.ndarray]:
        """Noisy observations, and the map row of each (-1: false alarm)."""
        rows = self.seen_from(pose)
        rows = rows[rng.random(len(rows)) > missed]
        points = project_with_jacobian(
            self.true_point_m[rows], pose, self.camera, self.mounting
        ).pixels
        points = points + rng.normal(0, sigma_px, points.shape)
        wrong = rng.poisson(false_alarms)
        size = [self.camera.width, self.camera.height]
        points = np.concatenate([points, rng.random((wrong, 2)) * size])
        classes = np.concatenate([self.landmarks.class_id[rows], rng.integers(1, 10, wrong)])
        n = len(points)
        observations = Observations(
            stamp_ns=0,
            class_id=classes,
            point_px=points,
            score=np.ones(n),
            covariance_px2=np.tile(np.eye(2) * sigma_px**2, (n, 1, 1)),
            range_m=np.full(n, np.nan),
            sigma_range_m=np.full(n, np.nan),
            track_id=np.full(n, -1),
        )
        return observations, np.concatenate([rows, np.full(wrong, -1)])

    def prior(self, pose: Transform, rng: np.random.Generator, scale: float = 1.0) -> Pose:
        """A prior that errs as declared: 0.8 m along, 0.5 m across, 0.7 degrees."""
        turn = pose.rotation
        sigma = np.array([SIGMA_LONG, SIGMA_LAT, SMALL[0], SMALL[1], SMALL[2], SIGMA_YAW])
        rotate = np.zeros((6, 6))
        rotate[:3, :3] = rotate[3:, 3:] = turn
        covariance = rotate @ np.diag(sigma**2) @ rotate.T
        return Pose(0, moved(pose, rotate @ rng.normal(0, sigma * scale)), covariance)

    def drive(self, seed: int, frames: int) -> Iterator[tuple[Transform, np.random.Generator]]:
        """Poses along the street, each with its own generator."""
        for i in range(frames):
            yield self.pose(5.0 + 1.5 * i), np.random.default_rng([seed, i])


def make_street(seed: int = 0, length: float = 600.0, map_sigma_m: float = 0.05) -> Street:
    """Signs on both sides, signals in pairs on gantries, arrows, stop lines, crosswalks."""
    rng = np.random.default_rng([99, seed])
    points, classes, normals, directions = [], [], [], []

    def add(x: float, y: float, z: float, kind: int) -> None:
        points.append([x, y, z])
        classes.append(kind)
        normals.append([-1.0, 0, 0] if kind <= 5 else [np.nan] * 3)
        directions.append([1.0, 0, 0] if kind > 5 else [np.nan] * 3)

    x = 15.0
    while x < length:
        add(x, -5.5 + rng.normal(0, 0.3), 2.4, int(rng.integers(1, 5)))
        if rng.random() < 0.5:
            add(x + rng.uniform(-4, 4), 6.0, 2.3, int(rng.integers(1, 5)))
        add(x + 8, -2.5, 0.0, 6)
        if rng.random() < 0.4:
            add(x + 14, -3.4, 0.0, 7)
            add(x + 17, -3.4, 0.0, 8)
            for y in (-3.5, 0.0, 3.5):
                add(x + 22, y, 5.5, 5)
        x += rng.uniform(14, 30)
    n = len(points)
    true = np.array(points)
    landmarks = LandmarkMap(
        ids=np.array([f"{i}" for i in range(n)]),
        class_id=np.array(classes, np.int64),
        point_m=true + rng.normal(0, map_sigma_m, true.shape),
        outlines_m=Ragged.of([np.zeros((0, 3))] * n, 3),
        normal=np.array(normals),
        direction=np.array(directions),
        tags=np.array([""] * n),
    )
    matrix = np.array([[1150.0, 0, 639.5], [0, 1150.0, 359.5], [0, 0, 1]])
    camera = Camera(1280, 720, matrix, np.array([-0.3, 0.1, 0.001, 0.0, -0.01]))
    mounting = Transform.from_euler(0, 0.02, 0, [1.5, 0.0, 1.5]) @ LINK_FROM_OPTICAL
    return Street(landmarks, true, camera, mounting)


@pytest.fixture(scope="session")
def street() -> Street:
    """One street for all tests; it is not changed."""
    return make_street()
