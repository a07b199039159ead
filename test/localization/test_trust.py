"""When landmarks contradict the prior, and how trust comes back."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.localization.trust import Trust, disagreement

PRIOR_SIGMA = np.array([0.5, 0.5, 0.05, 0.003, 0.003, 0.012])
SETTINGS = LocalizerSettings(recover_s=2.0)


def poses(offset_m: float, stamp_s: float = 0.0, sigma_m: float = 0.1) -> tuple[Pose, Pose]:
    """Landmarks with sigma 0.1 m that say ``offset_m`` to the left of a prior with sigma 0.5 m."""
    before, own = 0.5**-2, sigma_m**-2
    covariance = np.diag(PRIOR_SIGMA**2)
    prior = Pose(int(stamp_s * 1e9), Transform.identity(), covariance.copy())
    covariance[1, 1] = 1.0 / (before + own)
    place = np.array([0.0, offset_m * own / (before + own), 0.0])
    return Pose(prior.stamp_ns, Transform(np.eye(3), place), covariance), prior


def test_the_distance_is_that_of_landmarks_and_prior() -> None:
    assert disagreement(*poses(1.5)) == pytest.approx(1.5**2 / (0.5**2 + 0.1**2))


def test_what_the_landmarks_do_not_tell_does_not_count() -> None:
    estimate, prior = poses(1.5, sigma_m=10.0)
    assert disagreement(estimate, prior) == 0.0


def test_a_contradiction_is_remembered() -> None:
    trust = Trust(SETTINGS)
    assert trust.judge(*poses(1.2, 0.0), lost=False) == ""
    assert "contradict the prior" in trust.judge(*poses(3.0, 1.0), lost=False)
    assert "not long enough" in trust.judge(*poses(0.3, 2.0), lost=False)
    assert "not agree well" in trust.judge(*poses(1.6, 3.0), lost=False)  # starts the wait anew
    assert "not long enough" in trust.judge(*poses(0.3, 4.0), lost=False)
    assert trust.judge(*poses(0.3, 6.0), lost=False) == ""
    assert trust.judge(*poses(1.6, 7.0), lost=False) == ""  # agreed before: less is enough


def test_at_the_start_they_must_agree_well() -> None:
    assert "not agree well" in Trust(SETTINGS).judge(*poses(1.6), lost=False)


def test_another_place_that_explains_more_is_a_contradiction() -> None:
    trust = Trust(SETTINGS)
    assert "another place" in trust.judge(*poses(0.0), lost=True)
    assert trust.judge(*poses(0.0, 1.0), lost=False) != ""
