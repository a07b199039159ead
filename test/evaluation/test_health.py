"""Health of map and camera in an evaluation, and in its report."""

from __future__ import annotations

from typing import Any

from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.health import CAMERA_NAMES, FATES, MAP_NAMES, health_result
from dalearn_ros.evaluation.names import flat
from dalearn_ros.evaluation.replay import evaluate_bag
from dalearn_ros.evaluation.report_health import health_part
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.localization.health_report import MapHealthReport


def test_a_drive_is_watched_twice_a_second(drive: Any) -> None:
    options = DriveOptions(odometry_topic="/odometry")
    detector = LandmarkDetector.load(drive.model, 1)
    found = health_result(evaluate_bag(drive.bag, drive.map, detector, options).health)
    assert sum(found["map_health"]["frames"].values()) == 4  # of 2 s
    assert found["map_health"]["frames"].keys() == set(FATES)  # zeros for those that did not occur
    due = found["map_health"]["landmarks"]
    assert 6 <= due <= 8  # of 8 along the road
    assert found["map_health"]["counts"] == {"missing": 0, "moved": 0, "new": 0}
    camera = found["camera_health"]
    assert camera["windows"] == 0  # the drive is 16 m long, a stretch at least 25 m
    assert camera["drifts"]["yaw_deg"]["state"] == "collecting"
    names = flat(found["map_health"]), flat(camera)
    assert set(MAP_NAMES) <= names[0].keys() and set(CAMERA_NAMES) <= names[1].keys()
    page = health_part(found)
    assert f"Of {due} landmarks that were due, suspected: 0 missing, 0 moved, 0 new" in page
    assert "<td>yaw_deg</td><td>collecting</td><td>–</td><td>– to –</td>" in page


def test_nothing_is_said_where_nobody_looked() -> None:
    nothing = {"map_health": None, "camera_health": None}
    assert health_result(None) == nothing and health_part(nothing) == ""


def test_names_are_those_of_the_reports() -> None:
    names = flat(MapHealthReport((), {}, 0, ()).to_dict()).keys()
    assert set(MAP_NAMES) - {f"frames.{fate}" for fate in FATES} == names - {"version"}
