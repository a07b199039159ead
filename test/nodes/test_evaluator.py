"""The evaluator without the rest of the system: what is scored, what counts, what is written."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseStamped

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import write_json
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes import messages, parameters
from dalearn_ros.nodes.landmark_messages import cloud_of

pytestmark = [pytest.mark.dds]
CAMERA = Camera(640, 360, np.array([[575.0, 0, 319.5], [0, 575.0, 179.5], [0, 0, 1]]))
MOUNTING = Transform(LINK_FROM_OPTICAL.rotation, np.array([1.5, 0.0, 1.5]))
STEP_NS = 100_000_000
STAMPS = [i * STEP_NS for i in range(1, 11)]
IMAGE = "/evaluator/input/image/compressed"  # the node's own name: nothing is remapped here


@pytest.fixture
def evaluator(
    drive: Any, listener: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """Makes the node with settings of its own; camera and mounting are known."""
    from dalearn_ros.nodes.evaluator import EvaluatorNode

    nodes: list[Any] = []
    declare = parameters.declare

    def begin(**settings: Any) -> Any:
        given = {"map": str(drive.map), "out": str(tmp_path / "out"), **settings}
        monkeypatch.setattr(parameters, "declare", lambda *words: declare(*words, **given))
        node = EvaluatorNode()
        nodes.append(node)
        node._mounting.camera, node._mounting._known = CAMERA, MOUNTING
        return node

    yield begin
    for node in nodes:
        node.destroy_node()


def place(stamp_ns: int) -> Pose:
    x_m = 8e-9 * stamp_ns
    return Pose(stamp_ns, Transform.from_euler(0, 0, 0, [x_m, 0, 0]), np.eye(6) * 1e-4)


def truth(stamp_ns: int, frame: str = "map") -> PoseStamped:
    message = PoseStamped(header=messages.header_of(stamp_ns, frame))
    message.pose = messages.pose_message(place(stamp_ns).map_from_base)
    return message


def guess(stamp_ns: int, frame: str = "map") -> Any:
    return messages.pose_with_covariance_message(place(stamp_ns), frame)


def feed(node: Any, stamps: list[int] = STAMPS, frame: str = "map") -> None:
    for stamp in stamps:
        node._on_landmarks(cloud_of(Observations.empty(stamp), CAMERA.name, CAMERA))
        node._on_truth(truth(stamp, frame))


def counters(**values: int) -> DiagnosticArray:
    status = DiagnosticStatus(name="/landmark_detector")
    status.values = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticArray(status=[status])


def written(tmp_path: Path) -> Any:
    return json.loads((tmp_path / "out/metrics.json").read_text())


def test_without_a_scored_frame_earlier_results_stay(evaluator: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/metrics.json").write_text("good")
    silent = evaluator()
    with pytest.raises(InputError, match=r"found no landmarks on /evaluator/input/landmarks\. Not"):
        silent.finish()
    elsewhere = evaluator()
    feed(elsewhere, frame="odom")
    with pytest.raises(InputError, match=r"10 pose:frame\. .* frame 'map', found 'odom'\."):
        elsewhere.finish()
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["metrics.json"]
    assert (tmp_path / "out/metrics.json").read_text() == "good"


def test_the_map_s_frame_may_have_another_name(evaluator: Any, tmp_path: Path) -> None:
    node = evaluator(map_frame="world")
    feed(node, frame="world")
    node.finish()
    assert written(tmp_path)["frames"] == 10


def test_a_true_pose_that_comes_late_spoils_nothing(evaluator: Any, tmp_path: Path) -> None:
    node = evaluator()
    feed(node, STAMPS[1:])
    feed(node, STAMPS[:1])
    node.finish()
    metrics = written(tmp_path)
    assert metrics["frames"] == 10 and metrics["frames_skipped"] == {}
    assert metrics["localization"]["availability"] is None  # nobody localizes


def test_a_gap_of_the_prior_counts_as_no_pose(evaluator: Any, tmp_path: Path) -> None:
    node = evaluator()
    feed(node)
    for stamp in STAMPS[:6]:
        node._on_prior(guess(stamp))
    for stamp in STAMPS[:5]:
        node._on_estimate(guess(stamp))
    node._on_prior(guess(STAMPS[7], "odom"))
    node._on_estimate(guess(STAMPS[8], "odom"))
    node.finish()
    metrics = written(tmp_path)
    assert metrics["prior"]["availability"] == 0.6
    assert metrics["localization"]["availability"] == 0.5
    assert metrics["localization"]["lateral_m"]["p95"] == 0.0


def test_the_account_is_that_of_the_judged_camera_during_the_drive(
    evaluator: Any, tmp_path: Path
) -> None:
    manifest = tmp_path / "sent.json"
    node = evaluator(manifest=str(manifest))
    node._on_diagnostics(counters(received=100, processed=90, overwritten=10))
    began = time.time_ns()
    feed(node, STAMPS[:6])
    node._on_diagnostics(counters(received=109, processed=96, overwritten=13))
    topics = {
        IMAGE: {"type": "sensor_msgs/msg/CompressedImage", "stamps_ns": STAMPS},
        "/rear/image_raw": {"type": "sensor_msgs/msg/Image", "stamps_ns": [s + 1 for s in STAMPS]},
    }
    content = {"format": "dalearn-manifest", "bag": "b", "wall_s": 1.0, "topics": topics}
    write_json(manifest, content | {"began_unix_ns": began})
    node.finish()
    expected = {"overwritten": 3, "lost in transport": 1}
    assert written(tmp_path)["frames_skipped"] == expected
    write_json(manifest, content)  # of an earlier version
    node.finish()
    assert written(tmp_path)["frames_skipped"] == {"overwritten": 13}
