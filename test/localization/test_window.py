"""The window on a simulated street: accuracy, honesty, cameras, wrong priors and wrong maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dalearn_ros.evaluation.poses import PoseScore
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import LandmarkMap, Observations
from dalearn_ros.localization.results import LocalizationResult
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.localization.window_images import CameraImage
from dalearn_ros.localization.window_localizer import WindowLocalizer
from dalearn_ros.world.errors_model import PriorErrors, odometry, prior_covariance

STEP_S, SPEED = 0.2, 10.0


@dataclasses.dataclass
class Run:
    """A drive of ``frames`` images at 5 Hz with prior and odometry that err as in the protocol."""

    street: Any
    frames: int
    seed: int = 0

    def __post_init__(self) -> None:
        self.truth = [self.street.pose(5.0 + SPEED * STEP_S * i) for i in range(self.frames)]
        rng = np.random.default_rng([5, self.seed])
        self.errors = PriorErrors.draw(rng, self.frames, STEP_S)
        self.driven, _, _ = odometry(rng, self.truth, STEP_S)

    def stamp(self, i: int) -> int:
        return 1_000_000_000 + round(i * STEP_S * 1e9)

    def true_pose(self, i: int) -> Pose:
        return Pose(self.stamp(i), self.truth[i])

    def prior(self, i: int, lane_m: float = 0.0, sigma_m: float | None = None) -> Pose:
        pose = self.errors.apply(self.truth[i], i)
        pose = Transform(pose.rotation, pose.translation + lane_m * self.truth[i].rotation[:, 1])
        covariance = prior_covariance(pose.yaw_rad)
        if sigma_m is not None:
            covariance[:2, :2] = np.eye(2) * sigma_m**2
        return Pose(self.stamp(i), pose, covariance)

    def seen(self, i: int, street: Any = None) -> Observations:
        rng = np.random.default_rng([6, self.seed, i])
        found, _ = (street or self.street).observe(
            self.truth[i], rng, missed=0.25, false_alarms=0.5
        )
        return dataclasses.replace(found, stamp_ns=self.stamp(i))

    def image(self, i: int, odometry: bool = True) -> CameraImage:
        return CameraImage("front", self.seen(i), self.driven[i] if odometry else None)

    def localizer(self, landmarks: LandmarkMap | None = None, **settings: Any) -> WindowLocalizer:
        places = {"front": (self.street.camera, self.street.mounting)}
        landmarks = self.street.landmarks if landmarks is None else landmarks
        return WindowLocalizer(landmarks, places, LocalizerSettings(**settings))

    def all(
        self, localizer: WindowLocalizer, prior: Callable[[int], Pose | None]
    ) -> tuple[dict[str, Any], list[LocalizationResult]]:
        score, results = PoseScore(), []
        for i in range(self.frames):
            result = localizer.update([self.image(i)], prior(i))
            score.add(result.pose, self.true_pose(i))
            results.append(result)
        return score.result(), results


def shifted(landmarks: LandmarkMap, shift: np.ndarray) -> LandmarkMap:
    return dataclasses.replace(landmarks, point_m=landmarks.point_m + shift)


def test_the_window_is_better_than_one_image_and_says_how_good(street: Any) -> None:
    run = Run(street, 60)
    found, results = run.all(run.localizer(), run.prior)
    alone, _ = run.all(run.localizer(window_s=0.0, maximum_sigma_m=100.0), run.prior)
    assert found["availability"] > 0.9 and found["confirmed_wrong"] == 0
    assert found["longitudinal_m"]["median"] < alone["longitudinal_m"]["median"]
    assert found["lateral_m"]["median"] < 0.1
    nees = []
    for i in range(0, run.frames, 10):
        pose = results[i].pose
        if pose is not None:
            step = pose.map_from_base.translation[:2] - run.truth[i].translation[:2]
            nees.append(step @ np.linalg.solve(pose.covariance[:2, :2], step) / 2)
    assert np.mean(nees) < 2.5
    assert max(result.images for result in results) == 6  # of 3 s, one in 0.6 s, and the newest


def test_a_prior_in_the_next_lane_is_refused(street: Any) -> None:
    run = Run(street, 25)
    found, results = run.all(run.localizer(), lambda i: run.prior(i, lane_m=3.5))
    assert found["availability"] == 0.0
    assert sum("contradict the prior" in result.reason for result in results) > 15


def test_a_prior_in_the_next_lane_that_says_so_is_recovered(street: Any) -> None:
    run = Run(street, 25)
    prior = lambda i: run.prior(i, lane_m=3.5, sigma_m=2.0)  # noqa: E731
    found, _ = run.all(run.localizer(), prior)
    assert found["availability"] > 0.7 and found["confirmed_wrong"] == 0
    assert found["lateral_m"]["p95"] < 0.3


def test_a_shifted_map_is_refused(street: Any) -> None:
    run = Run(street, 25)
    landmarks = shifted(street.landmarks, np.array([2.1, -2.1, 0.0]))
    found, _ = run.all(run.localizer(landmarks), lambda i: run.prior(i, sigma_m=0.5))
    assert found["availability"] == 0.0


def test_moved_landmarks_do_not_pull_the_pose_away(street: Any) -> None:
    run = Run(street, 30, seed=1)
    rng = np.random.default_rng(7)
    n = len(street.landmarks)
    angle, far = rng.uniform(0, 2 * np.pi, n), rng.uniform(1.0, 3.0, n)
    shift = np.stack([far * np.cos(angle), far * np.sin(angle), 0 * far], axis=1)
    shift[rng.random(n) > 0.3] = 0.0
    found, results = run.all(run.localizer(shifted(street.landmarks, shift)), run.prior)
    assert found["availability"] > 0.3 and found["confirmed_wrong"] == 0
    used = np.concatenate([result.matches[:, 1] for result in results if result.pose])
    assert (np.abs(shift[used]).max(axis=1) > 0).mean() < 0.05


def test_from_a_start_pose_with_odometry_only(street: Any) -> None:
    run = Run(street, 40)
    localizer = run.localizer()
    assert localizer.restart(run.prior(0), run.driven[0]) == ""
    results = [localizer.update([run.image(i)], None) for i in range(1, run.frames)]
    last = results[-1].pose
    assert last is not None
    error = last.map_from_base.translation - run.truth[-1].translation
    assert np.linalg.norm(error[:2]) < 0.5
    before = localizer.update([dataclasses.replace(run.image(0))], None)  # time goes back
    assert before.pose is None and before.reason.startswith("no prior pose")


def test_a_start_pose_survives_a_stretch_without_landmarks(street: Any) -> None:
    """What was learnt of the odometry's scale and drift before it carries the pose across."""
    run = Run(street, 280)
    localizer = run.localizer()
    localizer.restart(run.prior(0), run.driven[0])
    found = []
    for i in range(1, run.frames):
        image = run.image(i)
        if 90 <= i < 130:  # 8 s, 80 m
            image = dataclasses.replace(image, observations=image.observations.select([]))
        found.append(localizer.update([image], None).pose)
    after = [(i, pose) for i, pose in enumerate(found, 1) if i >= 200]
    given = [(i, pose) for i, pose in after if pose is not None]
    assert len(given) > 0.9 * len(after)
    for i, pose in given:
        step = pose.map_from_base.translation - run.truth[i].translation
        assert np.linalg.norm(step[:2]) < 0.6


