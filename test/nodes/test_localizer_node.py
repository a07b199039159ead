"""The localizer's node in this process: a drive, a start pose, a reset, bad input, a transform."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from std_srvs.srv import Trigger

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.localization.results import nothing
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.maps.index import indexed
from dalearn_ros.nodes import health_watch, landmark_localizer, messages, pose_output
from dalearn_ros.nodes.landmark_messages import cloud_of
from dalearn_ros.nodes.localizer_settings import LocalizerNodeSettings

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.dds, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def run() -> Any:
    """The window's tests' drive."""
    sys.path.insert(0, str(ROOT / "test/localization"))
    modules = []
    for name in ("conftest", "test_window"):
        file = ROOT / f"test/localization/{name}.py"
        spec = importlib.util.spec_from_file_location(f"localization_{name}", file)
        assert spec is not None and spec.loader is not None
        modules.append(importlib.util.module_from_spec(spec))
        sys.modules[spec.name] = modules[-1]
        spec.loader.exec_module(modules[-1])
    return modules[1].Run(modules[0].make_street(), 24)


@pytest.fixture
def node(run: Any, ros_domain: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A node with calibration and mounting; ``node.sent`` are its poses, ``node.tf`` transforms."""
    import rclpy

    settings = {
        LocalizerNodeSettings: LocalizerNodeSettings(map="street", publish_tf=True),
        LocalizerSettings: LocalizerSettings(),
    }
    monkeypatch.setattr(landmark_localizer.parameters, "declare", lambda _, cls: settings[cls])
    monkeypatch.setattr(landmark_localizer, "map_of", lambda _: indexed(run.street.landmarks))
    rclpy.init()
    made = landmark_localizer.LandmarkLocalizerNode()
    made.sent, made.tf, made.said = [], [], []
    monkeypatch.setattr(
        made.reporter, "problem", lambda text, about="": about or made.said.append(text)
    )
    monkeypatch.setattr(made._output._pose, "publish", made.sent.append)
    monkeypatch.setattr(made._output._tf, "publish", made.tf.append)
    for mounting in made._mountings.values():
        mounting.find = lambda: (run.street.camera, run.street.mounting)
    yield made
    made.destroy_node()
    rclpy.shutdown()


def feed(node: Any, run: Any, i: int, prior: Pose | None = None, odometry: bool = True) -> None:
    """Odometry and prior up to an image, and what was seen in it."""
    if odometry:
        message = landmark_localizer.Odometry(header=messages.header_of(run.stamp(i), "odom"))
        message.pose.pose = messages.pose_message(run.driven[i])
        node._on_odometry(message)
    if prior is not None:
        node._on_pose(messages.pose_with_covariance_message(prior, "map"))
    node._on_landmarks("", cloud_of(run.seen(i), "camera_optical"))


def counted(node: Any) -> dict[str, str]:
    return node.counters.snapshot()


def test_a_drive_and_its_transform(node: Any, run: Any) -> None:
    for i in range(12):
        feed(node, run, i, run.prior(i))
    assert len(node.sent) >= 8 and len(node.tf) == len(node.sent)
    last, pose = node.sent[-1], messages.pose_of(node.sent[-1])
    i = (messages.stamp_of(last.header) - run.stamp(0)) // 200_000_000
    assert messages.stamp_of(last.header) == run.stamp(i) and last.header.frame_id == "map"
    error = pose.map_from_base.translation - run.truth[i].translation
    assert np.linalg.norm(error[:2]) < 0.5
    assert np.linalg.eigvalsh(pose.covariance)[0] > 0.0
    (item,) = node.tf[-1].transforms
    assert (item.header.frame_id, item.child_frame_id) == ("map", "odom")
    back = messages.transform_of(item) @ run.driven[i]  # map <- odom <- base
    np.testing.assert_allclose(back.translation, pose.map_from_base.translation, atol=1e-6)
    values = counted(node)
    assert int(values["received"]) == 12 and int(values["images"]) >= 4
    assert float(values["lateral.share"]) > 0.5


def test_a_start_pose_then_a_reset(node: Any, run: Any) -> None:
    node._on_initial(messages.pose_with_covariance_message(run.prior(0), "map"))
    assert "not known yet" in node.said[-1]
    feed(node, run, 0, run.prior(0))
    node._on_initial(messages.pose_with_covariance_message(run.prior(0), "odom"))
    assert "map's frame" in node.said[-1]
    before = len(node.sent)
    node._on_initial(messages.pose_with_covariance_message(run.prior(0), "map"))
    assert "started anew" in node.said[-1]
    for i in range(1, 10):
        feed(node, run, i)  # no prior any more
    assert len(node.sent) > before + 4
    answer = node._on_reset(Trigger.Request(), Trigger.Response())
    assert answer.success
    given = len(node.sent)
    node._gathering._patience_s = 0.0
    feed(node, run, 10)
    assert len(node.sent) == given and counted(node)["skipped.no prior pose"] == "1"


def test_a_start_pose_without_odometry_is_refused(node: Any, run: Any) -> None:
    feed(node, run, 0, run.prior(0), odometry=False)
    node._on_initial(messages.pose_with_covariance_message(run.prior(0), "map"))
    assert "there is no ~/input/odometry" in node.said[-1]


