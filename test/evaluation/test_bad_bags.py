"""Bags in which something is wrong: a clear sentence, or a skip that is counted."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.changed_bag import change_bag, stamped, without

from dalearn_ros.bags.result_bag import LANDMARKS_TOPIC
from dalearn_ros.bags.stamps import header_stamp
from dalearn_ros.bags.storage import Bag, RawMessage
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.cli.main import main
from dalearn_ros.core.errors import BagError
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.outputs import OutputPaths
from dalearn_ros.evaluation.replay import evaluate_bag
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.landmarks.catalogue import LabelSpace

IMAGE, INFO = "/camera/image_raw/compressed", "/camera/camera_info"
TRUTH, PRIOR, ODOMETRY = "/ground_truth/pose", "/localization/prior", "/odometry"


def replay(drive: Any, bag: Path, **options: Any) -> Collector:
    detector = LandmarkDetector.load(drive.model, 1)
    return evaluate_bag(bag, drive.map, detector, DriveOptions(**options))


@pytest.mark.parametrize(
    "topics, sentence",
    [
        ((IMAGE,), r"expected images of one camera, found none\. Record the camera's images"),
        ((INFO,), r"calibration of /camera/image_raw/compressed.*found no sensor_msgs/CameraInfo"),
        (("/tf_static",), r"the mounting base_link <- camera_optical on /tf_static"),
        ((TRUTH, PRIOR, ODOMETRY), r"expected /localization/kinematic_state or one pose topic"),
    ],
)
def test_a_topic_that_is_needed_is_named(
    drive: Any, tmp_path: Path, topics: tuple[str, ...], sentence: str
) -> None:
    bag = change_bag(drive.bag, tmp_path / "bag", without(*topics))
    with pytest.raises(BagError, match=sentence) as caught:
        replay(drive, bag)
    assert str(bag) in str(caught.value)


def test_a_topic_that_only_localization_needs_costs_localization(
    drive: Any, tmp_path: Path
) -> None:
    bag = change_bag(drive.bag, tmp_path / "bag", without(PRIOR))
    metrics = replay(drive, bag).metrics()
    assert metrics["frames"] == drive.frames and metrics["f1"] > 0.95
    assert math.isnan(metrics["localization"]["lateral_m"]["median"])


def test_a_topic_that_was_recorded_without_a_message_counts_as_none(
    drive: Any, other_truth: Any, tmp_path: Path
) -> None:
    def with_empty(source: Path, out: Path, topic: str) -> Path:
        with Bag(source) as bag, BagWriter(out) as writer:
            for one in bag.raw():
                if one.topic != topic:
                    writer.write_raw(one.topic, one.kind, one.log_ns, one.cdr)
            kind = "geometry_msgs/msg/PoseStamped"
            writer._writer.add_connection(topic, kind, typestore=writer.typestore)
        return out

    no_prior = with_empty(drive.bag, tmp_path / "no_prior", PRIOR)
    metrics = replay(drive, no_prior).metrics()
    assert metrics["frames"] == drive.frames and math.isnan(metrics["prior"]["availability"])
    with pytest.raises(BagError, match=f"poses on the topic {PRIOR}"):
        replay(drive, no_prior, prior_topic=PRIOR)
    no_truth = with_empty(other_truth.bag, tmp_path / "no_truth", TRUTH)
    collected = replay(other_truth, no_truth)
    assert collected.metrics()["frames"] == other_truth.frames
    assert collected.source["truth"] == "/localization/kinematic_state"
    with pytest.raises(BagError, match=f"poses on the topic {TRUTH}"):
        replay(other_truth, no_truth, truth_topic=TRUTH)


def test_two_cameras_of_one_name_are_told_apart_by_their_topic(drive: Any, tmp_path: Path) -> None:
    """Both say the frame ``camera_optical``."""
    others = {IMAGE: "/rear/image_raw/compressed", INFO: "/rear/camera_info"}

    def twice(message: RawMessage) -> Iterable[RawMessage]:
        yield message
        if message.topic in others:
            yield message._replace(topic=others[message.topic])

    bag = change_bag(drive.bag, tmp_path / "bag", twice)
    with pytest.raises(BagError, match=rf"one camera, found {IMAGE}, /rear.*--camera-topic"):
        replay(drive, bag)
    chosen = replay(drive, bag, camera_topic=others[IMAGE]).metrics()
    assert chosen["frames"] == drive.frames and not chosen["frames_skipped"]
    # Without a calibration of its own it does not get that of the other.
    lame = change_bag(bag, tmp_path / "lame", without(others[INFO]))
    chosen = replay(drive, lame, camera_topic=IMAGE).metrics()
    assert chosen["frames"] == drive.frames


def test_a_bag_that_was_played_twice_counts_each_image_once(drive: Any, tmp_path: Path) -> None:
    with Bag(drive.bag) as bag, BagWriter(tmp_path / "bag") as writer:
        for turn in range(2):
            for raw in bag.raw():
                later = raw.log_ns + turn * 10_000_000_000
                writer.write_raw(raw.topic, raw.kind, later, raw.cdr)
    collected = replay(drive, tmp_path / "bag")
    once = replay(drive, drive.bag)
    assert collected.frames_skipped == {"image:duplicate": drive.frames}
    for key in ("frames", "f1", "localization"):
        assert collected.metrics()[key] == once.metrics()[key]


def test_a_clock_that_is_set_back_costs_the_frames_whose_pose_is_unclear(
    drive: Any, tmp_path: Path
) -> None:
    """From 1.2 s on all stamps are 0.55 s earlier: for that long there are two paths in one."""
    with Bag(drive.bag) as bag:
        start = next(header_stamp(m.cdr, m.kind, 0) for m in bag.raw([IMAGE]))

    def back(message: RawMessage) -> Iterable[RawMessage]:
        stamp = header_stamp(message.cdr, message.kind, -1)
        late = stamp >= start + 1_200_000_000
        yield stamped(message, stamp - 550_000_000) if late else message

    bag = change_bag(drive.bag, tmp_path / "bag", back)
    collected = replay(drive, bag, outputs=OutputPaths(bag=tmp_path / "out"))
    metrics, skipped = collected.metrics(), collected.frames_skipped
    assert metrics["frames"] + sum(skipped.values()) == drive.frames
    assert set(skipped) == {"pose:jump"} and skipped["pose:jump"] >= 5
    assert metrics["frames"] >= 8 and metrics["f1"] > 0.9  # those before and after are right
    assert 0.0 < collected.clock.drive_s < 2.0
    with Bag(tmp_path / "out") as out:
        assert out.counts[LANDMARKS_TOPIC] == drive.frames


def with_images(drive: Any, out: Path, images: dict[int, bytes]) -> Path:
    """The drive with other bytes as images of some numbers."""
    number = -1
    with Bag(drive.bag) as bag, BagWriter(out) as writer:
        for raw in bag.raw():
            number += raw.topic == IMAGE
            if raw.topic != IMAGE or number not in images:
                writer.write_raw(raw.topic, raw.kind, raw.log_ns, raw.cdr)
                continue
            stamp = header_stamp(raw.cdr, raw.kind, 0)
            writer.compressed_image(IMAGE, stamp, images[number], "camera_optical")
    return out


def test_gigantic_images_are_refused_before_they_are_decoded(
    drive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A JPEG and a PNG that say they have 65,000 x 65,000 pixels: 12 GB."""
    plain = np.full((360, 640, 3), 120, np.uint8)
    jpeg = bytearray(cv2.imencode(".jpg", plain)[1].tobytes())
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    png = bytearray(cv2.imencode(".png", plain)[1].tobytes())
    png[16:24] = struct.pack(">II", 65000, 65000)
    bag = with_images(drive, tmp_path / "bag", {3: bytes(jpeg), 5: bytes(png)})
    decoded: list[int] = []
    decode = cv2.imdecode

    def watched(data: Any, flags: int) -> Any:
        decoded.append(len(data))
        return decode(data, flags)

    monkeypatch.setattr(cv2, "imdecode", watched)
    collected = replay(drive, bag)
    assert collected.frames_skipped == {"image:size": 2}
    assert collected.metrics()["frames"] == drive.frames - 2
    assert len(jpeg) not in decoded and len(png) not in decoded


