"""The bag that we write is read back by an independent reader as it was meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from rosbags.highlevel import AnyReader

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import atomic_directory
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform

STAMP = 1_700_000_000_123_456_789
MATRIX = np.array([[900.0, 0.0, 641.0], [0.0, 910.0, 359.0], [0.0, 0.0, 1.0]])


def _write(path: Path) -> None:
    camera = Camera(1280, 720, MATRIX, np.array([-0.2, 0.05, 0.001, -0.002, 0.01]), name="cam")
    place = Transform.from_euler(0.1, -0.2, 0.3, (1.0, 2.0, 3.0))
    covariance = np.arange(36.0).reshape(6, 6)
    with BagWriter(path) as bag:
        bag.transforms("/tf_static", STAMP, {("base_link", "cam"): place})
        bag.compressed_image("/image/compressed", STAMP, b"\xff\xd8jpeg", "cam")
        bag.camera_info("/info", STAMP, camera)
        bag.image("/depth", STAMP, np.array([[1.5, np.inf]], np.float32), "32FC1", "cam")
        bag.pose("/truth", Pose(STAMP, place))
        bag.pose_with_covariance("/prior", Pose(STAMP, place, covariance))
        bag.odometry("/odometry", STAMP, place, 7.5, 0.25)


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    path = tmp_path_factory.mktemp("bag") / "bag"
    _write(path)
    found = {}
    with AnyReader([path]) as reader:
        for connection, stamp, raw in reader.messages():
            assert stamp == STAMP
            found[connection.topic] = reader.deserialize(raw, connection.msgtype)
    return found


def test_the_camera_travels(messages: dict) -> None:
    info = messages["/info"]
    np.testing.assert_allclose(info.k, MATRIX.ravel())
    np.testing.assert_allclose(info.d, [-0.2, 0.05, 0.001, -0.002, 0.01])
    np.testing.assert_allclose(info.p.reshape(3, 4)[:, :3], MATRIX)
    assert (info.width, info.height, info.distortion_model) == (1280, 720, "plumb_bob")
    assert info.header.frame_id == "cam"
    assert info.header.stamp.sec * 10**9 + info.header.stamp.nanosec == STAMP


def test_images_travel(messages: dict) -> None:
    assert messages["/image/compressed"].data.tobytes() == b"\xff\xd8jpeg"
    assert messages["/image/compressed"].format == "jpeg"
    depth = messages["/depth"]
    assert (depth.height, depth.width, depth.step, depth.encoding) == (1, 2, 8, "32FC1")
    np.testing.assert_array_equal(depth.data.view(np.float32), [1.5, np.inf])


def test_poses_travel(messages: dict) -> None:
    # Quaternion of fixed-axis roll 0.1, pitch -0.2, yaw 0.3, by half angles.
    expected = [0.06406, -0.09116, 0.15344, 0.98186]
    orientation = messages["/truth"].pose.orientation
    got = [orientation.x, orientation.y, orientation.z, orientation.w]
    np.testing.assert_allclose(got, expected, atol=2e-5)
    prior = messages["/prior"]
    assert prior.header.frame_id == "map"
    np.testing.assert_allclose(prior.pose.covariance, np.arange(36.0))
    assert prior.pose.pose.position.y == 2.0
    odometry = messages["/odometry"]
    assert (odometry.header.frame_id, odometry.child_frame_id) == ("odom", "base_link")
    assert (odometry.twist.twist.linear.x, odometry.twist.twist.angular.z) == (7.5, 0.25)
    link = messages["/tf_static"].transforms[0]
    assert (link.header.frame_id, link.child_frame_id) == ("base_link", "cam")


def test_tf_static_is_latched(tmp_path: Path) -> None:
    _write(tmp_path / "bag")
    text = (tmp_path / "bag" / "metadata.yaml").read_text()
    topics = yaml.safe_load(text)["rosbag2_bagfile_information"]["topics_with_message_count"]
    qos = {t["topic_metadata"]["name"]: t["topic_metadata"]["offered_qos_profiles"] for t in topics}
    assert qos["/tf_static"][0]["durability"] == "transient_local"
    assert not qos["/image/compressed"]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        _write(tmp_path / name / "bag")
    first, second = ((tmp_path / n / "bag" / "bag.mcap").read_bytes() for n in ("a", "b"))
    assert first == second


def test_an_existing_bag_is_refused_and_a_failed_one_removed(tmp_path: Path) -> None:
    _write(tmp_path / "bag")
    with pytest.raises(InputError, match="exists already"):
        BagWriter(tmp_path / "bag")

    def interrupted() -> None:
        with atomic_directory(tmp_path / "new") as folder, BagWriter(folder / "bag") as bag:
            bag.pose("/truth", Pose(1, Transform.identity()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bag"]
