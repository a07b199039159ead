"""A window's fit: the pose, and what it finds out about the odometry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.known import Known
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.localization.window import Window
from dalearn_ros.localization.window_fit import WindowFit
from dalearn_ros.localization.window_problem import View

STEP_NS = 500_000_000
SIGMA = np.array([0.5, 0.5, 0.05, 0.002, 0.002, 0.01])


def fitted(street: Any, scale: float, drift: float, count: int = 20) -> tuple[WindowFit, Transform]:
    """Ten seconds at 10 m/s by an odometry with a scale error (a share) and a drift (rad/s)."""
    settings = LocalizerSettings(window_s=30.0)
    window = Window(street.landmarks.point_m, settings)
    rng = np.random.default_rng(3)
    driven = Transform.identity()
    turn = Transform.from_euler(0.0, 0.0, drift * STEP_NS * 1e-9, [0.0, 0.0, 0.0])
    start = Known.of(Pose(0, street.pose(20.0), np.diag(SIGMA**2)), driven)
    for i in range(count):
        truth = street.pose(20.0 + 5.0 * i)
        if i:
            step = street.pose(15.0 + 5.0 * i).inverse() @ truth
            driven = driven @ turn @ Transform(step.rotation, step.translation * (1.0 + scale))
        seen, rows = street.observe(truth, rng, missed=0.0, false_alarms=0.0)
        view = View(
            "front",
            STEP_NS * i,
            street.camera,
            street.mounting,
            seen.point_px,
            seen.covariance_px2,
            rows,
            np.arange(len(rows)),
            len(rows),
        )
        window.add(view, driven)
    return window.fit(start), truth


@pytest.mark.parametrize(("scale", "drift"), [(0.01, -0.00087), (-0.02, 0.0017), (0.0, 0.0)])
def test_scale_and_drift_of_the_odometry_are_found(street: Any, scale: float, drift: float) -> None:
    settings = LocalizerSettings()
    fit, truth = fitted(street, scale, drift)
    sigma = np.sqrt(np.diag(fit.known.covariance))
    expected = [-scale / settings.odometry_scale, -drift / settings.odometry_drift_radps]
    assert sigma[6] < 0.2 and sigma[7] < 0.5
    np.testing.assert_allclose((fit.known.lasting - expected) / sigma[6:], 0.0, atol=3.0)
    step = fit.pose.map_from_base.translation - truth.translation
    assert np.abs(step[:2] / sigma[:2]).max() < 3.5 and np.abs(step[:2]).max() < 0.2
    assert fit.prior.covariance is not None  # the prior alone: the scale's error over the way
    along = np.sqrt(0.5**2 + (95.0 * settings.odometry_scale) ** 2)
    way = street.pose(20.0).rotation[:, 0][:2]
    found = float(np.sqrt(way @ fit.prior.covariance[:2, :2] @ way))
    assert along * 0.8 < found < along * 1.2
