"""Missing, moved and new landmarks; a camera that sees nothing is no reason to doubt the map."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers.health_street import Reality, observed

from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization import map_health
from dalearn_ros.localization.map_health import MapHealth


@pytest.fixture(scope="module")
def wrong(street: Any) -> tuple[Reality, MapHealth, list[Any]]:
    """Two passes of a street: one landmark gone, one moved, one that is not in the map."""
    reality = Reality(street)
    signs = np.flatnonzero((street.landmarks.class_id < 5) & (street.landmarks.point_m[:, 0] < 200))
    gone, moved = int(signs[3]), int(signs[6])
    reality.gone.add(gone)
    reality.moved.add(moved)
    reality.place[moved] += [0.6, 0.8, 0.0]
    reality.added.append((3, np.array([130.0, 8.5, 2.5])))
    health = MapHealth(street.landmarks)
    reports = []
    for number in range(2):
        reality.drive(health, number)
        reports.append(health.report())
    return reality, health, reports


def test_what_is_gone_is_missing_and_nothing_else(wrong: Any) -> None:
    reality, _, (first, second) = wrong
    names = {str(reality.street.landmarks.ids[row]) for row in reality.gone}
    assert {row.id for row in first.of("missing")} == names
    assert not first.of("missing", confirmed=True)  # one pass may have hidden it all the way
    assert {row.id for row in second.of("missing", confirmed=True)} == names


def test_what_has_moved_is_found_where_it_is(wrong: Any) -> None:
    reality, _, (_, report) = wrong
    (moved,) = reality.moved
    (row,) = report.of("moved")
    assert row.id == str(reality.street.landmarks.ids[moved]) and row.confirmed
    np.testing.assert_allclose(row.position_m, reality.place[moved], atol=0.2)
    np.testing.assert_allclose(row.shift_m, [0.6, 0.8, 0.0], atol=0.2)
    assert row.sigma_m < 0.3
    error = np.linalg.norm(row.position_m - reality.place[moved])
    assert error < 3.0 * row.sigma_m


def test_a_report_fits_nothing_anew(wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, health, (_, last) = wrong

    def refuse(*_: Any) -> None:
        raise AssertionError("a place was fitted though no bearing came")

    monkeypatch.setattr(map_health, "fit_point", refuse)
    assert [row.id for row in health.report().rows] == [row.id for row in last.rows]


def test_what_is_not_in_the_map_becomes_a_point(wrong: Any) -> None:
    _, _, (_, report) = wrong
    (row,) = report.of("new")
    assert row.class_name == "indicating_sign" and row.confirmed
    np.testing.assert_allclose(row.position_m, [130.0, 8.5, 2.5], atol=0.2)


def test_the_report_is_json(wrong: Any) -> None:
    _, _, (_, report) = wrong
    content = json.loads(report.to_json())
    assert content["counts"] == {"missing": 1, "moved": 1, "new": 1}
    by_kind = {row["kind"]: row for row in content["rows"]}
    assert by_kind["missing"]["sigma_m"] is None and by_kind["missing"]["seen"] == 0
    assert by_kind["moved"]["distance_m"] == pytest.approx(1.0, abs=0.25)


def test_a_sound_map_has_no_findings(street: Any) -> None:
    reality, health = Reality(street), MapHealth(street.landmarks)
    reality.drive(health)
    assert health.report().rows == ()
    assert health.frames["counted"] > 80


def test_a_blocked_camera_says_nothing_about_the_map(street: Any) -> None:
    reality, health = Reality(street), MapHealth(street.landmarks)
    reality.drive(health)
    for number in range(1, 4):  # the lens is covered: a pose, and nothing is seen
        reality.drive(health, number, blocked=lambda pixels: np.ones(len(pixels), dtype=bool))
    report = health.report()
    assert report.rows == ()
    assert report.frames["too little seen"] > 250


def test_dirt_on_a_part_of_the_lens_says_nothing_about_the_map(street: Any) -> None:
    reality, health = Reality(street), MapHealth(street.landmarks)
    for number in range(3):
        reality.drive(health, number, blocked=lambda pixels: pixels[:, 0] > 640)
    report = health.report()
    assert set(report.blind_parts) & {2, 3, 6, 7} and not set(report.blind_parts) & {0, 1, 4, 5}
    assert len(report.of("missing")) <= 2


def test_one_image_and_a_standing_vehicle_are_no_evidence(street: Any) -> None:
    reality, health = Reality(street), MapHealth(street.landmarks)
    rng = np.random.default_rng(0)
    reality.gone.add(int(street.seen_from(street.pose(100.0))[0]))
    fates = [health.add(reality.frame(100.0, i * 10**8, rng)) for i in range(50)]
    assert fates[0] == "counted" and set(fates[1:]) == {"standing"}
    assert health.report().rows == ()


def test_without_a_pose_nothing_is_counted(street: Any) -> None:
    health = MapHealth(street.landmarks)
    frame = Reality(street).frame(50.0, 0, np.random.default_rng(0))
    assert health.add(replace(frame, pose=None)) == "no pose"
    assert not health.presence.expected.any()


def test_memory_is_bounded(street: Any) -> None:
    health = MapHealth(street.landmarks)
    reality, rng = Reality(street), np.random.default_rng(1)
    for i in range(60):  # nothing but false alarms beside a few landmarks
        frame = reality.frame(1.0 + i, i * 10**8, rng)
        wrong = observed(i * 10**8, rng.integers(1, 10, 30), rng.uniform(0, 700, (30, 2)))
        both = _joined(frame.observations, wrong)
        health.add(replace(frame, observations=both))
    assert len(health.unmapped) <= 400
    assert len(health.report().of("new")) <= 2


def _joined(a: Observations, b: Observations) -> Observations:
    names = ("class_id", "point_px", "score", "covariance_px2", "range_m", "sigma_range_m",
             "track_id")  # fmt: skip
    return Observations(
        a.stamp_ns, **{n: np.concatenate([getattr(a, n), getattr(b, n)]) for n in names}
    )
