"""Poses in another frame than the map's, or of another one than the vehicle's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import pose_at

from dalearn_ros.bags.poses import choose_pose_topic, read_trajectory
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.storage import Bag
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.errors import BagError
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform, rotation_of_vector

STATE = "/localization/kinematic_state"
MAP_FROM_ODOM = Transform.from_euler(0.0, 0.0, 0.7, (100.0, 20.0, 3.0))
BASE_FROM_ANTENNA = Transform.from_euler(0.0, 0.0, 0.1, (0.8, -0.2, 1.6))
COVARIANCE = np.diag([0.04, 0.01, 0.09, 1e-4, 4e-4, 9e-4])
Links = dict[tuple[str, str], Transform]


def odometry_bag(path: Path, frames: tuple[str, str], static: Links | None = None) -> Path:
    """Ten poses in those frames; the numbers are those of a vehicle in the map."""
    with BagWriter(path) as bag:
        if static:
            bag.transforms("/tf_static", 0, static)
        for number in range(10):
            pose = pose_at(number)
            covariances = (COVARIANCE, COVARIANCE)
            bag.odometry(STATE, pose.stamp_ns, pose.map_from_base, 10.0, 0.0, covariances, frames)
    return path


def test_poses_in_odom_are_carried_into_the_map(tmp_path: Path) -> None:
    path = odometry_bag(tmp_path / "bag", ("odom", "base_link"), {("map", "odom"): MAP_FROM_ODOM})
    with BagReader(path) as reader:
        found = reader.trajectory().at(pose_at(4).stamp_ns)
    expected = MAP_FROM_ODOM @ pose_at(4).map_from_base
    assert np.allclose(found.map_from_base.matrix, expected.matrix)
    turn = MAP_FROM_ODOM.rotation
    assert found.covariance is not None
    assert np.allclose(found.covariance[:3, :3], turn @ COVARIANCE[:3, :3] @ turn.T)


def test_odometry_is_read_in_its_own_frame(tmp_path: Path) -> None:
    path = odometry_bag(tmp_path / "bag", ("odom", "base_link"), {("map", "odom"): MAP_FROM_ODOM})
    with BagReader(path) as reader:
        found = reader.odometry(STATE).at(pose_at(4).stamp_ns)
        with pytest.raises(BagError, match=r"expected nav_msgs/msg/Odometry on the topic /tf_stat"):
            reader.odometry("/tf_static")
        with pytest.raises(BagError, match=r"/odom.*found no such topic"):
            reader.odometry("/odom")
    assert np.allclose(found.map_from_base.matrix, pose_at(4).map_from_base.matrix)


def test_poses_of_an_antenna_become_those_of_the_vehicle(tmp_path: Path) -> None:
    static = {("base_link", "gnss_antenna"): BASE_FROM_ANTENNA}
    path = odometry_bag(tmp_path / "bag", ("/map", "gnss_antenna"), static)
    with BagReader(path) as reader:
        found = reader.trajectory(STATE).at(pose_at(4).stamp_ns)
    given = pose_at(4).map_from_base
    antenna_from_base = BASE_FROM_ANTENNA.inverse()
    assert np.allclose(found.map_from_base.matrix, (given @ antenna_from_base).matrix)

    def moved(change: np.ndarray) -> np.ndarray:
        turned = rotation_of_vector(change[3:]) @ given.rotation
        return Transform(turned, given.translation + change[:3]).apply(
            antenna_from_base.translation
        )

    step = 1e-6
    by_place = np.array([(moved(step * e) - moved(-step * e)) / (2 * step) for e in np.eye(6)]).T
    assert found.covariance is not None
    assert np.allclose(found.covariance[:3, :3], by_place @ COVARIANCE @ by_place.T, atol=1e-9)
    assert np.allclose(found.covariance[3:, 3:], COVARIANCE[3:, 3:])


@pytest.mark.parametrize("frames", [("/map", "base_link"), ("", ""), ("map", "/base_link")])
def test_slashes_and_empty_names_change_nothing(tmp_path: Path, frames: tuple[str, str]) -> None:
    with BagReader(odometry_bag(tmp_path / "bag", frames)) as reader:
        found = reader.trajectory().at(0)
    assert np.allclose(found.map_from_base.matrix, pose_at(0).map_from_base.matrix)


def test_a_frame_that_nothing_joins_is_a_sentence_with_the_option(tmp_path: Path) -> None:
    path = odometry_bag(tmp_path / "odom", ("odom", "gnss_antenna"))
    with BagReader(path) as reader, pytest.raises(BagError) as caught:
        reader.trajectory(STATE)
    for words in (STATE, "in the frame 'map'", "found 'odom'", "map <- odom", "--map-frame odom"):
        assert words in str(caught.value)
    with BagReader(path, map_frame="odom") as reader, pytest.raises(BagError) as caught:
        reader.trajectory(STATE)
    for words in ("poses of 'base_link'", "found 'gnss_antenna'", "--base-frame gnss_antenna"):
        assert words in str(caught.value)
    with BagReader(path, "gnss_antenna", map_frame="/odom") as reader:
        assert np.allclose(reader.trajectory().positions[4], pose_at(4).map_from_base.translation)


def test_poses_without_a_transform_at_their_time_are_left_out(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        for number in range(10):
            pose = pose_at(number)
            bag.pose(STATE, Pose(pose.stamp_ns, pose.map_from_base), "odom")
            if number >= 3:
                bag.transforms("/tf", pose.stamp_ns, {("map", "odom"): MAP_FROM_ODOM})
    with Bag(tmp_path / "bag") as opened:
        poses = read_trajectory(opened, STATE)
    assert poses.stamps_ns.tolist() == [pose_at(number).stamp_ns for number in range(3, 10)]


def test_frames_that_change_are_a_sentence(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.pose(STATE, pose_at(0), "map")
        bag.pose(STATE, pose_at(1), "odom")
    with Bag(tmp_path / "bag") as opened, pytest.raises(BagError, match="poses in one frame"):
        read_trajectory(opened, STATE)


def test_the_only_pose_topic_in_another_frame_is_told_with_that_frame(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.pose("/gnss/pose", pose_at(0), "utm")
    with Bag(tmp_path / "bag") as opened:
        with pytest.raises(BagError) as caught:
            choose_pose_topic(opened, None)
        for words in ("in the frame 'map'", "/gnss/pose in 'utm'", "--map-frame utm takes it"):
            assert words in str(caught.value)
        assert choose_pose_topic(opened, None, "utm") == "/gnss/pose"


def test_tf_of_a_namespace_is_found(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "one") as bag:
        bag.transforms("/robot1/tf_static", 0, {("base_link", "antenna"): BASE_FROM_ANTENNA})
        for number in range(4):
            link = {("map", "base_link"): pose_at(number).map_from_base}
            bag.transforms("/robot1/tf", pose_at(number).stamp_ns, link)
    with BagReader(tmp_path / "one") as reader:
        assert reader.pose_topic() == "/robot1/tf"
        found = reader.trajectory()
        assert np.allclose(found.positions[2], pose_at(2).map_from_base.translation)
        assert found.source == "/robot1/tf"
    with BagReader(tmp_path / "one", map_frame="world") as reader:
        with pytest.raises(BagError, match=r"TF world <- base_link.*--map-frame"):
            reader.trajectory()


def test_tf_of_two_namespaces_must_be_named(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "two") as bag:
        for name in ("/robot1/tf", "/robot2/tf"):
            bag.transforms(name, 0, {("map", "base_link"): pose_at(0).map_from_base})
    with Bag(tmp_path / "two") as opened:
        with pytest.raises(BagError, match=r"found /robot1/tf, /robot2/tf.*--pose-topic"):
            choose_pose_topic(opened, None)
