"""Single nodes over DDS: what they publish, what they say of bad input, how they end."""

from __future__ import annotations

import csv
import json
import signal
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray, LabelInfo

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes import camera_stream, landmark_detector, messages, qos
from dalearn_ros.nodes.landmark_messages import cloud_of, observations_of

pytestmark = [pytest.mark.dds, pytest.mark.timeout(420)]

CAMERA = Camera(640, 360, np.array([[575.0, 0, 319.5], [0, 575.0, 179.5], [0, 0, 1]]))
MOUNTING = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.0, 1.5]))
SIGN = np.array([14.0, -4.0, 2.6])  # the first of the drive's map
PATIENCE_S = 200.0


class Inbox:
    """Keeps what comes on a topic."""

    def __init__(self, node: Any, kind: type, topic: str, profile: Any = None) -> None:
        self.got: list[Any] = []
        node.create_subscription(kind, topic, self.got.append, profile or qos.results())


def status(inbox: Inbox, name: str) -> Any:
    """The latest status of a node; None if there is none yet."""
    found = [s for message in inbox.got for s in message.status if s.name == name]
    return found[-1] if found else None


def static_mounting() -> TFMessage:
    from geometry_msgs.msg import TransformStamped

    item = TransformStamped(header=messages.header_of(0, "base_link"))
    item.child_frame_id = "camera_optical"
    pose = messages.pose_message(MOUNTING)
    item.transform.rotation = pose.orientation
    t = item.transform.translation
    t.x, t.y, t.z = pose.position.x, pose.position.y, pose.position.z
    return TFMessage(transforms=[item])


