"""Clouds out of a bag: bytes to points, the right one in time, the motion undone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.small_drive import BASE_FROM_CAMERA, CAMERA, POSE_TOPIC, pose_at

from dalearn_ros.bags.clouds import CloudReader, choose_cloud_topic, cloud_topics, points_of
from dalearn_ros.bags.poses import read_trajectory, read_transforms
from dalearn_ros.bags.storage import Bag
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.errors import BagError
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Frame

LIDAR = Transform.from_euler(0, 0, 0.5, (1.0, 0.0, 1.9))
POST_M = np.array([30.0, -2.0, 1.0])  # in the map


def _field(name: str, offset: int, datatype: int = 7) -> SimpleNamespace:
    return SimpleNamespace(name=name, offset=offset, datatype=datatype, count=1)


def _message(points: np.ndarray, big: bool = False, padding: int = 0) -> SimpleNamespace:
    """x, y, z at 0, 4, 8 of 16 bytes, two rows with padding at the end of each."""
    table = np.zeros((2, len(points) // 2, 4), ">f4" if big else "<f4")
    table[..., :3] = points.reshape(2, -1, 3)
    rows = table.view(np.uint8).reshape(2, -1)
    data = np.concatenate([rows, np.full((2, padding), 7, np.uint8)], axis=1).ravel()
    return SimpleNamespace(
        fields=[_field("x", 0), _field("y", 4), _field("z", 8)], point_step=16,
        row_step=rows.shape[1] + padding, width=len(points) // 2, height=2, is_bigendian=big,
        data=data,
    )  # fmt: skip


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("padding", [0, 12])
def test_points_come_out_as_they_went_in(big: bool, padding: int) -> None:
    points = np.arange(18.0).reshape(6, 3)
    assert np.allclose(points_of(_message(points, big, padding)), points)


def test_no_return_is_left_out() -> None:
    points = np.arange(12.0).reshape(4, 3)
    points[1, 2] = np.nan
    assert np.allclose(points_of(_message(points)), points[[0, 2, 3]])


def test_bytes_that_do_not_fit_are_refused() -> None:
    short = _message(np.zeros((4, 3)))
    short.data = short.data[:-1]
    with pytest.raises(ValueError, match="too few"):
        points_of(short)
    flat = _message(np.zeros((4, 3)))
    flat.fields = flat.fields[:2]
    with pytest.raises(ValueError, match="x, y and z"):
        points_of(flat)


def _cloud(bag: BagWriter, topic: str, stamp: int, points: np.ndarray, frame: str) -> None:
    names = ("x", "y", "z")
    fields = [
        bag.make("sensor_msgs/msg/PointField", name=n, offset=4 * i, datatype=7, count=1)
        for i, n in enumerate(names)
    ]
    data = np.ascontiguousarray(points, dtype="<f4").view(np.uint8).ravel()
    message = bag.make(
        "sensor_msgs/msg/PointCloud2", header=bag.header(stamp, frame), height=1,
        width=len(points), fields=fields, is_bigendian=False, point_step=12,
        row_step=len(data), data=data, is_dense=True,
    )  # fmt: skip
    bag.write(topic, "sensor_msgs/msg/PointCloud2", stamp, message)


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Poses at 50 Hz, 10 m/s; a cloud every 100 ms, 40 ms after a frame, with one post in it."""
    path = tmp_path / "bag"
    with BagWriter(path) as writer:
        links = {("base_link", "lidar"): LIDAR, ("base_link", CAMERA.name): BASE_FROM_CAMERA}
        writer.transforms("/tf_static", 0, links)
        for number in range(40):
            pose = pose_at(number)
            writer.pose(POSE_TOPIC, pose)
            if number % 5 == 2 and number < 25:
                in_lidar = (pose.map_from_base @ LIDAR).inverse().apply(POST_M)
                behind = np.array([-50.0, 0.0, 0.0])
                _cloud(
                    writer, "/lidar/points", pose.stamp_ns, np.stack([in_lidar, behind]), "lidar"
                )
    return path


def _frame(number: int) -> Frame:
    pose = pose_at(number)
    image = np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
    return Frame(image, pose.stamp_ns, CAMERA, BASE_FROM_CAMERA, pose)


def test_the_motion_between_cloud_and_image_is_undone(bag: Path) -> None:
    with Bag(bag) as opened:
        assert choose_cloud_topic(opened, None) == "/lidar/points"
        poses, links = read_trajectory(opened, POSE_TOPIC), read_transforms(opened)
    with CloudReader(bag, "/lidar/points", poses, links) as clouds:
        for number in (0, 5, 10, 12):
            frame = _frame(number)
            found = clouds.at(frame)
            assert found is not None
            assert np.allclose(found, frame.camera_from_map.apply(POST_M)[None], atol=1e-5)
        assert clouds.at(_frame(35)) is None  # the last cloud is 260 ms away
        assert clouds.counts == {"used": 4, "none": 1}


def test_an_unconnected_lidar_is_counted(bag: Path) -> None:
    with Bag(bag) as opened:
        poses = read_trajectory(opened, POSE_TOPIC)
        links = read_transforms(opened)
    with CloudReader(bag, "/lidar/points", poses, links, "chassis") as clouds:
        assert clouds.at(_frame(0)) is None
        assert clouds.counts == {"tf": 1}


def test_several_clouds_need_a_name(tmp_path: Path) -> None:
    path = tmp_path / "bag"
    with BagWriter(path) as writer:
        for topic in ("/left", "/right"):
            _cloud(writer, topic, 0, np.ones((2, 3)), "lidar")
    with Bag(path) as opened:
        assert cloud_topics(opened) == ["/left", "/right"]
        assert choose_cloud_topic(opened, None) is None
        assert choose_cloud_topic(opened, "/left") == "/left"
        with pytest.raises(BagError, match="cloud topics: /left, /right"):
            choose_cloud_topic(opened, "/camera")
