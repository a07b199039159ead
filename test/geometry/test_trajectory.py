"""Interpolation of poses, and every reason for which there is none (D5)."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.core.errors import PoseError
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.geometry.transforms import Transform

SECOND = 1_000_000_000


def drive(count: int = 11, step_ns: int = 100_000_000, speed: float = 10.0) -> Trajectory:
    stamps = SECOND + step_ns * np.arange(count)
    seconds = (stamps - SECOND) / SECOND
    positions = np.stack([speed * seconds, 0 * seconds, 0 * seconds], 1)
    quaternions = [Transform.from_euler(0, 0, 0.5 * s).quaternion for s in seconds]
    covariances = seconds[:, None, None] * np.eye(6)
    return Trajectory(stamps, positions, np.array(quaternions), covariances)


def test_between_samples_position_heading_and_covariance_are_linear() -> None:
    pose = drive().at(SECOND + 250_000_000)
    np.testing.assert_allclose(pose.map_from_base.translation, [2.5, 0, 0])
    assert pose.map_from_base.yaw_rad == pytest.approx(0.125)
    assert pose.covariance is not None
    np.testing.assert_allclose(pose.covariance, 0.25 * np.eye(6))


def test_samples_in_any_order_and_twice_give_the_same() -> None:
    straight = drive()
    order = np.r_[np.random.default_rng(0).permutation(11), 3, 3]
    assert straight.covariances is not None
    mixed = Trajectory(
        straight.stamps_ns[order],
        straight.positions[order],
        straight.quaternions[order],
        straight.covariances[order],
    )
    assert len(mixed) == 11
    at = SECOND + 333_333_333
    expected, found = straight.at(at).map_from_base, mixed.at(at).map_from_base
    np.testing.assert_allclose(found.matrix, expected.matrix)


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [(SECOND - 1, "before_start"), (2 * SECOND + 1, "after_end")],
)
def test_nothing_is_extrapolated(stamp: int, reason: str) -> None:
    with pytest.raises(PoseError) as caught:
        drive().at(stamp)
    assert caught.value.reason == reason


def test_a_gap_is_not_bridged_but_its_ends_are_poses() -> None:
    sparse = drive(count=3, step_ns=300_000_000)
    assert sparse.at(SECOND + 300_000_000).map_from_base.translation[0] == pytest.approx(3.0)
    with pytest.raises(PoseError, match=r"0\.300 s apart") as caught:
        sparse.at(SECOND + 100_000_000)
    assert caught.value.reason == "gap"


@pytest.mark.parametrize(("value", "reason"), [(np.nan, "nan"), (500.0, "jump")])
def test_a_bad_sample_spoils_only_its_neighbourhood(value: float, reason: str) -> None:
    good = drive()
    positions = good.positions.copy()
    positions[5, 1] = value
    bad = Trajectory(good.stamps_ns, positions, good.quaternions)
    with pytest.raises(PoseError) as caught:
        bad.at(SECOND + 450_000_000)
    assert caught.value.reason == reason
    assert bad.at(SECOND + 250_000_000).map_from_base.translation[0] == pytest.approx(2.5)


def test_an_empty_trajectory_has_no_pose() -> None:
    empty = Trajectory(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 4)))
    with pytest.raises(PoseError):
        empty.at(SECOND)
