"""A turned or late camera is told from a turned vehicle by the motion; what is not shown is not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from helpers.health_street import observed

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.localization.camera_health import CameraHealth
from dalearn_ros.localization.camera_report import CameraHealthReport
from dalearn_ros.localization.motion_windows import View, _Window

CAMERA = Camera(1280, 720, np.array([[1100.0, 0, 640], [0, 1100, 360], [0, 0, 1]]))
MOUNTING = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.2, 1.5]))
COVARIANCE = np.diag([0.3, 0.3, 0.05, 0.003, 0.003, 0.01]) ** 2
PERIOD_S = 0.4


class Course:
    """A road with bends and changes of speed, or a straight one at 12 m/s."""

    def __init__(self, lively: bool, seconds: float = 130.0, bend_s: float = 44.0) -> None:
        self.time_s = np.arange(0.0, seconds + 2.0, 0.02)
        swing = 6.0 * np.sin(self.time_s / 2.5) if lively else np.zeros(len(self.time_s))
        turn = (
            0.12 * np.sin(2.0 * np.pi * self.time_s / bend_s)
            if lively
            else np.zeros(len(self.time_s))
        )
        speed, self.yaw = 12.0 + swing, np.cumsum(turn) * 0.02
        step = 0.02 * speed[:, None] * np.stack([np.cos(self.yaw), np.sin(self.yaw)], axis=1)
        self.place = np.concatenate([np.zeros((1, 2)), np.cumsum(step, axis=0)[:-1]])

    def pose(self, t: float) -> Transform:
        x, y = (np.interp(t, self.time_s, self.place[:, i]) for i in (0, 1))
        return Transform.from_euler(0.0, 0.0, float(np.interp(t, self.time_s, self.yaw)), [x, y, 0])

    def landmarks(self, rng: np.random.Generator) -> np.ndarray:
        """Signs and markings to both sides of the way."""
        every = self.place[::40]
        yaw = self.yaw[::40]
        left = np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
        side = rng.choice([-6.0, -3.0, 5.0], len(every))[:, None]
        return np.column_stack([every + side * left, rng.uniform(0.0, 5.0, len(every))])


def health_of(
    course: Course,
    *,
    yaw_deg: float = 0.0,
    late_s: float = 0.0,
    seconds: float = 130.0,
    period_s: float = PERIOD_S,
) -> CameraHealthReport:
    """What is said after a drive with this fault; the localizer turns the vehicle as it must."""
    rng = np.random.default_rng(8)
    points = course.landmarks(rng)
    told = points + rng.normal(0.0, 0.02, points.shape)
    count = len(points)
    landmarks = LandmarkMap(
        ids=np.arange(count).astype(str), class_id=np.ones(count, np.int64), point_m=told,
        outlines_m=Ragged.of([np.zeros((0, 3))] * count, 3), normal=np.full((count, 3), np.nan),
        direction=np.full((count, 3), np.nan), tags=np.full(count, ""),
    )  # fmt: skip
    turn = Transform.from_euler(0.0, 0.0, np.radians(yaw_deg))
    real = Transform(turn.rotation @ MOUNTING.rotation, MOUNTING.translation)
    health = CameraHealth(landmarks, CAMERA, MOUNTING)
    odom_from_map = Transform.from_euler(0.0, 0.0, 1.0, [5.0, 3.0, 0.0])
    for i in range(round(seconds / period_s)):
        t, stamp = i * period_s, round(i * period_s * 1e9)
        true = course.pose(t)
        local = (course.pose(t + late_s) @ real).inverse().apply(points)
        pixels, valid = CAMERA.project(local)
        valid &= (local[:, 2] > 3.0) & (local[:, 2] < 60.0)
        rows = np.flatnonzero(valid & CAMERA.inside(pixels))
        seen = observed(stamp, np.ones(len(rows), np.int64), pixels[rows])
        seen.point_px[:] += rng.normal(0.0, 1.0, seen.point_px.shape)
        # The camera's bias is taken for the vehicle's heading, as a localizer takes it.
        absorbed = Transform(turn.rotation.T @ true.rotation, true.translation)
        pose = Pose(stamp, absorbed, COVARIANCE)
        matches = np.stack([np.arange(len(rows)), rows], axis=1)
        health.add(seen, matches, pose, Pose(stamp, true, COVARIANCE), odom_from_map @ true)
    return health.report()


@pytest.fixture(scope="module")
def lively() -> Course:
    return Course(lively=True)


def test_a_turned_camera_is_found_against_the_motion(lively: Course) -> None:
    report = health_of(lively, yaw_deg=0.3)
    yaw = report.of("yaw_deg")
    assert report.tracks >= 30 and yaw.state == "drifted"
    low, high = yaw.interval
    assert low < 0.3 < high and high - low < 0.2
    assert report.of("time_ms").state != "drifted"


def test_images_over_half_a_second_apart_count_too(lively: Course) -> None:
    yaw = health_of(lively, yaw_deg=0.3, seconds=90.0, period_s=0.6).of("yaw_deg")
    assert yaw.state == "drifted"
    assert yaw.value == pytest.approx(np.radians(0.3), abs=3.0 * yaw.sigma)


def test_images_whose_speed_nothing_tells_are_no_evidence(lively: Course) -> None:
    report = health_of(lively, seconds=60.0, period_s=1.2)
    assert report.windows == report.tracks == 0
    assert report.of("yaw_deg").state == "collecting"


def test_a_late_camera_is_found_where_speed_changes(lively: Course) -> None:
    late = health_of(lively, late_s=0.03).of("time_ms")
    assert late.state == "drifted"
    assert late.value == pytest.approx(0.03, abs=max(3.0 * late.sigma, 0.002))


def test_bends_that_are_short_against_the_images_period_do_not_make_the_clock_later() -> None:
    """A bend every 7 s, an image every 0.5 s: chords would say 32 ms instead of 30."""
    course = Course(lively=True, bend_s=7.0)
    late = health_of(course, late_s=0.03, period_s=0.5).of("time_ms")
    sound = health_of(course, period_s=0.5).of("time_ms")
    assert late.state == "drifted" and sound.state == "steady"
    assert late.value - sound.value == pytest.approx(0.03, abs=0.0008)


def test_a_steady_straight_drive_does_not_show_the_time() -> None:
    report = health_of(Course(lively=False), late_s=0.03)
    late = report.of("time_ms")
    assert late.state == "not observable" and late.progress < 0.1 and late.excitation < 0.1
    assert "forward_m" in late.tied_to
    content = json.loads(report.to_json())["drifts"]["time_ms"]
    assert content["value"] is None and content["interval_95"] is None


def test_nothing_is_said_from_few_landmarks(lively: Course) -> None:
    report = health_of(lively, yaw_deg=0.3, seconds=18.0)
    assert report.tracks < 30
    assert {drift.state for drift in report.drifts} == {"collecting"}


def test_the_derivative_is_that_of_the_residuals(lively: Course) -> None:
    window = _window(lively)
    values = np.zeros(14)
    values[6:] = [0.01, 0.001, 0.0, 0.0, 0.0, 0.05, 0.01, 0.01]
    values[8:11] = window.start
    _, by_value = window.linear(values)
    for axis in range(14):
        step = np.zeros(14)
        step[axis] = 1e-5
        ahead, behind = window.linear(values + step)[0], window.linear(values - step)[0]
        scale = np.abs(by_value[:, :, axis]).max()
        expected = (behind - ahead) / 2e-5  # residuals fall where the projection rises
        np.testing.assert_allclose(expected, by_value[:, :, axis], atol=1e-3 * scale)


def _window(course: Course) -> _Window:
    points = course.landmarks(np.random.default_rng(2))
    views = []
    for i in range(12):
        true = course.pose(20.0 + i * PERIOD_S)
        pixels, valid = CAMERA.project((true @ MOUNTING).inverse().apply(points))
        rows = np.flatnonzero(valid & CAMERA.inside(pixels))
        stamp = round(i * PERIOD_S * 1e9)
        views.append(
            View(stamp, true.translation, Pose(stamp, true, COVARIANCE), true, rows, pixels[rows])
        )
    return _Window(views, points, np.ones(len(points), np.int64), CAMERA, MOUNTING)