def test_a_late_image_is_refused_and_costs_nothing(street: Any) -> None:
    run = Run(street, 12)
    late, orderly = run.localizer(), run.localizer()
    for i in range(10):
        before = late.update([run.image(i)], run.prior(i))
        orderly.update([run.image(i)], run.prior(i))
    assert before.images >= 4
    for i in (7, 9):  # older than the newest, and the newest once more
        again = late.update([run.image(i)], run.prior(i))
        assert again.pose is None and again.reason.startswith("late image")
    one = late.update([run.image(10)], run.prior(10))
    other = orderly.update([run.image(10)], run.prior(10))
    assert one.images == other.images and one.reason == other.reason
    np.testing.assert_array_equal(one.matches, other.matches)
    far_back = late.update([run.image(0)], run.prior(0))  # two seconds: all starts anew
    assert far_back.images <= 1 and not far_back.reason.startswith("late image")


def test_a_broken_start_pose_is_refused(street: Any) -> None:
    run = Run(street, 1)
    bad = dataclasses.replace(run.prior(0), covariance=np.full((6, 6), np.nan))
    assert "not usable" in run.localizer().restart(bad, run.driven[0])


def test_a_gap_or_missing_odometry_ends_the_window(street: Any) -> None:
    run = Run(street, 30)
    localizer = run.localizer(maximum_sigma_m=100.0)
    for i in range(10):
        grown = localizer.update([run.image(i)], run.prior(i)).images
    assert grown >= 4
    assert localizer.update([run.image(20)], run.prior(20)).images <= 1
    assert localizer.update([run.image(21)], run.prior(21)).images <= 2
    assert localizer.update([run.image(22, odometry=False)], run.prior(22)).images <= 1
    # Nothing ties that image to the next one, even if odometry is there again.
    assert [localizer.update([run.image(i)], run.prior(i)).images for i in (23, 24)] == [1, 2]


def test_two_cameras_make_one_estimate(street: Any) -> None:
    """The same camera twice, at different stamps, each with its own noise: more certain."""
    run = Run(street, 12)
    place = street.camera, street.mounting
    localizer = WindowLocalizer(street.landmarks, {"a": place, "b": place})
    single = run.localizer(maximum_sigma_m=100.0)
    for i in range(1, 12):
        rng = np.random.default_rng([8, i])
        other = dataclasses.replace(street.observe(run.truth[i], rng)[0], stamp_ns=run.stamp(i))
        images = [CameraImage("a", run.seen(i), run.driven[i])]
        images.append(CameraImage("b", other, run.driven[i]))
        both = localizer.update(images, run.prior(i))
        one = single.update([run.image(i)], run.prior(i))
    assert both.pose is not None and one.pose is not None
    assert set(both.camera.tolist()) == {0, 1}
    assert len(both.matches) == len(both.camera) == len(both.residual_px)
    assert np.trace(both.pose.covariance[:2, :2]) < np.trace(one.pose.covariance[:2, :2])


def test_residuals_that_are_too_large_widen_the_covariance(street: Any) -> None:
    run = Run(street, 8)
    honest, bold = run.localizer(), run.localizer()
    for i in range(run.frames):
        good = honest.update([run.image(i)], run.prior(i))
        seen = run.seen(i)
        near = np.round(seen.point_px / 14.0) * 14.0  # errors of 4 px an axis, 1.5 are claimed
        image = CameraImage("front", dataclasses.replace(seen, point_px=near), run.driven[i])
        wide = bold.update([image], run.prior(i))
    assert good.inflation == 1.0
    assert wide.inflation > 1.2


@pytest.mark.parametrize("what", ["nothing seen", "no prior"])
def test_what_lacks_is_said(street: Any, what: str) -> None:
    run = Run(street, 1)
    if what == "no prior":
        result = run.localizer().update([run.image(0)], None)
        assert result.pose is None and result.reason.startswith("no prior pose")
        return
    empty = CameraImage("front", Observations.empty(run.stamp(0)), run.driven[0])
    result = run.localizer().update([empty], run.prior(0))
    assert result.pose is None and result.reason == "not enough landmarks: 0 of at least 2"
