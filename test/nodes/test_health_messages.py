"""Map health and camera health as messages."""

from __future__ import annotations

import json

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from visualization_msgs.msg import Marker

from dalearn_ros.labels.offsets import QUANTITIES
from dalearn_ros.localization.camera_report import CameraHealthReport, Drift
from dalearn_ros.localization.distance_check import compare_distances
from dalearn_ros.localization.health_report import HealthRow, MapHealthReport
from dalearn_ros.nodes import health_messages
from dalearn_ros.nodes.messages import stamp_of

STAMP_NS = 1_700_000_000_123_456_789


def finding(kind: str, confirmed: bool, shift: list[float] | None = None) -> HealthRow:
    return HealthRow(
        kind=kind, confirmed=confirmed, id=f"{kind} one", class_name="signal",
        position_m=np.array([10.0, 20.0, 5.0]), sigma_m=float("nan"),
        shift_m=None if shift is None else np.array(shift), log_odds=4.2, expected=9, seen=0,
        views=6, passes=2,
    )  # fmt: skip


@pytest.fixture
def report() -> MapHealthReport:
    rows = (
        finding("missing", True),
        finding("moved", False, [1.0, 0.0, 0.0]),
        finding("new", True),
    )
    return MapHealthReport(rows, {"counted": 100}, 40, ())


def test_markers_show_each_finding_once(report: MapHealthReport) -> None:
    markers = health_messages.health_markers(report, STAMP_NS, "map").markers
    assert markers[0].action == Marker.DELETEALL
    assert len({(one.ns, one.id) for one in markers[1:]}) == len(markers) - 1
    kinds = [one.type for one in markers[1:]]
    assert kinds.count(Marker.SPHERE) == 3 and kinds.count(Marker.TEXT_VIEW_FACING) == 3
    (arrow,) = [one for one in markers if one.type == Marker.ARROW and one.action == Marker.ADD]
    assert [(p.x, p.y, p.z) for p in arrow.points] == [(9.0, 20.0, 5.0), (10.0, 20.0, 5.0)]
    assert all(one.header.frame_id == "map" for one in markers)
    assert {stamp_of(one.header) for one in markers} == {STAMP_NS}
    spheres = [one for one in markers[1:] if one.type == Marker.SPHERE]
    assert spheres[0].color.a > spheres[1].color.a  # what is only suspected is pale
    texts = [one.text for one in markers if one.type == Marker.TEXT_VIEW_FACING]
    assert texts[1] == "moved? 1.0 m: signal moved one"


def test_no_finding_still_deletes_the_old_markers() -> None:
    markers = health_messages.health_markers(MapHealthReport((), {}, 0, ()), 0, "map").markers
    assert [one.action for one in markers] == [Marker.DELETEALL]


def test_map_health_as_json(report: MapHealthReport) -> None:
    content = json.loads(health_messages.map_health_message(report).data)
    assert content == report.to_dict()
    assert content["confirmed"] == {"missing": 1, "moved": 0, "new": 1}


def camera_report(state: str) -> CameraHealthReport:
    drifts = [
        Drift(q, "not observable", 0.0, q.prior, 0.001, 0.01, ("forward_m",)) for q in QUANTITIES
    ]
    yaw = QUANTITIES[-1]
    drifts[-1] = Drift(yaw, state, np.radians(0.3), np.radians(0.03), 1.0, 0.8, ())
    return CameraHealthReport(tuple(drifts), 120, 20, 310.0, (5.0, 14.0))


def test_a_drifted_camera_is_a_warning_with_its_interval() -> None:
    status = health_messages.camera_diagnostics(camera_report("drifted"), "localizer: front")
    assert status.level == DiagnosticStatus.WARN and status.name == "localizer: front"
    assert status.message == "turn the camera left (about z): +0.3 deg (95 %: +0.241 to +0.359)"
    values = {one.key: one.value for one in status.values}
    assert values["yaw_deg.value"] == "0.3" and values["time_ms.value"] == ""
    assert values["time_ms.state"] == "not observable" and values["tracks"] == "120"


def test_a_sound_camera_is_ok_and_says_what_is_not_observable() -> None:
    report = camera_report("steady")
    status = health_messages.camera_diagnostics(report, "front")
    assert status.level == DiagnosticStatus.OK
    assert status.message.startswith("not observable: time_ms, forward_m, left_m, height_m")
    assert status.message.endswith("steady: yaw_deg")
    assert json.loads(health_messages.camera_health_message(report).data)["tracks"] == 120


def test_distances_are_a_warning_only_where_their_scale_is_off() -> None:
    few = health_messages.distance_diagnostics(compare_distances([0.1], 0.15), "n/distances")
    assert few.level == DiagnosticStatus.OK and few.message == "1 of 10 landmarks that are needed"
    values = {one.key: one.value for one in few.values}
    assert values["scale"] == "1.1052" and values["scale_low"] == ""
    good = health_messages.distance_diagnostics(compare_distances([0.1] * 20, 0.15), "n")
    assert good.level == DiagnosticStatus.OK and good.name == "n"
    off = health_messages.distance_diagnostics(compare_distances([-0.4] * 20, 0.15), "n")
    assert off.level == DiagnosticStatus.WARN and "0.67 times" in off.message
