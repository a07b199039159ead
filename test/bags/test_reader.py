"""Frames, poses, mounting and depth out of bags; sentences for bags that lack something."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import (
    BASE_FROM_CAMERA,
    CAMERA,
    POSE_TOPIC,
    STEP_NS,
    jpeg,
    pose_at,
    write_bag,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from dalearn_ros.bags.poses import choose_pose_topic
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.storage import Bag
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.errors import BagError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform

COMPRESSED = "/camera/image_raw/compressed"


def test_a_frame_carries_all_that_belongs_to_it(tmp_path: Path) -> None:
    write_bag(tmp_path / "drive" / "bag", frames=3, depth_m=50.0)
    with BagReader(tmp_path / "drive" / "bag") as reader:
        frames = list(reader.frames(pose_topic=POSE_TOPIC))
        assert reader.name == "drive"
        assert reader.camera_topic() == COMPRESSED
    assert [frame.stamp_ns for frame in frames] == [0, 100_000_000, 200_000_000]
    frame = frames[1]
    assert frame.image.shape == (384, 640, 3)
    assert frame.encoded == jpeg(5)
    assert np.allclose(frame.camera.matrix, CAMERA.matrix)
    assert np.allclose(frame.base_from_camera.matrix, BASE_FROM_CAMERA.matrix)
    assert frame.pose is not None
    assert np.allclose(frame.pose.map_from_base.translation, [11.0, -1.75, 0.0])
    assert frame.depth_m is not None
    assert frame.depth_m.shape == (384, 640)
    assert frame.depth_m[3, 4] == 50.0


def test_undecoded_frames_have_their_bytes(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", frames=2)
    with BagReader(tmp_path / "bag") as reader:
        frames = list(reader.frames(decode=False))
    assert [frame.encoded for frame in frames] == [jpeg(0), jpeg(5)]
    assert frames[0].image.shape == (384, 640, 3)
    assert frames[0].image.max() == 0
    assert frames[0].pose is None


def test_a_broken_image_is_skipped_and_counted(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", frames=4, broken=(1,))
    with BagReader(tmp_path / "bag") as reader:
        for decode in (True, False):
            assert len(list(reader.frames(decode=decode))) == 3
            assert reader.skipped == {"image:truncated": 1}


def test_a_second_image_of_a_stamp_is_skipped_and_counted(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        bag.camera_info("/camera/camera_info", 0, CAMERA)
        for stamp, picture in ((5, jpeg(0)[:999]), (5, jpeg(1)), (5, jpeg(2)), (6, jpeg(3))):
            bag.compressed_image(COMPRESSED, stamp, picture, CAMERA.name)
    with BagReader(tmp_path / "bag") as reader:
        frames = list(reader.frames(decode=False))
        assert [frame.encoded for frame in frames] == [jpeg(1), jpeg(3)]
        assert reader.skipped == {"image:truncated": 1, "image:duplicate": 1}


def test_an_image_of_another_size_is_counted(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        bag.camera_info("/camera/camera_info", 0, CAMERA)
        bag.compressed_image(COMPRESSED, 0, jpeg(0, (320, 200)), CAMERA.name)
    with BagReader(tmp_path / "bag") as reader:
        assert list(reader.frames(decode=False)) == []
        assert reader.skipped == {"image:size": 1}


def test_depth_that_comes_later_is_still_matched(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        bag.camera_info("/camera/camera_info", 0, CAMERA)
        for stamp in (1000, 2000):  # both images, then both depths, in the wrong order
            bag.compressed_image(COMPRESSED, stamp * 100_000, jpeg(), CAMERA.name)
        for stamp in (2000, 1000):
            depth = np.full((384, 640), stamp / 100, np.float32)
            bag.image("/camera/depth", stamp * 100_000, depth, "32FC1", CAMERA.name)
    with BagReader(tmp_path / "bag") as reader:
        found = [frame.depth_m[0, 0] for frame in reader.frames()]  # type: ignore[index]
    assert found == [10.0, 20.0]


def test_frames_without_a_usable_pose_are_counted_by_reason(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        bag.camera_info("/camera/camera_info", 0, CAMERA)
        for milliseconds in (0, 110, 210, 350, 610, 810, 2000):
            bag.compressed_image(COMPRESSED, milliseconds * 1_000_000, jpeg(), CAMERA.name)
        places = {100: 0.0, 200: 1.0, 300: np.nan, 400: 3.0, 800: 7.0, 820: 300.0, 840: 301.0}
        for milliseconds, x in places.items():
            moved = Transform(np.eye(3), np.array([x, 0.0, 0.0]))
            bag.pose(POSE_TOPIC, Pose(milliseconds * 1_000_000, moved))
    with BagReader(tmp_path / "bag") as reader:
        frames = list(reader.frames(pose_topic=POSE_TOPIC))
        assert [frame.pose is not None for frame in frames] == [False, True] + [False] * 5
        assert reader.skipped == {
            "pose:before_start": 1,
            "pose:nan": 2,
            "pose:gap": 1,
            "pose:jump": 1,
            "pose:after_end": 1,
        }


def test_a_jump_at_the_very_stamp_of_an_image_is_noticed(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        bag.camera_info("/camera/camera_info", 0, CAMERA)
        for number, x in enumerate((0.0, 1.0, 500.0, 501.0)):
            moved = Transform(np.eye(3), np.array([x, 0.0, 0.0]))
            bag.pose(POSE_TOPIC, Pose(number * 100_000_000, moved))
            bag.compressed_image(COMPRESSED, number * 100_000_000, jpeg(), CAMERA.name)
    with BagReader(tmp_path / "bag") as reader:
        found = [frame.pose is not None for frame in reader.frames(pose_topic=POSE_TOPIC)]
        assert found == [True, True, False, True]
        assert reader.skipped == {"pose:jump": 1}


def test_every_kind_of_pose_message_gives_the_same_trajectory(tmp_path: Path) -> None:
    covariance = np.diag(np.arange(1.0, 7.0))
    with BagWriter(tmp_path / "bag") as bag:
        for number in range(4):
            pose = Pose(pose_at(number).stamp_ns, pose_at(number).map_from_base, covariance)
            bag.pose("/stamped", pose)
            bag.pose_with_covariance("/covariance", pose)
            bag.odometry(
                "/odometry", pose.stamp_ns, pose.map_from_base, 1.0, 0.0, (covariance, covariance),
                ("map", "base_link"),
            )  # fmt: skip
            bag.transforms("/tf", pose.stamp_ns, {("map", "base_link"): pose.map_from_base})
    with BagReader(tmp_path / "bag") as reader:
        for topic in ("/stamped", "/covariance", "/odometry", "/tf"):
            found = reader.trajectory(topic).at(int(1.5 * STEP_NS))
            assert np.allclose(found.map_from_base.translation, [0.3, -1.75, 0.0])
            expected = None if topic in ("/stamped", "/tf") else covariance
            assert (found.covariance is None) == (expected is None)
            assert expected is None or np.allclose(found.covariance, expected)


def test_the_pose_topic_is_chosen_by_the_rule(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.pose("/b", pose_at(0))
        bag.odometry("/odometry", 0, Transform.identity(), 0, 0, None, ("odom", "base_link"))
    with Bag(tmp_path / "bag") as bag_:
        assert choose_pose_topic(bag_, None) == "/b"  # odometry is not in the map frame
        assert choose_pose_topic(bag_, "/odometry") == "/odometry"
        with pytest.raises(BagError, match=r"pose topics: /b, /odometry"):
            choose_pose_topic(bag_, "/c")
    with BagWriter(tmp_path / "two") as bag:
        bag.pose("/a", pose_at(0))
        bag.pose("/b", pose_at(0))
    with Bag(tmp_path / "two") as bag_, pytest.raises(BagError, match="--pose-topic"):
        choose_pose_topic(bag_, None)


def test_a_bag_without_poses_is_a_sentence(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.camera_info("/camera/camera_info", 0, CAMERA)
    with BagReader(tmp_path / "bag") as reader, pytest.raises(BagError, match="need vehicle poses"):
        reader.trajectory()


def test_a_bag_without_camera_info_is_a_sentence(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", frames=1, info=False)
    with BagReader(tmp_path / "bag") as reader, pytest.raises(BagError) as caught:
        list(reader.frames())
    assert "/camera/camera_info" in str(caught.value)
    assert "no sensor_msgs/CameraInfo" in str(caught.value)


def test_a_missing_mounting_names_the_frame(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", frames=1, mounting=False)
    with BagReader(tmp_path / "bag") as reader, pytest.raises(BagError, match="camera_optical"):
        list(reader.frames())


def test_an_uncalibrated_camera_is_a_sentence(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        camera = Camera(640, 384, CAMERA.matrix)
        object.__setattr__(camera, "matrix", np.zeros((3, 3)))
        bag.camera_info("/camera/camera_info", 0, camera)
        bag.compressed_image(COMPRESSED, 0, jpeg(), CAMERA.name)
    with BagReader(tmp_path / "bag") as reader, pytest.raises(BagError, match="calibrated"):
        reader.camera()


def test_several_cameras_must_be_named(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as bag:
        bag.compressed_image("/left/image/compressed", 0, jpeg(), "left")
        bag.compressed_image("/right/image/compressed", 0, jpeg(), "right")
    with BagReader(tmp_path / "bag") as reader:
        with pytest.raises(BagError, match="/left/image/compressed, /right"):
            reader.camera_topic()
        with pytest.raises(BagError, match="image topics: /left"):
            reader.camera_topic("/front")


def _two_cameras(folder: Path) -> None:
    """A raw camera ahead and a rectified one that is turned by R."""
    turn = Transform.from_euler(0.02, -0.01, 0.0)
    with BagWriter(folder) as bag:
        mounted = {("base_link", name): BASE_FROM_CAMERA for name in ("front", "side")}
        bag.transforms("/tf_static", 0, mounted)
        bag.camera_info("/front/camera_info", 0, dataclasses.replace(CAMERA, name="front"))
        bag.camera_info("/side/camera_info", 0, dataclasses.replace(CAMERA, name="side"))
        message = bag.make("sensor_msgs/msg/CameraInfo", **_info_fields(bag, turn))
        bag.write("/turned/camera_info", "sensor_msgs/msg/CameraInfo", 0, message)
        for number in range(0, 20, 5):
            stamp = pose_at(number).stamp_ns
            bag.compressed_image("/front/image_raw/compressed", stamp, jpeg(number), "front")
            bag.compressed_image("/side/image_raw/compressed", stamp, jpeg(number), "side")
            bag.compressed_image("/turned/image_rect/compressed", stamp, jpeg(number), "front")
        for number in range(30):
            bag.pose(POSE_TOPIC, pose_at(number))


def _info_fields(bag: BagWriter, turn: Transform) -> dict[str, object]:
    zeros = {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False}
    matrix = CAMERA.matrix * [[0.9], [0.9], [1.0]]
    return {
        "header": bag.header(0, "front"), "height": 384, "width": 640,
        "distortion_model": "plumb_bob", "d": np.array([-0.2, 0.05, 0.0, 0.0, 0.0]),
        "k": CAMERA.matrix.ravel(), "r": turn.rotation.ravel(),
        "p": np.hstack([matrix, np.zeros((3, 1))]).ravel(), "binning_x": 0, "binning_y": 0,
        "roi": bag.make("sensor_msgs/msg/RegionOfInterest", **zeros),
    }  # fmt: skip


def test_several_cameras_come_one_after_the_other(tmp_path: Path) -> None:
    _two_cameras(tmp_path / "bag")
    topics = [f"/{name}/image_raw/compressed" for name in ("front", "side")]
    with BagReader(tmp_path / "bag") as reader:
        frames = list(reader.frames_of(topics, POSE_TOPIC))
    assert [frame.camera.name for frame in frames] == ["front"] * 4 + ["side"] * 4
    assert len({frame.name for frame in frames}) == 8
    assert frames[5].name == f"{pose_at(5).stamp_ns:019d}_side"


def test_a_rectified_topic_is_read_with_p_and_r(tmp_path: Path) -> None:
    _two_cameras(tmp_path / "bag")
    topic = "/turned/image_rect/compressed"
    turn = Transform.from_euler(0.02, -0.01, 0.0)
    with BagReader(tmp_path / "bag") as reader:
        frame = next(reader.frames(topic))
        assert not frame.camera.distortion.any()
        assert frame.camera.matrix[0, 0] == pytest.approx(450.0)
        expected = BASE_FROM_CAMERA @ turn.inverse()
        assert np.allclose(frame.base_from_camera.matrix, expected.matrix)
    with BagReader(tmp_path / "bag", rectified=False) as reader:
        frame = next(reader.frames(topic))
        assert frame.camera.distortion[0] == -0.2
        assert np.allclose(frame.base_from_camera.matrix, BASE_FROM_CAMERA.matrix)


def test_the_time_offset_moves_the_pose_and_not_the_stamp(tmp_path: Path) -> None:
    _two_cameras(tmp_path / "bag")
    topic = "/front/image_raw/compressed"
    with BagReader(tmp_path / "bag", time_offset_ns=30_000_000) as reader:
        frames = list(reader.frames(topic, POSE_TOPIC))
    assert [frame.stamp_ns for frame in frames] == [pose_at(n).stamp_ns for n in (0, 5, 10, 15)]
    found = [frame.pose.map_from_base.translation[0] for frame in frames if frame.pose]
    assert np.allclose(found, [0.3, 1.3, 2.3, 3.3])  # 10 m/s for 30 ms


def test_an_empty_bag_is_a_sentence(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag"):
        pass
    with pytest.raises(BagError, match="an empty bag"):
        BagReader(tmp_path / "bag")


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_a_truncated_file_is_a_sentence(tmp_path: Path, share: float) -> None:
    write_bag(tmp_path / "bag", frames=3)
    file = next((tmp_path / "bag").glob("*.mcap"))
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    for path in (tmp_path / "bag", file):
        with pytest.raises(BagError, match="truncated or damaged") as caught:
            BagReader(path)
        assert str(tmp_path) in str(caught.value)


def test_damage_in_the_middle_of_sqlite_is_a_sentence(tmp_path: Path) -> None:
    types, kind = get_typestore(Stores.ROS2_JAZZY), "std_msgs/msg/String"
    long = types.serialize_cdr(types.types[kind]("x" * 40_000), kind)
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connection = writer.add_connection("/text", kind, typestore=types)
        for stamp_ns in range(5):
            writer.write(connection, stamp_ns, long)
    (file,) = (tmp_path / "bag").glob("*.db3")
    content = bytearray(file.read_bytes())
    page = content.index(b"x" * 4000, len(content) // 2) // 4096 * 4096
    content[page : page + 4] = b"\xff" * 4  # where the text goes on
    file.write_bytes(content)
    with Bag(tmp_path / "bag") as bag, pytest.raises(BagError, match="malformed"):
        list(bag.raw())


def test_damage_anywhere_is_a_sentence_or_one_frame(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", frames=2)
    file = next((tmp_path / "bag").glob("*.mcap"))
    whole = file.read_bytes()
    refused = 0
    for place in np.linspace(0, len(whole) - 60, 16).astype(int):
        file.write_bytes(whole[:place] + b"\xff" * 50 + whole[place + 50 :])
        try:
            with BagReader(tmp_path / "bag") as reader:
                list(reader.frames(pose_topic=POSE_TOPIC, decode=False))
        except BagError as error:
            assert str(tmp_path) in str(error)
            refused += 1
    assert refused >= 1


def test_a_single_file_is_a_bag(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", frames=2)
    file = next((tmp_path / "bag").glob("*.mcap"))
    (tmp_path / "bag" / "metadata.yaml").unlink()
    for path in (file, tmp_path / "bag"):
        with BagReader(path) as reader:
            assert len(list(reader.frames())) == 2


def test_what_is_no_bag_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="no such bag"):
        BagReader(tmp_path / "none")
    with pytest.raises(BagError, match=r"neither metadata\.yaml"):
        BagReader(tmp_path)
    (tmp_path / "a.bag").write_bytes(b"x")
    with pytest.raises(BagError, match=r"'\.bag' file"):
        BagReader(tmp_path / "a.bag")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["topics_and_services.mcap", "topics_and_services.db3"])
def test_genuine_files_of_both_storages(real_data: Path, name: str) -> None:
    with Bag(real_data / "rosbag2_tiny" / name) as bag:
        messages = list(bag.raw(["/parameter_events"]))
        assert len(messages) == 7
        assert bag.decode(messages[0]).node.startswith("/")
