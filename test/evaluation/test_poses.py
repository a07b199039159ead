"""Localization metrics against numbers made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dalearn_ros.evaluation.poses import PoseScore, planar_error
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform

NORTH = Pose(0, Transform.from_euler(0, 0, math.pi / 2, [10.0, 20.0, 1.0]))


def pose(x: float, y: float, yaw: float, covariance: np.ndarray | None = None) -> Pose:
    return Pose(0, Transform.from_euler(0, 0, yaw, [x, y, 1.0]), covariance)


def test_errors_stand_in_the_vehicles_axes() -> None:
    """The vehicle heads north: 0.3 m east is 0.3 m to its right, 1 m north is ahead."""
    covariance = np.diag([0.04, 0.09, 1.0, 1.0, 1.0, 0.01])  # x (east), y (north)
    error, own = planar_error(pose(10.3, 21.0, math.pi / 2 + 0.02, covariance), NORTH)
    np.testing.assert_allclose(error, [1.0, -0.3, 0.02], atol=1e-12)
    np.testing.assert_allclose(np.diag(own), [0.09, 0.04, 0.01], atol=1e-12)


def test_heading_wraps() -> None:
    south = Pose(0, Transform.from_euler(0, 0, math.pi, [0, 0, 0]))
    error, _ = planar_error(pose(0, 0, -math.pi + 0.01), south)
    assert error[2] == pytest.approx(0.01)


def test_result_by_hand() -> None:
    score = PoseScore()
    small = np.diag([0.01, 0.01, 1, 1, 1, 1e-4])
    for i, (ahead, right) in enumerate([(0.1, 0.1), (0.2, 0.3), (1.5, 0.0), (0.0, 0.2)]):
        truth = Pose(i * 1_000_000_000, NORTH.map_from_base)
        score.add(pose(10.0 + right, 20.0 + ahead, math.pi / 2, small), truth)
    score.add(None, Pose(5_000_000_000, NORTH.map_from_base))
    result = score.result()
    assert result["availability"] == 0.8
    assert result["lateral_m"]["median"] == pytest.approx(0.15)
    assert result["longitudinal_m"]["median"] == pytest.approx(0.15)
    assert result["heading_deg"]["p95"] == pytest.approx(0.0)
    # one sample within the first 5 s: (0.1² + 0.1²) / 0.01 = 2, over 3 axes
    assert result["nees_samples"] == 1 and result["nees"] == pytest.approx(2 / 3)
    assert result["ellipse_95"] == 1.0
    assert result["confirmed_wrong"] == 1  # 1.5 m off, and sure of it


def test_one_sample_every_five_seconds() -> None:
    score = PoseScore()
    rng = np.random.default_rng(0)
    covariance = np.diag([0.04, 0.01, 1, 1, 1, 1e-4])
    for i in range(3000):
        step = rng.normal(0, [0.2, 0.1, 0.01])
        truth = Pose(i * 1_000_000_000, NORTH.map_from_base)
        score.add(pose(10 + step[0], 20 + step[1], math.pi / 2 + step[2], covariance), truth)
    result = score.result()
    assert result["nees_samples"] == 600
    assert 0.9 < result["nees"] < 1.1 and 0.92 < result["ellipse_95"] < 0.98


def test_without_covariance_there_is_no_consistency() -> None:
    score = PoseScore()
    score.add(pose(10, 20, 0), NORTH)
    result = score.result()
    assert math.isnan(result["nees"]) and result["confirmed_wrong"] == 0


def test_no_true_pose_leaves_every_key_unknown() -> None:
    result = PoseScore().result()
    assert result.keys() >= {"lateral_m", "longitudinal_m", "heading_deg", "availability", "nees"}
    assert math.isnan(result["lateral_m"]["median"]) and result["confirmed_wrong"] is None
