"""Drives for ``localization_stress.py``: simulated detectors, and what is done to prior and map."""

from __future__ import annotations

import dataclasses
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.localization import true_landmarks
from dalearn_ros.core.randomness import generator
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.types import Frame, Labels, LandmarkMap, Observations
from dalearn_ros.maps import load_map
from dalearn_ros.world.camera import camera_of, mounting_of
from dalearn_ros.world.city import build_city
from dalearn_ros.world.errors_model import PriorErrors, odometry, prior_covariance
from dalearn_ros.world.mapping import write_map
from dalearn_ros.world.plan import IMAGE_HZ, POSE_HZ, make_plan
from dalearn_ros.world.style import city_named

LANE_M, SHIFT_M = 3.5, 3.0
MOVED_SHARE, MOVED_M = 0.3, (1.0, 3.0)
SIDE = Transform.from_euler(0.0, 0.0, math.radians(55.0))  # the second camera looks left


@dataclass(frozen=True)
class Detector:
    """A simulated one.

    Attributes:
        missed: Share of the landmarks that it does not see.
        false_alarms: Wrong observations an image.
        median_px: Median distance from the true point.
        freedom: Of Student's t, the errors' distribution; large is Gaussian.
    """

    missed: float
    false_alarms: float
    median_px: float = 1.766  # 1.5 px an axis
    freedom: float = 1e6

    @property
    def sigma_px(self) -> float:
        """Standard deviation an axis that it claims."""
        return self.median_px / 1.1774

    def simulate(
        self, truth: Labels, size: tuple[int, int], rng: np.random.Generator, stamp: int
    ) -> Observations:
        """What it sees."""
        seen = truth.select(~truth.ignore)
        seen = seen.select(rng.random(len(seen)) >= self.missed)
        wrong = int(rng.poisson(self.false_alarms))
        noise = rng.standard_normal((len(seen), 2)) * self.sigma_px
        if self.freedom < 100.0:
            noise /= np.sqrt(rng.chisquare(self.freedom, (len(seen), 1)) / self.freedom)
        points = np.concatenate([seen.point_px + noise, rng.random((wrong, 2)) * size])
        classes = np.concatenate([seen.class_id, rng.integers(1, 10, wrong)])
        return Observations.of_points(classes, points, sigma_px=self.sigma_px, stamp_ns=stamp)


SHIPPED = Detector(missed=0.25, false_alarms=0.5, median_px=1.5, freedom=3.0)
DETECTORS = {"all seen": Detector(0.0, 0.0), "as shipped": SHIPPED}


@dataclass(frozen=True)
class Scenario:
    """What is done to localizer, prior and map.

    Attributes:
        detector: Key of :data:`DETECTORS`.
        window: False: each image by itself.
        own: The prior is the first pose, carried on by odometry and estimates.
        lane_m: The prior's error to the left that is added.
        sigma_m: Standard deviation that the prior claims, both axes; None: the true one.
        shift_m: The whole map is shifted.
        moved: Share of the landmarks that stand elsewhere than in the map.
        cameras: One, or a second one to the left.
    """

    detector: str = "as shipped"
    window: bool = True
    own: bool = False
    lane_m: float = 0.0
    sigma_m: float | None = None
    shift_m: float = 0.0
    moved: float = 0.0
    cameras: int = 1


SCENARIOS = {
    **{name: Scenario(name) for name in DETECTORS},
    "as shipped, one image": Scenario(window=False),
    "as shipped, start pose and odometry": Scenario(own=True),
    "as shipped, two cameras": Scenario(cameras=2),
    "prior 3.5 m off, claims the truth": Scenario(lane_m=LANE_M),
    "prior 3.5 m off, claims 2 m": Scenario(lane_m=LANE_M, sigma_m=2.0),
    "map 3 m off, prior claims 0.5 m": Scenario(shift_m=SHIFT_M, sigma_m=0.5),
    "30 % of the landmarks moved": Scenario(moved=MOVED_SHARE),
}


class Drive:
    """One drive through a city, its truth, prior and odometry.

    Args:
        city: Its name.
        seed: Of the city and of all errors.
        seconds: Its length.
    """

    def __init__(self, city: str, seed: int, seconds: int) -> None:
        style = city_named(city)
        self.name, self.seed = city, seed
        self.plan = make_plan(style, seconds * IMAGE_HZ, seed)
        scene, _ = build_city(style, "day", seed, self.plan)
        with tempfile.TemporaryDirectory() as folder:
            file = write_map(scene, self.plan, seed, Path(folder) / "map")
            self.landmarks = load_map(file)
            true = true_landmarks(self.landmarks, file, city, seed)
        self.labeller = Labeller(true)
        front = mounting_of(style)
        self.mountings = {"front": front, "left": SIDE @ front}
        self.camera: Camera = camera_of(style)
        self.truth = [self.plan.pose(float(t)) for t in self.plan.times_s]
        rng = generator(seed, "errors")
        self.errors = PriorErrors.draw(rng, len(self.truth), 1.0 / POSE_HZ)
        self.driven, _, _ = odometry(rng, self.truth, 1.0 / POSE_HZ)

    def map_of(self, scenario: Scenario) -> LandmarkMap:
        """The map that the localizer is given."""
        rng = generator(self.seed, "stress", self.name)
        n = len(self.landmarks)
        shift = np.zeros((n, 3))
        if scenario.shift_m:
            angle = rng.uniform(0.0, 2.0 * math.pi)
            shift[:, :2] += scenario.shift_m * np.array([math.cos(angle), math.sin(angle)])
        if scenario.moved:
            moved = rng.random(n) < scenario.moved
            angles, far = rng.uniform(0.0, 2.0 * math.pi, n), rng.uniform(*MOVED_M, n)
            shift[moved, 0] += (far * np.cos(angles))[moved]
            shift[moved, 1] += (far * np.sin(angles))[moved]
        return dataclasses.replace(self.landmarks, point_m=self.landmarks.point_m + shift)

    def prior(self, i: int, scenario: Scenario) -> Pose:
        """What the localizer is told."""
        pose = self.errors.apply(self.truth[i], i)
        left = self.truth[i].rotation[:, 1]
        pose = Transform(pose.rotation, pose.translation + scenario.lane_m * left)
        covariance = prior_covariance(pose.yaw_rad)
        if scenario.sigma_m is not None:
            covariance[:2, :2] = np.eye(2) * scenario.sigma_m**2
        return Pose(stamp_of(i), pose, covariance)

    def labels(self, i: int, camera: str) -> Labels:
        """True labels of an image."""
        image = np.broadcast_to(np.uint8(0), (self.camera.height, self.camera.width, 3))
        truth = Pose(stamp_of(i), self.truth[i])
        frame = Frame(image, stamp_of(i), self.camera, self.mountings[camera], truth)
        return self.labeller.label(frame).labels


def stamp_of(i: int) -> int:
    """Nanoseconds of sample i."""
    return round((i + 1) * 1e9 / POSE_HZ)
