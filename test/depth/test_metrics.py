"""Figures against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.depth.metrics import depth_figures


def test_hand_numbers() -> None:
    found = depth_figures(np.array([11.0, 30.0]), np.array([10.0, 20.0]), np.array([0.2, 0.2]))
    assert found["abs_rel"] == pytest.approx((0.1 + 0.5) / 2)
    assert found["rmse_m"] == pytest.approx(np.sqrt((1 + 100) / 2))
    assert found["delta_1.25"] == 0.5
    assert found["within_sigma"] == 0.5
    assert found["log_bias"] == pytest.approx((np.log(1.1) + np.log(1.5)) / 2)
    mean = np.sqrt(200.0)
    assert found["abs_rel_of_mean"] == pytest.approx(((mean - 10) / 10 + (20 - mean) / 20) / 2)
    assert found["places"] == 2


def test_nothing_has_no_figures() -> None:
    assert depth_figures(np.zeros(0), np.zeros(0), np.zeros(0)) == {}