def test_the_detector_detects_counts_bad_images_and_ends_cleanly(
    drive: Any, start: Any, listener: Any, tmp_path: Path
) -> None:
    clouds = Inbox(listener, PointCloud2, "/landmark_detector/output/landmarks")
    boxes = Inbox(listener, Detection2DArray, "/landmark_detector/output/detections")
    names = Inbox(listener, LabelInfo, "/landmark_detector/output/label_info", qos.latched())
    reports = Inbox(listener, DiagnosticArray, "/diagnostics", qos.results(100))
    camera = listener.create_publisher(CompressedImage, "/image/compressed", qos.results(5))
    journal = tmp_path / "journal.csv"
    child = start(
        "landmark_detector", "--ros-args", "-p", f"model:={drive.model}", "-p", "threads:=1",
        "-p", "image_transport:=compressed", "-p", f"journal:={journal}",
        "-r", "~/input/image/compressed:=/image/compressed",
    )  # fmt: skip
    listener.wait_until(camera.get_subscription_count, PATIENCE_S)
    listener.wait_until(lambda: names.got, PATIENCE_S)

    image = np.full((96, 96, 3), 120, np.uint8)
    image[32:40, 48:56] = (0, 0, 255)
    whole = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    stamp = 0

    def send_until(ready: Any, encoded: bytes) -> None:
        """One image at a time: best effort may lose the first ones."""
        nonlocal stamp
        while not ready():
            stamp += 1
            camera.publish(messages.compressed_message(encoded, stamp, "camera_optical"))
            before = len(reports.got)
            listener.wait_until(lambda n=before: ready() or len(reports.got) > n, PATIENCE_S)

    send_until(lambda: clouds.got and boxes.got, whole)
    found = observations_of(clouds.got[0])
    assert clouds.got[0].header.frame_id == "camera_optical"
    assert found.class_id.tolist() == [1]
    np.testing.assert_allclose(found.point_px, [[51.5, 35.5]], atol=0.6)
    detection = boxes.got[0].detections[0]
    assert detection.results[0].hypothesis.class_id == "1"
    assert detection.bbox.center.position.x == pytest.approx(found.point_px[0, 0], abs=1e-3)
    assert names.got[0].class_map[1].class_name == "warning_sign"

    def skipped() -> bool:
        state = status(reports, "/landmark_detector")
        values = {item.key: item.value for item in state.values} if state else {}
        return int(values.get("skipped.image:truncated", 0)) > 0

    send_until(skipped, whole[: len(whole) // 2])
    child.send_signal(signal.SIGTERM)
    assert child.wait(60) == 0
    with journal.open() as file:
        fates = {(row["fate"], row["reason"]) for row in csv.DictReader(file)}
    assert {("processed", ""), ("skipped", "image:truncated")} <= fates


def test_the_detectors_life_and_its_debug_image(
    drive: Any, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Configure, activate, deactivate, clean up and anew; it draws only for a subscriber."""
    settings = landmark_detector.DetectorNodeSettings(
        model=str(drive.model), image_transport="compressed", threads=1, auto_activate=False
    )
    drawn = []
    monkeypatch.setattr(landmark_detector.parameters, "declare", lambda *_: settings)
    monkeypatch.setattr(
        camera_stream, "draw_observations", lambda image, *_: drawn.append(1) or image
    )
    node = landmark_detector.LandmarkDetectorNode()
    topic, done = "/landmark_detector/output/landmarks", TransitionCallbackReturn.SUCCESS
    encoded = cv2.imencode(".jpg", np.full((96, 128, 3), 120, np.uint8))[1].tobytes()

    def detect(number: int) -> None:
        sent = messages.compressed_message(encoded, number, "camera_optical")
        node._on_image(node.streams[0], sent)
        processed = lambda: node.counters[""].counts()["processed"]  # noqa: E731
        listener.wait_until(lambda: processed() == number, PATIENCE_S)

    try:
        assert not listener.count_publishers(topic)
        assert node.trigger_configure() == node.trigger_activate() == done
        detect(1)
        assert drawn == []
        pictures = Inbox(listener, Image, "/landmark_detector/debug/image")
        listener.wait_until(node.streams[0]._picture.get_subscription_count, PATIENCE_S)
        detect(2)
        listener.wait_until(lambda: pictures.got, PATIENCE_S)
        assert drawn == [1]
        assert messages.pixels_of(pictures.got[0]).shape == (96, 128, 3)
        assert node.trigger_deactivate() == node.trigger_cleanup() == done
        assert node.trigger_configure() == node.trigger_activate() == done
        detect(3)
        assert len(list(node._managed_entities)) == 6  # none is left of the first life
    finally:
        node._stop_working()
        node.destroy_node()


def test_projector_and_localizer_on_one_moment(drive: Any, start: Any, listener: Any) -> None:
    """The projector puts the map's sign where the camera sees it; the localizer says what lacks."""
    projected = Inbox(listener, PointCloud2, "/map_projector/output/landmarks")
    reports = Inbox(listener, DiagnosticArray, "/diagnostics", qos.results(100))
    info = listener.create_publisher(CameraInfo, "/camera_info", qos.results())
    poses = listener.create_publisher(PoseWithCovarianceStamped, "/prior", qos.results())
    clouds = listener.create_publisher(PointCloud2, "/seen", qos.results())
    static = listener.create_publisher(TFMessage, "/tf_static", qos.latched(1))
    static.publish(static_mounting())
    shared = [
        "--ros-args", "-p", f"map:={drive.map}", "-p", "pose_type:=pose_with_covariance",
        "-r", "~/input/camera_info:=/camera_info", "-r", "~/input/pose:=/prior",
    ]  # fmt: skip
    projector = start("map_projector", *shared)
    localizer = start("landmark_localizer", *shared, "-r", "~/input/landmarks:=/seen")
    listener.wait_until(
        lambda: poses.get_subscription_count() == 2 and clouds.get_subscription_count() == 1,
        PATIENCE_S,
    )
    moment = 1_000_000_000

    def lacking() -> bool:
        state = status(reports, "/landmark_localizer")
        return state is not None and state.message.startswith("not enough landmarks")

    while not (projected.got and lacking()):
        for stamp in (moment - 10_000_000, moment + 10_000_000):
            pose = Pose(stamp, Transform.identity(), np.eye(6) * 1e-4)
            poses.publish(messages.pose_with_covariance_message(pose, "map"))
        info.publish(messages.camera_info_of(CAMERA, moment))
        clouds.publish(cloud_of(Observations.empty(moment), "camera_optical"))
        before = len(reports.got)
        listener.wait_until(lambda n=before: len(reports.got) > n + 1, PATIENCE_S)
        moment += 100_000_000

    seen = observations_of(projected.got[0])
    expected, _ = CAMERA.project(MOUNTING.inverse().apply(SIGN[None]))
    distance = np.linalg.norm(seen.point_px - expected, axis=1)
    assert distance.min() < 0.1
    nearest = int(np.argmin(distance))
    eye_to_sign = np.linalg.norm(SIGN - MOUNTING.translation)
    assert seen.range_m[nearest] == pytest.approx(eye_to_sign, abs=0.01)
    assert seen.class_id[nearest] == 1
    for child in (projector, localizer):
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 0


def test_in_lockstep_no_image_is_overwritten(drive: Any, start: Any, tmp_path: Path) -> None:
    journal, manifest = tmp_path / "journal.csv", tmp_path / "sent.json"
    detector = start(
        "landmark_detector", "--ros-args", "-p", f"model:={drive.model}", "-p", "threads:=1",
        "-p", "image_transport:=compressed", "-p", f"journal:={journal}",
        "-r", "~/input/image/compressed:=/camera/image_raw/compressed",
    )  # fmt: skip
    player = start(
        "bag_player", "--bag", str(drive.bag), "--lockstep", "--frames", "10",
        "--wait", "300", "--patience", "60", "--manifest", str(manifest),
    )  # fmt: skip
    assert player.wait(400) == 0
    content = json.loads(manifest.read_text())
    assert content["unanswered_ns"] == []
    sent = content["topics"]["/camera/image_raw/compressed"]["stamps_ns"]
    detector.send_signal(signal.SIGINT)
    assert detector.wait(60) == 0
    with journal.open() as file:
        assert [
            int(r["stamp_ns"]) for r in csv.DictReader(file) if r["fate"] == "processed"
        ] == sent
    assert len(sent) == 10


def test_a_wrong_parameter_file_is_a_sentence(start: Any, drive: Any, tmp_path: Path) -> None:
    (tmp_path / "cut.yaml").write_text("/**:\n  ros__parameters: [\n")
    (tmp_path / "near.yaml").write_text(
        f"/**:\n  ros__parameters: {{map: {drive.map}, minimum_match: 3, wheel_base: 2.7}}\n"
    )
    cases = {
        "landmark_localizer": ("near.yaml", "'minimum_match'", "Did you mean 'minimum_matches'?"),
        "map_projector": ("cut.yaml", "ROS cannot read its arguments", "cut.yaml"),
        "evaluator": ("none.yaml", "ROS cannot read its arguments", "none.yaml"),
    }
    children = {
        name: start(name, "--ros-args", "--params-file", str(tmp_path / file))
        for name, (file, *_) in cases.items()
    }
    for name, (_, *sentences) in cases.items():
        assert children[name].wait(300) == 1, name
        said = (tmp_path / f"{name}.log").read_text()
        assert all(sentence in said for sentence in sentences), said
        assert "Traceback" not in said
        assert "wheel_base" not in said


def test_a_users_mistake_is_a_sentence_and_exit_code_1(
    start: Any, drive: Any, tmp_path: Path
) -> None:
    cases = {
        "bag_player": (["--bag", str(tmp_path / "none")], "there is no such bag"),
        "landmark_detector": (
            ["--ros-args", "-p", f"model:={tmp_path}/none.onnx"],
            "there is no such model file",
        ),
        "landmark_localizer": ([], "the parameter 'map' is empty"),
        "evaluator": (
            ["--ros-args", "-p", f"map:={drive.map}", "-p", "match_px:=-3.0"],
            "match_px",
        ),
    }
    children = {name: start(name, *words) for name, (words, _) in cases.items()}
    for name, (_, sentence) in cases.items():
        assert children[name].wait(300) == 1, name
        said = (tmp_path / f"{name}.log").read_text()
        assert sentence in said
        assert "Traceback" not in said


def test_a_late_rectified_camera_in_the_projector(drive: Any, start: Any, listener: Any) -> None:
    """Poses 0.2 s after the stamp, P for K, R and P's fourth column for the camera's place."""
    projected = Inbox(listener, PointCloud2, "/map_projector/output/landmarks")
    info = listener.create_publisher(CameraInfo, "/camera_info", qos.results())
    poses = listener.create_publisher(PoseWithCovarianceStamped, "/poses", qos.results())
    static = listener.create_publisher(TFMessage, "/tf_static", qos.latched(1))
    static.publish(static_mounting())
    start(
        "map_projector", "--ros-args", "-p", f"map:={drive.map}",
        "-p", "pose_type:=pose_with_covariance", "-p", "time_offset_s:=0.2",
        "-p", "rectified:=true",
        "-r", "~/input/camera_info:=/camera_info", "-r", "~/input/pose:=/poses",
    )  # fmt: skip
    listener.wait_until(
        lambda: poses.get_subscription_count() and info.get_subscription_count(), PATIENCE_S
    )
    turn = Transform.from_euler(0.01, -0.02, 0.0)
    projection = np.array([[500.0, 0, 300, -60], [0, 500, 170, 0], [0, 0, 1, 0]])
    moment = 1_000_000_000
    while not projected.got:
        for later_ns in range(0, 300_000_000, 50_000_000):  # 10 m/s from x = 0 at the stamp
            there = Transform.from_euler(0, 0, 0, (10e-9 * later_ns, 0, 0))
            pose = Pose(moment + later_ns, there, np.eye(6) * 1e-4)
            poses.publish(messages.pose_with_covariance_message(pose, "map"))
        message = messages.camera_info_of(CAMERA, moment)
        message.d = [-0.3, 0.1, 0.0, 0.0, 0.0]  # of the raw image only
        message.r, message.p = turn.rotation.ravel(), projection.ravel()
        info.publish(message)
        deadline = time.monotonic() + 2.0
        while not projected.got and time.monotonic() < deadline:
            listener.wait_until(lambda d=deadline: projected.got or time.monotonic() > d, 5.0)
        moment += 1_000_000_000
    seen = observations_of(projected.got[0])
    late = Transform.from_euler(0, 0, 0, (2.0, 0, 0))
    in_optical = (late @ MOUNTING).inverse().apply(SIGN[None])
    u, v, w = projection @ np.append(turn.rotation @ in_optical[0], 1.0)
    assert np.linalg.norm(seen.point_px - [u / w, v / w], axis=1).min() < 0.1
