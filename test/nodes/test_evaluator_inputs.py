"""What the evaluator keeps: poses in any order and of the right frame, pictures in a budget."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.nodes.evaluator_inputs import DrivePoses, Pictures
from dalearn_ros.nodes.messages import pose_with_covariance_message


def pose(stamp_ns: int, x_m: float = 0.0, frame: str = "map"):  # type: ignore[no-untyped-def]
    found = Pose(stamp_ns, Transform.from_euler(0, 0, 0, [x_m, 0, 0]), np.eye(6))
    return pose_with_covariance_message(found, frame)


def test_poses_of_a_drive_may_come_in_any_order() -> None:
    poses = DrivePoses("~/input/pose", "map")
    for stamp in (1_000, 3_000, 2_000):
        assert poses.add(pose(stamp, stamp * 1e-3)) is False
    for stamp in (1_500, 2_500):
        found, why = poses.at(stamp)
        assert found is not None and why == ""
        assert found.map_from_base.translation[0] == pytest.approx(stamp * 1e-3)
    assert poses.at(3_001) == (None, "after_end")
    assert (poses.messages, poses.fault, len(poses.left_out)) == (3, "", 0)


def test_poses_of_another_frame_are_left_out_and_named() -> None:
    poses = DrivePoses("~/input/pose", "map")
    for stamp in (1, 2):
        poses.add(pose(stamp, frame="odom"))
    assert poses.at(1) == (None, "frame") and dict(poses.left_out) == {"frame": 2}
    assert "the map's frame 'map', found 'odom'" in poses.fault
    poses.add(pose(3))
    assert poses.at(3)[0] is not None and poses.at(1) == (None, "before_start")
    assert "found 'odom'" in poses.fault  # of the first, though a good one came after it
    anyhow = DrivePoses("~/input/pose", "")
    anyhow.add(pose(1, frame="odom"))
    assert anyhow.at(1)[0] is not None


def test_a_pose_without_covariance_is_not_left_out() -> None:
    poses = DrivePoses("~/input/pose", "map")
    message = pose(1)
    message.pose.covariance = np.zeros(36)
    poses.add(message)
    assert poses.at(1)[0] is not None and not poses.left_out


def test_pictures_stay_within_their_budget_and_spread_over_the_drive() -> None:
    pictures = Pictures(budget=100)
    for stamp in range(64):
        pictures.add(stamp, bytes(10))
    kept = [stamp for stamp in range(64) if pictures.get(stamp) is not None]
    assert kept == list(range(0, 64, 8)) and len(pictures) == 8 and pictures.every == 8
    pictures.add(64, bytes(1000))  # its turn; too large for any budget
    assert len(pictures) == 1
    few = Pictures(budget=100)
    for stamp in (1, 2, 1, 2, 1, 2):
        few.add(stamp, bytes(50))
    assert len(few) == 2 and few.every == 1  # the same stamp again takes no more room
