"""One drive two ways: through the node over DDS, and directly. Both must see the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2

from dalearn_ros.bags.observation_rows import ROW
from dalearn_ros.bags.result_bag import DETECTIONS_TOPIC, LANDMARKS_TOPIC
from dalearn_ros.bags.storage import Bag
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.outputs import OutputPaths
from dalearn_ros.evaluation.replay import evaluate_bag
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.nodes import qos
from dalearn_ros.nodes.messages import stamp_of

pytestmark = [pytest.mark.dds, pytest.mark.timeout(420)]
PATIENCE_S = 180.0
IMAGE, INFO = "/camera/image_raw/compressed", "/camera/camera_info"
PIXELS = list(ROW.names or ())[3:]  # all but x, y and z, which need the calibration
WITHOUT_TRACKS = PIXELS[:-1]


@pytest.fixture(scope="module")
def direct(drive: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, Any]]:
    """Topic → stamp → message of the result bag of a direct replay."""
    folder = tmp_path_factory.mktemp("direct")
    options = DriveOptions(outputs=OutputPaths(bag=folder / "bag"))
    evaluate_bag(drive.bag, drive.map, LandmarkDetector.load(drive.model, 1), options)
    found: dict[str, dict[int, Any]] = {LANDMARKS_TOPIC: {}, DETECTIONS_TOPIC: {}}
    with Bag(folder / "bag") as bag:
        for raw in bag.raw(found):
            message = bag.decode(raw)
            found[raw.topic][stamp_of(message.header)] = message
    return found


def play(
    drive: Any, start: Any, listener: Any, folder: Path, *words: str
) -> tuple[dict[int, Any], dict[int, Any], dict[str, Any]]:
    """Clouds and detections of the node by their stamp, and the player's manifest."""
    from vision_msgs.msg import Detection2DArray

    clouds: dict[int, Any] = {}
    boxes: dict[int, Any] = {}
    for kind, topic, got in (
        (PointCloud2, LANDMARKS_TOPIC, clouds),
        (Detection2DArray, DETECTIONS_TOPIC, boxes),
    ):

        def keep(message: Any, got: dict[int, Any] = got) -> None:
            got[stamp_of(message.header)] = message

        listener.create_subscription(kind, topic, keep, qos.results(1000))
    start(
        "landmark_detector",
        *("--ros-args", "-p", f"model:={drive.model}", "-p", "threads:=1"),
        *("-p", "image_transport:=compressed", "-p", "backend:=onnx"),
        *("-r", f"~/input/image/compressed:={IMAGE}", "-r", f"~/input/camera_info:={INFO}"),
    )
    manifest = folder / "sent.json"
    player = start(
        "bag_player",
        *("--bag", str(drive.bag), "--manifest", str(manifest), "--wait", f"{PATIENCE_S:g}"),
        *("--wait-for", IMAGE, INFO, "--wait-for-links", LANDMARKS_TOPIC, DETECTIONS_TOPIC),
        *words,
    )
    listener.wait_until(lambda: player.poll() is not None, PATIENCE_S)
    sent = json.loads(manifest.read_text())
    count = len(sent["topics"][IMAGE]["stamps_ns"])
    if sent["lockstep"]:
        listener.wait_until(lambda: len(clouds) == len(boxes) == count)
    return clouds, boxes, sent


def test_in_lockstep_the_node_publishes_what_a_direct_replay_writes(
    drive: Any, direct: Any, start: Any, listener: Any, tmp_path: Path
) -> None:
    clouds, boxes, sent = play(drive, start, listener, tmp_path, "--lockstep")
    assert not sent["unanswered_ns"]
    assert set(clouds) == set(boxes) == set(direct[LANDMARKS_TOPIC])
    assert len(clouds) == drive.frames
    points, unknown = 0, []
    for stamp in sorted(clouds):
        cloud, written = clouds[stamp], direct[LANDMARKS_TOPIC][stamp]
        rows, expected = np.frombuffer(memoryview(cloud.data), ROW), written.data.view(ROW)
        points += cloud.width
        assert rows[PIXELS].tobytes() == expected[PIXELS].tobytes()  # tracks and all
        assert cloud.header.frame_id == written.header.frame_id
        assert fields(cloud) == fields(written)
        if np.isnan(rows["z"]).any():  # the calibration was late
            unknown.append(stamp)
            continue
        assert memoryview(cloud.data).tobytes() == written.data.tobytes()
        assert cloud.is_dense == written.is_dense
        compare_boxes(boxes[stamp], direct[DETECTIONS_TOPIC][stamp])
    assert unknown == sorted(clouds)[: len(unknown)]  # it never gets lost again
    assert len(unknown) <= 3
    assert points > drive.frames


def fields(cloud: Any) -> list[Any]:
    told = [(f.name, f.offset, f.datatype, f.count) for f in cloud.fields]
    return [*told, cloud.width, cloud.height, cloud.point_step, cloud.row_step]


def compare_boxes(given: Any, stored: Any) -> None:
    assert len(given.detections) == len(stored.detections)
    for one, other in zip(given.detections, stored.detections, strict=True):
        assert one.id == other.id
        assert (one.bbox.size_x, one.bbox.size_y) == (other.bbox.size_x, other.bbox.size_y)
        assert one.bbox.center.position.x == other.bbox.center.position.x
        (a,), (b,) = one.results, other.results
        assert (a.hypothesis.class_id, a.hypothesis.score) == (
            b.hypothesis.class_id, b.hypothesis.score,
        )  # fmt: skip
        assert a.pose.pose.position.z == b.pose.pose.position.z
        np.testing.assert_array_equal(a.pose.covariance, b.pose.covariance)


def test_running_free_it_publishes_the_same_for_every_image_that_it_took(
    drive: Any, direct: Any, start: Any, listener: Any, tmp_path: Path
) -> None:
    clouds, _, sent = play(drive, start, listener, tmp_path, "--rate", "2")
    assert set(clouds) <= set(sent["topics"][IMAGE]["stamps_ns"])
    assert len(clouds) >= 3
    for stamp, cloud in clouds.items():  # tracks depend on which images were left out
        rows = np.frombuffer(memoryview(cloud.data), ROW)
        expected = np.frombuffer(direct[LANDMARKS_TOPIC][stamp].data, ROW)
        np.testing.assert_array_equal(rows[WITHOUT_TRACKS], expected[WITHOUT_TRACKS])