def test_an_image_message_that_says_more_than_it_holds_is_skipped(
    drive: Any, tmp_path: Path
) -> None:
    """A raw image of 2^31 rows, beside one that is whole."""
    pixels = np.full((360, 640, 3), 120, np.uint8)
    with Bag(drive.bag) as bag, BagWriter(tmp_path / "bag") as writer:
        for raw in bag.raw():
            if raw.topic != IMAGE:
                writer.write_raw(raw.topic, raw.kind, raw.log_ns, raw.cdr)
                continue
            stamp, name = header_stamp(raw.cdr, raw.kind, 0), "sensor_msgs/msg/Image"
            odd = stamp // 100_000_000 % 2
            message = writer.make(
                name, header=writer.header(stamp, "camera_optical"), height=2**31 if odd else 360,
                width=640, encoding="bgr8", is_bigendian=0, step=1920, data=pixels.reshape(-1),
            )  # fmt: skip
            writer.write("/camera/image_raw", name, raw.log_ns, message)
    collected = replay(drive, tmp_path / "bag")
    assert collected.frames_skipped == {"image:truncated": drive.frames // 2}
    assert collected.metrics()["frames"] == drive.frames // 2


def test_a_gigantic_message_on_another_topic_is_not_looked_at(drive: Any, tmp_path: Path) -> None:
    with Bag(drive.bag) as bag, BagWriter(tmp_path / "bag") as writer:
        for number, raw in enumerate(bag.raw()):
            writer.write_raw(raw.topic, raw.kind, raw.log_ns, raw.cdr)
            if number == 50:
                huge = np.zeros((4000, 6000, 3), np.uint8)  # 72 MB
                writer.image("/lidar/intensity", raw.log_ns, huge, "nonsense", "lidar")
    with pytest.raises(BagError, match="/lidar/intensity"):  # it may be a camera
        replay(drive, tmp_path / "bag")
    metrics = replay(drive, tmp_path / "bag", camera_topic=IMAGE).metrics()
    assert metrics["frames"] == drive.frames


@pytest.mark.parametrize("length", [2**30, 2**40, 2**63])
def test_a_record_of_impossible_length_is_a_damaged_bag(
    drive: Any, tmp_path: Path, length: int
) -> None:
    (file,) = drive.bag.glob("*.mcap")
    content = bytearray(file.read_bytes())
    content[9:17] = struct.pack("<Q", length)  # of the first record
    (tmp_path / "bag.mcap").write_bytes(content)
    with pytest.raises(BagError, match=r"expected a complete rosbag2"):
        replay(drive, tmp_path / "bag.mcap")


def test_a_bag_without_a_usable_frame_says_why(drive: Any, tmp_path: Path) -> None:
    every = dict.fromkeys(range(drive.frames), b"\xff\xd8 half a picture")
    bag = with_images(drive, tmp_path / "bag", every)
    with pytest.raises(BagError, match=r"found 20 image:truncated.*JPEG has no end"):
        replay(drive, bag, outputs=OutputPaths(tmp_path / "out", tmp_path / "overlays"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bag"]
    with BagWriter(tmp_path / "empty"):
        pass
    with pytest.raises(BagError, match=r"expected messages, found an empty bag"):
        replay(drive, tmp_path / "empty")


def test_a_model_of_other_classes_is_named_with_its_file(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import onnx

    model = onnx.load(str(drive.model))
    for entry in model.metadata_props:
        if "label_space_digest" in entry.value:
            content = json.loads(entry.value.replace("warning_sign", "traffic_cone"))
            content["label_space_digest"] = LabelSpace.from_dict(content["label_space"]).digest
            entry.value = json.dumps(content)
    onnx.save(model, str(tmp_path / "cones.onnx"))
    words = ["evaluate", "--bag", str(drive.bag), "--map", str(drive.map)]
    words += ["--model", str(tmp_path / "cones.onnx"), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "cones.onnx: expected the classes warning_sign" in said and "traffic_cone" in said
    assert not (tmp_path / "out").exists()
