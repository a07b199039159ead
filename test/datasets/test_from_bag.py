"""Labelling a drive with what may come with it: no heights, a LiDAR, a detector."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.osm_text import lane, local_node, way, write_osm
from helpers.small_drive import (
    BASE_FROM_CAMERA,
    CAMERA,
    POSE_TOPIC,
    jpeg,
    pose_at,
    write_bag,
    write_street,
)

from dalearn_ros.bags.images import decode_compressed
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.errors import BagError
from dalearn_ros.datasets import Dataset
from dalearn_ros.datasets.from_bag import Extras, label_bag
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Observations

SLOPE = 0.05
LIDAR = Transform.from_euler(0, 0, 0, (1.0, 0.0, 1.9))


def _uphill(number: int) -> Pose:
    """10 m/s up a slope of 5 %, from an altitude of 100 m."""
    x = 10.0 + 0.2 * number
    pitch = -float(np.arctan(SLOPE))
    where = Transform.from_euler(0.0, pitch, 0.0, (x, -1.75, 100.0 + SLOPE * x))
    return Pose(number * 20_000_000, where)


def _flat_drive(folder: Path) -> None:
    nodes = [(0, 2), (100, 2), (0, -4), (100, -4), (25, 2), (25, -4)]
    write_osm(
        folder / "map.osm",
        *(local_node(i, x, y, None) for i, (x, y) in enumerate(nodes)),
        way(10, [0, 1], kind="line_thin"),
        way(11, [2, 3], kind="line_thin"),
        way(20, [4, 5], kind="stop_line"),
        lane(40, 10, 11),
    )
    with BagWriter(folder / "bag") as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        for number in range(101):
            pose = _uphill(number)
            bag.pose(POSE_TOPIC, pose)
            if number in (5, 10):
                bag.camera_info("/camera/camera_info", pose.stamp_ns, CAMERA)
                bag.compressed_image("/camera/image/compressed", pose.stamp_ns, jpeg(), CAMERA.name)


@pytest.mark.parametrize("ground, word", [("trajectory", "positions of the drive"),
                                          ("plane", "plane through the wheels")])  # fmt: skip
def test_a_map_without_heights_stands_on_the_stated_ground(
    tmp_path: Path, ground: str, word: str
) -> None:
    _flat_drive(tmp_path)
    out = tmp_path / "out"
    summary = label_bag(tmp_path / "bag", tmp_path / "map.osm", out, extras=Extras(ground=ground))
    assert any(word in note for note in summary["notes"])
    assert word in (out / "audit.html").read_text()
    dataset = Dataset.open(out)
    for row, number in enumerate((5, 10)):
        labels = dataset.labels(row)
        assert len(labels) == 1
        x = 25.0 - 0.15  # its lower right end is half of its width before the line
        point = np.array([x, -4.0, 100.0 + SLOPE * x])
        camera_from_map = (_uphill(number).map_from_base @ BASE_FROM_CAMERA).inverse()
        expected, _ = CAMERA.project(camera_from_map.apply(point))
        assert labels.point_px[0] == pytest.approx(expected[0], abs=1.0)
        placed = np.array(dataset.meta(row)["map_from_camera"])
        assert placed[2, 3] > 100.0  # where the camera really was


def _two_cameras(folder: Path, second: str = "second") -> list[str]:
    """The street seen by two cameras at one place; every picture is another one."""
    write_street(folder / "map")
    names = ("front", second)
    with BagWriter(folder / "bag") as bag:
        bag.transforms("/tf_static", 0, {("base_link", n): BASE_FROM_CAMERA for n in names})
        for number in range(20):
            bag.pose(POSE_TOPIC, pose_at(number, 10.0))
        for camera, name in enumerate(names):
            seen_by = dataclasses.replace(CAMERA, name=name)
            bag.camera_info(f"/camera{camera}/camera_info", 0, seen_by)
            for number in (0, 5, 10, 15):
                picture, stamp = jpeg(20 * camera + number), pose_at(number).stamp_ns
                bag.compressed_image(f"/camera{camera}/image/compressed", stamp, picture, name)
    return [f"/camera{camera}/image/compressed" for camera in range(2)]


def test_each_camera_is_audited_by_itself(tmp_path: Path) -> None:
    """One camera's landmarks are seen 4 px to the right, the other's 6 px lower."""
    topics = _two_cameras(tmp_path)
    paths = tmp_path / "bag", tmp_path / "map"
    label_bag(*paths, tmp_path / "plain", camera_topic=topics)
    truth = Dataset.open(tmp_path / "plain")
    pictures = [decode_compressed(truth.image_path(i).read_bytes()) for i in range(len(truth))]

    def detect(image: np.ndarray, stamp_ns: int) -> Observations:
        row = next(i for i, picture in enumerate(pictures) if np.array_equal(picture, image))
        shift = {"front": [4.0, 0.0], "second": [0.0, 6.0]}[truth.meta(row)["camera"]["name"]]
        labels = truth.labels(row)
        labels = labels.select(~labels.ignore)
        count, nan = len(labels), np.full(len(labels), np.nan)
        return Observations(
            stamp_ns, labels.class_id, labels.point_px + shift, np.ones(count),
            np.zeros((count, 2, 2)), nan, nan, np.full(count, -1),
        )  # fmt: skip

    out = tmp_path / "out"
    label_bag(*paths, out, camera_topic=topics, extras=Extras(detect=detect, model="tiny"))
    found = json.loads((out / "audit.json").read_text())["against_detections"]
    cameras = found["cameras"]
    assert list(cameras) == ["front", "second"]
    medians = [own["residual_median_px"]["before"] for own in cameras.values()]
    assert medians == pytest.approx([4.0, 6.0], abs=1e-3)
    assert found["pairs"] == 2 * cameras["front"]["pairs"] > 0
    assert found["landmarks"] == cameras["front"]["landmarks"]
    with (out / "audit/landmarks.csv").open() as file:
        rows = list(csv.DictReader(file))
    shown = {(r["camera"], float(r["right_px"]), abs(float(r["down_px"]))) for r in rows}
    assert shown == {("front", 4.0, 0.0), ("second", 0.0, 6.0)}
    page = (out / "audit.html").read_text()
    assert "<h4>front</h4>" in page
    assert "<h4>second</h4>" in page


def test_two_cameras_of_one_name_are_refused(tmp_path: Path) -> None:
    topics = _two_cameras(tmp_path, second="front")
    with pytest.raises(BagError, match="different frame_ids, found both /camera0/image/compressed"):
        label_bag(tmp_path / "bag", tmp_path / "map", tmp_path / "out", camera_topic=topics)
    assert not (tmp_path / "out").exists()


def test_a_map_of_another_place_is_a_sentence(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag")
    far = [(0, 90000, 0), (4, 90000, 0)]
    nodes = [local_node(i, *place) for i, place in enumerate(far)]
    write_osm(tmp_path / "map.osm", *nodes, way(20, [0, 1], kind="stop_line"))
    with pytest.raises(BagError, match="none in any frame.*dalearn doctor"):
        label_bag(tmp_path / "bag", tmp_path / "map.osm", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _street(folder: Path) -> tuple[Path, Path]:
    write_street(folder / "map")
    write_bag(folder / "bag")
    return folder / "bag", folder / "map"


def _add_wall(folder: Path) -> Path:
    """The same drive with a cloud per frame: a wall across the road at x = 25 m, in the map."""
    path = folder / "with_cloud"
    y, z = (grid.ravel() for grid in np.meshgrid(np.arange(-9, 9, 0.05), np.arange(0, 6, 0.05)))
    wall = np.stack([np.full_like(y, 25.0), y, z], axis=1)
    with BagWriter(path) as bag:
        links = {("base_link", CAMERA.name): BASE_FROM_CAMERA, ("base_link", "lidar"): LIDAR}
        bag.transforms("/tf_static", 0, links)
        for number in range(10):
            pose = pose_at(number, 10.0)
            bag.pose(POSE_TOPIC, pose)
            if number % 5:
                continue
            bag.camera_info("/camera/camera_info", pose.stamp_ns, CAMERA)
            bag.compressed_image("/camera/image/compressed", pose.stamp_ns, jpeg(), CAMERA.name)
            points = (pose.map_from_base @ LIDAR).inverse().apply(wall).astype("<f4")
            fields = [
                bag.make("sensor_msgs/msg/PointField", name=n, offset=4 * i, datatype=7, count=1)
                for i, n in enumerate("xyz")
            ]
            message = bag.make(
                "sensor_msgs/msg/PointCloud2", header=bag.header(pose.stamp_ns, "lidar"),
                height=1, width=len(points), fields=fields, is_bigendian=False, point_step=12,
                row_step=12 * len(points), data=points.view(np.uint8).ravel(), is_dense=True,
            )  # fmt: skip
            bag.write("/lidar", "sensor_msgs/msg/PointCloud2", pose.stamp_ns, message)
    return path


def test_a_wall_in_the_cloud_hides_what_is_behind_it(tmp_path: Path) -> None:
    write_street(tmp_path / "map")
    bag = _add_wall(tmp_path)
    summary = label_bag(bag, tmp_path / "map", tmp_path / "hidden")
    assert summary["clouds"] == {"used": 2}
    assert summary["landmarks_dropped_by_reason"]["hidden"] >= 6
    labels = Dataset.open(tmp_path / "hidden").labels(0)
    assert labels.class_id[~labels.ignore].tolist() == [6]  # the arrow before the wall
    free = label_bag(bag, tmp_path / "map", tmp_path / "free", extras=Extras(cloud_topic="none"))
    assert free["clouds"] == {}
    assert free["labels"] > summary["labels"]
    with pytest.raises(BagError, match="cloud topics: /lidar"):
        label_bag(bag, tmp_path / "map", tmp_path / "x", extras=Extras(cloud_topic="/radar"))


def test_labels_are_audited_against_a_detector(tmp_path: Path) -> None:
    """A detector that sees everything 4 px too far to the right."""
    bag, map_path = _street(tmp_path)
    label_bag(bag, map_path, tmp_path / "plain")
    truth = Dataset.open(tmp_path / "plain")
    assert not (tmp_path / "plain/audit/landmarks.csv").exists()
    stamps = [truth.meta(i)["stamp_ns"] for i in range(len(truth))]

    def detect(image: np.ndarray, stamp_ns: int) -> Observations:
        assert image.std() > 1.0  # a decoded picture
        labels = truth.labels(stamps.index(stamp_ns))
        labels = labels.select(~labels.ignore)
        count, nan = len(labels), np.full(len(labels), np.nan)
        moved = labels.point_px + np.array([4.0, 0.0])
        return Observations(
            stamp_ns, labels.class_id, moved, np.ones(count), np.zeros((count, 2, 2)), nan, nan,
            np.full(count, -1),
        )  # fmt: skip

    out = tmp_path / "audited"
    label_bag(bag, map_path, out, extras=Extras(detect=detect, model="tiny"))
    found = json.loads((out / "audit.json").read_text())["against_detections"]
    assert found["pairs"] == found["labels"] == found["observations"] > 0
    assert found["residual_median_px"]["before"] == pytest.approx(4.0, abs=1e-3)
    with (out / "audit/landmarks.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {float(row["right_px"]) for row in rows} == {4.0}
    assert {float(row["down_px"]) for row in rows} <= {0.0, -0.0}
    page = (out / "audit.html").read_text()
    assert "against detections" in page
    assert Dataset.open(out).source["audit_model"] == "tiny"


@pytest.mark.parametrize(
    "encoding, shift_ns, told, not_told",
    [("yuv420", 0, "'yuv420' is not supported; known are bgr8", "poses"),
     ("bgr8", 10**12, "Do the poses on /ground_truth/pose cover", "supported")],
)  # fmt: skip
def test_why_no_frame_could_be_labelled(
    tmp_path: Path, encoding: str, shift_ns: int, told: str, not_told: str
) -> None:
    write_street(tmp_path / "map")
    with BagWriter(tmp_path / "bag") as bag:
        bag.transforms("/tf_static", 0, {("base_link", CAMERA.name): BASE_FROM_CAMERA})
        bag.camera_info("/camera/camera_info", 0, CAMERA)
        for number in range(3):
            bag.pose(POSE_TOPIC, pose_at(number, 10.0))
            stamp = pose_at(number).stamp_ns + shift_ns
            bag.image("/camera/image", stamp, np.zeros((384, 640, 3), np.uint8), encoding, "c")
    with pytest.raises(BagError) as caught:
        label_bag(tmp_path / "bag", tmp_path / "map", tmp_path / "out")
    assert told in str(caught.value)
    assert not_told not in str(caught.value).partition("found")[2]
