"""Which direction the landmarks determine, by hand-made arrangements."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.localization.observability import observability, planar

PRIOR = np.diag([0.8, 0.5, 0.05, 0.003, 0.003, 0.012]) ** 2


def judge(information: np.ndarray, yaw: float = 0.0) -> object:
    covariance = np.linalg.inv(np.linalg.inv(PRIOR) + information)
    return observability(information, PRIOR, covariance, yaw, 0.5, 0.0175)


def test_without_landmarks_all_is_weak_and_from_the_prior() -> None:
    found = judge(np.zeros((6, 6)))
    assert found.weak_names == ["longitudinal", "lateral", "heading"]
    np.testing.assert_allclose(found.share, 0.0, atol=1e-9)
    assert (found.sigma > 100.0).all()


def test_one_direction_is_named_and_the_share_is_by_hand() -> None:
    found = judge(np.diag([0.0, 100.0, 0.0, 0.0, 0.0, 1e6]))
    assert found.weak_names == ["longitudinal"]
    assert found.sigma[1] == pytest.approx(0.1) and found.sigma[2] == pytest.approx(0.001)
    assert found.share[1] == pytest.approx(1.0 - (1.0 / (1.0 / 0.25 + 100.0)) / 0.25)


def test_the_directions_are_the_vehicles() -> None:
    """Heading north, along is the map's y."""
    found = judge(np.diag([100.0, 0.0, 0.0, 0.0, 0.0, 1e6]), yaw=np.pi / 2)
    assert found.weak_names == ["longitudinal"]
    np.testing.assert_allclose(planar(PRIOR, np.pi / 2).diagonal()[:2], [0.25, 0.64])


def test_one_bearing_leaves_lateral_and_heading_weak() -> None:
    """A point 20 m ahead: across and heading can be exchanged, neither is known alone."""
    row = np.array([0.0, -1.0 / 20.0, 0.0, 0.0, 0.0, -1.0]) / 0.001
    found = judge(np.outer(row, row))
    assert found.weak.all()
    assert found.share[2] > 0.1