def test_bad_stamps_and_frames_are_counted(node: Any, run: Any) -> None:
    node._gathering._patience_s = 0.0
    feed(node, run, 20, run.prior(20))
    done = len(node.sent)
    zero = cloud_of(dataclasses.replace(run.seen(20), stamp_ns=0), "camera_optical")
    node._on_landmarks("", zero)
    node._on_landmarks("", cloud_of(run.seen(20), "camera_optical"))
    node._on_landmarks("", cloud_of(run.seen(18), "camera_optical"))
    values = counted(node)
    assert values["skipped.zero stamp"] == "1" and values["skipped.late image"] == "2"
    node._on_pose(messages.pose_with_covariance_message(run.prior(22), "odom"))
    node._on_landmarks("", cloud_of(run.seen(22), "camera_optical"))
    assert "map's frame" in node.said[-1]
    assert counted(node)["pose.frame"] == "1"
    feed(node, run, 2, run.prior(2))  # a bag was started anew
    values = counted(node)
    assert values["pose.time went back"] == values["odometry.time went back"] == "1"
    assert node._gathering.done_ns == run.stamp(2)
    assert int(values["received"]) == int(values["processed"]) + int(values["skipped"])
    assert len(node.sent) >= done


def test_a_filter_gets_poses_that_share_no_image(node: Any, run: Any) -> None:
    settings = LocalizerNodeSettings(output_period_s=1.0)
    output = pose_output.PoseOutput(node, "map", settings)
    sent: list[Any] = []
    output._pose.publish = sent.append
    for i in range(11):
        output.publish(run.prior(i), None)
    assert [messages.stamp_of(m.header) for m in sent] == [run.stamp(i) for i in (0, 5, 10)]


def test_health_is_watched_and_published(
    node: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, sent = node._health, {}
    for name, publisher in {
        "map": watch._map_json,
        "markers": watch._markers,
        "camera": watch._camera_json[""],
        "diagnostics": watch._diagnostics,
    }.items():
        monkeypatch.setattr(publisher, "publish", partial(sent.__setitem__, name))
    node.finish()
    assert not sent  # nothing came
    for i in range(12):
        feed(node, run, i, run.prior(i))
    node.finish()
    looked = json.loads(sent["map"].data)["frames"]
    # 12 images at 5 Hz, one in half a second: 0, 3, 6, 9; this map's landmarks have no outline
    assert looked == {"too little seen": 4}
    assert sent["markers"].markers[0].action == sent["markers"].markers[0].DELETEALL
    drifts = json.loads(sent["camera"].data)["drifts"]
    assert drifts["yaw_deg"]["state"] == "collecting"
    status, distances = sent["diagnostics"].status
    assert status.name == "/landmark_localizer/camera_health"
    assert distances.name == "/landmark_localizer/distances"
    assert distances.message == "0 of 10 landmarks that are needed"  # these observations have none
    sent.clear()
    node.finish()
    assert not sent  # nothing new


def test_distances_that_do_not_fit_the_map_are_warned_of(
    node: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, street = node._health, run.street
    sent: list[Any] = []
    monkeypatch.setattr(watch._diagnostics, "publish", sent.append)
    for i in range(10):
        stamp, pose = i * 1_000_000_000, street.pose(5.0 + 10.0 * i)
        seen, rows = street.observe(pose, np.random.default_rng(i), missed=0.0, false_alarms=0.0)
        place = (pose @ street.mounting).translation
        true = np.linalg.norm(street.landmarks.point_m[rows] - place, axis=1)
        matches = np.stack([np.arange(len(rows)), rows], axis=1)
        result = dataclasses.replace(
            nothing(""), pose=Pose(stamp, pose), matches=matches, camera=np.zeros(len(rows), int)
        )
        seen = dataclasses.replace(seen, stamp_ns=stamp, range_m=1.5 * true)
        places = {"": (street.camera, street.mounting)}
        assert watch.add({"": seen}, places, result, None, None) == ""
    node.finish()
    (status,) = sent[0].status  # camera health needs a prior
    assert status.level == status.WARN and status.name == "/landmark_localizer/distances"
    assert "1.50 times those of the map" in status.message and "camera_info" in status.message
    values = {one.key: one.value for one in status.values}
    assert values["state"] == "off" and int(values["landmarks"]) > 10
    assert (values["scale"], values["relative_error"]) == ("1.5000", "0.5000")


def test_health_that_fails_is_told_and_harms_nothing(
    node: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(node._health, "_look", fail)
    told: dict[str, str] = {}
    monkeypatch.setattr(
        node.reporter, "problem", lambda text, about="": told.__setitem__(about, text)
    )
    for i in range(10):
        feed(node, run, i, run.prior(i))
    assert node.sent and "Singular matrix" in told["health"]


def test_a_health_report_that_fails_does_not_stop_the_node(
    node: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("no views")

    for i in range(4):
        feed(node, run, i, run.prior(i))
    monkeypatch.setattr(node._health.map, "report", fail)
    node._health.publish()
    for i in range(4, 10):
        feed(node, run, i, run.prior(i))
    assert node.sent


def test_health_topics_of_several_cameras_and_its_switch(node: Any, run: Any) -> None:
    names = ("front", "left")
    watch = health_watch.HealthWatch(
        node, run.street.landmarks, health_watch.HealthSettings(), names
    )
    topics = {watch._camera_json[name].topic_name for name in names}
    assert topics == {f"/landmark_localizer/output/{name}/camera_health" for name in names}
    off = health_watch.HealthSettings(enabled=False)
    node.settings = LocalizerNodeSettings(map="street", health=off)
    assert node._watch() is None
