"""The detector node's cameras, policies, services and parameters, in this process over DDS."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.detector_node import PATIENCE_S, SECOND_NS, Make, ended, feed, message, street, told
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, PointCloud2
from std_srvs.srv import SetBool, Trigger

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.nodes import detector_model, messages, qos
from dalearn_ros.nodes.landmark_messages import observations_of

pytestmark = [pytest.mark.dds, pytest.mark.timeout(300)]


def test_cameras_of_one_size_share_an_inference_and_have_topics_of_their_own(
    make: Make, listener: Any
) -> None:
    node = make(cameras=("front", "left", "right"))
    clouds: dict[str, list[Any]] = {name: [] for name in ("front", "left", "right")}
    for name, got in clouds.items():
        topic = f"/landmark_detector/output/{name}/landmarks"
        listener.create_subscription(PointCloud2, topic, got.append, qos.results())
    sender = listener.create_publisher(Image, "/landmark_detector/input/left/image", qos.results())
    outputs = [stream._landmarks for stream in node.streams]
    listener.wait_until(
        lambda: sender.get_subscription_count() and all(o.get_subscription_count() for o in outputs)
    )
    batches: list[tuple[int, ...]] = []
    run = node._detector._backend.run_batch

    def watched(images: Any, location: Any, attention: bool) -> Any:
        assert location is None and not attention  # the model has neither
        batches.append(images.shape)
        return run(images)

    node._detector._backend.run_batch = watched
    pictures = [street((16, 24)), street((80, 40), (32, 64)), street((8, 8), size=(64, 64))]
    worker = node._worker
    hold = worker._mailbox._changed
    with hold:  # all three wait when the worker wakes up
        for stream, picture in zip(node.streams, pictures, strict=True):
            node._on_image(stream, message(picture, SECOND_NS, stream.name))
    listener.wait_until(lambda: all(clouds.values()), PATIENCE_S)
    assert sorted(batches) == [(1, 64, 64, 3), (2, 96, 128, 3)]
    for stream, picture, got in zip(node.streams, pictures, clouds.values(), strict=True):
        found = observations_of(got[0])
        assert got[0].header.frame_id == stream.name
        alone = node._detector.detect(picture)
        np.testing.assert_allclose(found.point_px, alone.point_px, atol=1e-3)
        assert len(found) in (1, 2)
    # Over DDS too, and the sums stand in the node's own status.
    sender.publish(message(street(), 2 * SECOND_NS))
    listener.wait_until(lambda: ended(node, "left") == 2, PATIENCE_S)
    values, _ = told(node)
    assert (values["received"], values["processed"]) == ("4", "4")


@pytest.mark.parametrize("names", [("a", "a"), ("a b",), ("front", ""), ()])
def test_names_that_cannot_be_topics_are_refused(names: tuple[str, ...], make: Make) -> None:
    with pytest.raises(SettingsError, match="parameter 'cameras'"):
        make(cameras=names)


def test_a_late_image_is_dropped_and_counted(make: Make, listener: Any) -> None:
    node = make(max_age_ms=500.0)
    now = node.get_clock().now().nanoseconds
    feed(node, listener, message(street(), now - 2 * SECOND_NS))
    feed(node, listener, message(street(), node.get_clock().now().nanoseconds))
    feed(node, listener, message(street(), 0))  # no stamp: its age is the time since it came
    counts = node.counters[""].counts()
    assert counts["skipped.late"] == 1
    assert (counts["received"], counts["processed"]) == (3, 2)
    node.set_parameters([Parameter("max_age_ms", value=0.0)])
    feed(node, listener, message(street(), now - 60 * SECOND_NS))
    assert node.counters[""].counts()["processed"] == 3


def test_with_simulated_time_the_age_is_that_of_the_clock_topic(make: Make, listener: Any) -> None:
    from rosgraph_msgs.msg import Clock

    node = make(max_age_ms=500.0)
    node.set_parameters([Parameter("use_sim_time", value=True)])
    reports: list[Any] = []
    from diagnostic_msgs.msg import DiagnosticArray

    listener.create_subscription(DiagnosticArray, "/diagnostics", reports.append, qos.results())
    listener.wait_until(lambda: reports, PATIENCE_S)  # though no time has come yet
    clock = listener.create_publisher(Clock, "/clock", qos.results(1))

    def at_ten() -> bool:
        clock.publish(Clock(clock=messages.time_of(10 * SECOND_NS)))
        return bool(node.get_clock().now().nanoseconds == 10 * SECOND_NS)

    listener.wait_until(at_ten, PATIENCE_S)
    feed(node, listener, message(street(), 9_700_000_000))
    feed(node, listener, message(street(), 9_400_000_000))
    counts = node.counters[""].counts()
    assert (counts["processed"], counts["skipped.late"]) == (1, 1)


def call(listener: Any, kind: Any, name: str, request: Any) -> Any:
    client = listener.create_client(kind, f"/landmark_detector/{name}")
    listener.wait_until(client.service_is_ready, PATIENCE_S)
    answer = client.call_async(request)
    listener.wait_until(answer.done, PATIENCE_S)
    return answer.result()


def test_disabled_images_are_counted_and_used_again_later(make: Make, listener: Any) -> None:
    node = make()
    assert call(listener, SetBool, "enable", SetBool.Request(data=False)).success
    feed(node, listener, message(street(), 1))
    assert told(node)[1] == "disabled by ~/enable"
    assert call(listener, SetBool, "enable", SetBool.Request(data=True)).success
    feed(node, listener, message(street(), 2))
    counts = node.counters[""].counts()
    assert (counts["skipped.disabled"], counts["processed"], counts["received"]) == (1, 1, 2)
    assert told(node)[1] == "running"


def test_a_model_is_exchanged_and_a_bad_one_is_not(
    make: Make, listener: Any, drive: Any, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    shutil.copy(drive.model, path)
    node = make(model=str(path))
    first = node._detector
    done = call(listener, Trigger, "reload_model", Trigger.Request())
    assert done.success and "onnxruntime" in done.message
    second = node._detector
    assert second is not first
    path.write_bytes(path.read_bytes()[:1000])
    done = call(listener, Trigger, "reload_model", Trigger.Request())
    assert not done.success
    assert "the old model stays" in done.message and "model.onnx" in done.message
    assert node._detector is second
    feed(node, listener, message(street((16, 24)), 1))
    assert node.counters[""].counts()["processed"] == 1
    node.set_parameters([Parameter("model", value=str(drive.model))])
    assert call(listener, Trigger, "reload_model", Trigger.Request()).success
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert not call(listener, Trigger, "reload_model", Trigger.Request()).success


def test_images_are_used_while_a_model_is_loaded(
    make: Make, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    node = make()
    gate, real = threading.Event(), detector_model.load_detector

    def slow(settings: Any) -> Any:
        assert gate.wait(PATIENCE_S)
        return real(settings)

    monkeypatch.setattr(detector_model, "load_detector", slow)
    sender = listener.create_publisher(Image, "/landmark_detector/input/image", qos.results())
    client = listener.create_client(Trigger, "/landmark_detector/reload_model")
    listener.wait_until(lambda: client.service_is_ready() and sender.get_subscription_count())
    before, answer = node._detector, client.call_async(Trigger.Request())
    sender.publish(message(street(), 1))
    listener.wait_until(lambda: ended(node) == 1, PATIENCE_S)
    assert not answer.done()
    assert node._detector is before
    gate.set()
    listener.wait_until(answer.done, PATIENCE_S)
    assert node._detector is not before


def test_parameters_change_at_run_time_or_are_refused(make: Make, listener: Any) -> None:
    node = make()
    picture = street((16, 24))

    def seen() -> int:
        return len(node._detector.detect(picture))

    assert seen() == 1
    (done,) = node.set_parameters([Parameter("score_threshold", value=1.0)])
    assert done.successful and node.settings.score_threshold == 1.0
    assert seen() == 0
    (done,) = node.set_parameters([Parameter("score_threshold", value=0.001)])
    assert not done.successful and "score_threshold" in done.reason
    assert node.settings.score_threshold == 1.0
    (done,) = node.set_parameters([Parameter("score_threshold", value=0.0)])
    assert done.successful and seen() == 1
    (done,) = node.set_parameters([Parameter("max_age_ms", value=-1.0)])
    assert not done.successful
    (done,) = node.set_parameters([Parameter("threads", value=3)])
    assert not done.successful and "read-only" in done.reason
    described = node.describe_parameter("max_age_ms")
    assert "late" in described.description and not described.read_only
    assert described.floating_point_range[0].to_value == 60000.0


def test_a_landmark_gets_a_number_and_only_on_demand_waits_for_it(
    make: Make, listener: Any
) -> None:
    node = make()
    got: list[Any] = []
    topic = "/landmark_detector/output/landmarks"
    listener.create_subscription(PointCloud2, topic, got.append, qos.results())
    listener.wait_until(node.streams[0]._landmarks.get_subscription_count, PATIENCE_S)

    def sequence(first_ns: int) -> list[list[int]]:
        got.clear()
        for i in range(4):
            feed(node, listener, message(street((16, 24)), first_ns + i * 100_000_000))
        listener.wait_until(lambda: len(got) == 4, PATIENCE_S)
        return [observations_of(cloud).track_id.tolist() for cloud in got]

    assert sequence(10 * SECOND_NS) == [[-1], [-1], [0], [0]]
    node.set_parameters([Parameter("confirmed_only", value=True)])
    assert sequence(20 * SECOND_NS) == [[], [], [1], [1]]
    node.set_parameters([Parameter("track", value=False)])
    assert sequence(30 * SECOND_NS) == [[-1]] * 4
