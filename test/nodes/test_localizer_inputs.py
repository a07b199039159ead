"""The localizer's inputs without DDS: what is refused, and what belongs together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nav_msgs.msg import Odometry

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.observability import Observability
from dalearn_ros.localization.results import nothing
from dalearn_ros.nodes import messages
from dalearn_ros.nodes.camera_names import check_cameras
from dalearn_ros.nodes.localizer_inputs import CheckedPoses, Gathering, finite_rows
from dalearn_ros.nodes.localizer_report import LocalizerCounters, result_values


def pose(stamp: int, x: float = 0.0, frame: str = "map", covariance: Any = None) -> Any:
    place = Transform.from_euler(0, 0, 0, [x, 0, 0])
    known = np.eye(6) * 0.01 if covariance is None else covariance
    return messages.pose_with_covariance_message(Pose(stamp, place, known), frame)


def driven(stamp: int, x: float) -> Odometry:
    message = Odometry(header=messages.header_of(stamp, "odom"))
    message.pose.pose = messages.pose_message(Transform.from_euler(0, 0, 0, [x, 0, 0]))
    return message


@pytest.mark.parametrize(
    ("message", "reason", "sentence"),
    [
        (pose(5, frame="odom"), "frame", "expected a pose in the map's frame 'map', found 'odom'"),
        (pose(5, x=np.nan), "not finite", "finite position"),
        (pose(5, covariance=np.full((6, 6), np.nan)), "not finite", "covariance is not finite"),
        (pose(0), "zero stamp", "the stamp is zero"),
    ],
)
def test_a_pose_that_cannot_be_used_is_counted(message: Any, reason: str, sentence: str) -> None:
    poses = CheckedPoses("~/input/pose", "map")
    assert poses.add(message) is False
    assert dict(poses.refused) == {reason: 1} and sentence in poses.problem
    assert len(poses.buffer) == 0
    poses.add(pose(7))
    assert poses.problem == "" and len(poses.buffer) == 1


def test_a_pose_without_covariance_is_taken_and_counted() -> None:
    poses = CheckedPoses("~/input/pose", "map")
    poses.add(pose(5, covariance=np.zeros((6, 6))))
    assert len(poses.buffer) == 1
    assert list(poses.refused) == ["without covariance (prior_sigma taken)"]


def test_time_backwards_and_a_jump_of_the_odometry_start_it_anew() -> None:
    odometry = CheckedPoses("~/input/odometry", continuous=True)
    second = 1_000_000_000
    assert odometry.add(driven(second, 0.0)) is False
    assert odometry.add(driven(second + second // 10, 1.0)) is False
    assert odometry.add(driven(second + second // 5, 500.0)) is True
    assert odometry.add(driven(second // 2, 500.0)) is True
    assert odometry.refused["the poses jump"] == odometry.refused["time went back"] == 1
    assert len(odometry.buffer) == 1
    prior = CheckedPoses("~/input/pose", "map")
    prior.add(pose(second))
    assert prior.add(pose(second + 1, x=500.0)) is False  # a prior may jump


class Handled:
    """What a gathering hands on."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def __call__(self, seen: Any, prior: Any, reason: str, place: Any) -> None:
        self.got.append((sorted(seen), prior, reason, place))


def test_cameras_of_one_stamp_go_together_when_prior_and_odometry_are_there() -> None:
    handled = Handled()
    prior = CheckedPoses("~/input/pose", "map")
    odometry = CheckedPoses("~/input/odometry", continuous=True)
    gathering = Gathering(2, prior, odometry, handled, patience_s=1000.0)
    odometry.add(driven(90_000_000, 1.0))
    prior.add(pose(90_000_000))
    gathering.add("left", Observations.empty(100_000_000))
    gathering.add("front", Observations.empty(100_000_000))
    assert handled.got == []
    prior.add(pose(110_000_000))
    gathering.advance()
    assert handled.got == []
    odometry.add(driven(110_000_000, 2.0))
    gathering.advance()
    ((names, given, reason, place),) = handled.got
    assert names == ["front", "left"] and reason == "" and given.stamp_ns == 100_000_000
    assert place.translation[0] == pytest.approx(1.5)


def test_after_patience_a_group_goes_with_what_there_is() -> None:
    handled = Handled()
    prior = CheckedPoses("~/input/pose", "map")
    odometry = CheckedPoses("~/input/odometry", continuous=True)
    gathering = Gathering(2, prior, odometry, handled, patience_s=0.0)
    gathering.add("left", Observations.empty(100))
    assert handled.got == [(["left"], None, "before_start", None)]
    assert gathering.done_ns == 100


def test_rows_that_are_not_finite_are_left_out() -> None:
    n = 3
    points = np.array([[1.0, 2.0], [np.nan, 3.0], [4.0, 5.0]])
    covariance = np.tile(np.eye(2), (n, 1, 1))
    covariance[2, 0, 0] = np.inf
    one = np.ones(n)
    seen = Observations(0, np.ones(n, np.int64), points, one, covariance, one, one, np.ones(n, int))
    assert finite_rows(seen).point_px.tolist() == [[1.0, 2.0]]


def test_names_of_cameras() -> None:
    check_cameras(("",))
    check_cameras(("front", "left"))
    for wrong in ((), ("front", ""), ("a/b",), ("front", "front")):
        with pytest.raises(SettingsError, match="cameras"):
            check_cameras(wrong)


def test_the_report_names_what_is_weak() -> None:
    known = Observability(
        np.array([3.0, 0.1, 0.001]), np.array([True, False, False]), np.array([0.05, 0.9, 0.99])
    )
    result = nothing("too uncertain")
    values = result_values(type(result)(**{**vars(result), "observability": known, "images": 4}))
    assert values["longitudinal.weak"] == "true" and values["lateral.weak"] == "false"
    assert values["longitudinal.share"] == "0.05" and values["heading.sigma_deg"] == "0.057"
    poses = CheckedPoses("~/input/pose", "map")
    poses.add(pose(0))
    assert LocalizerCounters((poses,)).snapshot()["pose.zero stamp"] == "1"


def test_a_message_costs_no_interpolation(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 50 Hz that would grow with the buffer until the prior comes too late."""
    poses = CheckedPoses("~/input/odometry", continuous=True)
    monkeypatch.setattr(poses.buffer, "at", None)
    assert not poses.add(driven(10**9, 0.0)) and not poses.add(driven(2 * 10**9, 1.0))
    assert len(poses.buffer) == 2
