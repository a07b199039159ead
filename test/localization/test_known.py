"""What is known of a pose and of the odometry, carried on: against integrated odometry."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.steps import difference
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.known import Known
from dalearn_ros.localization.odometry import OdometryNoise

SCALE, DRIFT = 0.01, 0.002
LASTING = OdometryNoise(SCALE, DRIFT, step_m=0.0, turn_rad=0.0, tilt_rad=0.0)
FOREVER = 1e9
CERTAIN = np.eye(6) * 1e-12


def circle(i: int) -> Transform:
    """True pose after i hundredths of a second: 10 m/s on a circle of 100 m."""
    angle = 0.001 * i
    place = [100.0 * np.sin(angle), 100.0 * (1.0 - np.cos(angle)), 0.0]
    return Transform.from_euler(0.0, 0.0, angle, place)


def measured(count: int, scale: float, drift: float) -> list[Transform]:
    """The odometry of ``count`` hundredths of a second with lasting errors."""
    poses = [Transform.identity()]
    for before, after in pairwise(circle(i) for i in range(count + 1)):
        step = before.inverse() @ after
        turn = Transform.from_euler(0.0, 0.0, 0.01 * drift, [0.0, 0.0, 0.0])
        wrong = Transform(turn.rotation @ step.rotation, step.translation * (1.0 + scale))
        poses.append(poses[-1] @ wrong)
    return poses


def carried(known: Known, driven: list[Transform], every: int) -> Known:
    """Carried on from 0 to the end of the odometry, in steps of ``every`` hundredths."""
    for i in range(every, len(driven), every):
        known = known.carried(i * 10_000_000, driven[i], LASTING, FOREVER)
    return known


def test_lasting_errors_grow_as_in_integrated_odometry() -> None:
    """15 s in steps of 0.2 s: heading, and the place that it and the scale move."""
    start = Known.of(Pose(0, circle(0), CERTAIN), Transform.identity())
    right = carried(start, measured(1500, 0.0, 0.0), 20)
    np.testing.assert_allclose(difference(right.pose.map_from_base, circle(1500)), 0.0, atol=1e-9)
    off = []
    for scale, drift in ((SCALE, 0.0), (0.0, DRIFT)):
        found = carried(start, measured(1500, scale, drift), 20).pose.map_from_base
        off.append(difference(found, circle(1500))[[0, 1, 5]])
    expected = sum(np.outer(one, one) for one in off)
    covariance = right.covariance[np.ix_([0, 1, 5], [0, 1, 5])]
    np.testing.assert_allclose(covariance, expected, rtol=0.05, atol=1e-3)


def test_known_errors_are_corrected() -> None:
    """A scale 1 % too long and a drift to the left, both known: the pose stays where it is."""
    driven = measured(1000, SCALE, DRIFT)
    start = Known.of(Pose(0, circle(0), CERTAIN), Transform.identity())
    told = Known(start.pose, start.driven, np.array([-1.0, -1.0]), np.eye(8) * 1e-12)
    blind = difference(carried(start, driven, 20).pose.map_from_base, circle(1000))
    found = carried(told, driven, 20)
    left = difference(found.pose.map_from_base, circle(1000))
    assert np.linalg.norm(blind[:2]) > 1.0
    assert np.linalg.norm(left[:2]) < 0.02 and abs(left[5]) < 1e-9
    assert np.sqrt(np.diag(found.covariance)[:3]).max() < 1e-3


def test_a_pose_carried_on_is_as_uncertain_as_its_parts_say() -> None:
    """A scale error of 2 % over 10 m is 0.2 m, a turn of 0.02 on the way moves it by half of it."""
    noise = OdometryNoise(0.02, 0.01, step_m=0.02, turn_rad=0.005, tilt_rad=0.001)
    start = np.diag([0.1, 0.2, 0.05, 0.001, 0.001, 0.01]) ** 2
    step = Transform.from_euler(0.0, 0.0, 0.0, [10.0, 0.0, 0.0])
    known = Known.of(Pose(0, Transform.identity(), start), Transform.identity())
    found = known.carried(2_000_000_000, step, noise, FOREVER)
    assert found.pose.map_from_base.translation[0] == 10.0 and found.driven is step
    covariance = found.pose.covariance
    assert covariance is not None
    along = 0.1**2 + 0.2**2 + 10.0 * 0.02**2
    across = 0.2**2 + (10.0 * 0.01) ** 2 + (0.5 * 0.02 * 10.0) ** 2 + 10.0 * 0.02**2
    heading = 0.01**2 + (2.0 * 0.01) ** 2 + 2.0 * 0.005**2
    np.testing.assert_allclose(np.diag(covariance)[[0, 1, 5]], [along, across, heading], rtol=1e-6)


def test_what_is_known_of_the_odometry_is_forgotten() -> None:
    """With its time constant; the pose is not."""
    covariance = np.diag([0.1] * 6 + [0.04, 0.09])
    covariance[0, 6] = covariance[6, 0] = 0.05
    known = Known(Pose(0, circle(0), covariance[:6, :6]), None, np.array([1.0, -2.0]), covariance)
    found = known.aged(60.0, 60.0)
    kept = np.exp(-1.0)
    np.testing.assert_allclose(found.lasting, [kept, -2.0 * kept])
    np.testing.assert_allclose(found.covariance[6, 6], kept**2 * 0.04 + 1.0 - kept**2)
    np.testing.assert_allclose(found.covariance[0, 6], kept * 0.05)
    np.testing.assert_array_equal(found.covariance[:6, :6], covariance[:6, :6])
