"""Which landmarks may be in the image."""

from __future__ import annotations

from typing import Any

import numpy as np

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.candidates import Candidates, candidates, visible
from dalearn_ros.maps.index import IndexedMap, indexed


def near(street: Any, landmarks: IndexedMap, pose: Transform, covariance: Any) -> Candidates:
    """Candidates of the street's camera from a pose."""
    seen = visible(landmarks, LabelSpace.load(), street.camera, street.mounting, pose)
    return candidates(seen, street.camera, covariance)


def test_all_that_are_seen_are_candidates(street: Any) -> None:
    for pose, rng in street.drive(1, 20):
        prior = street.prior(pose, rng)
        landmarks = indexed(street.landmarks)
        found = near(street, landmarks, prior.map_from_base, prior.covariance)
        assert np.isin(street.seen_from(pose), found.rows).all()


def test_faces_turned_away_and_oncoming_markings_are_not(street: Any) -> None:
    turned = indexed(street.landmarks)
    turned.normal[:] *= -1.0
    turned.direction[:] *= -1.0
    found = near(street, turned, street.pose(100.0), np.eye(6) * 1e-4)
    turned.normal[:] *= -1.0
    turned.direction[:] *= -1.0
    assert len(found) == 0


def test_the_spread_is_that_of_the_pose(street: Any) -> None:
    """0.7 degrees of heading at fx 1150 are 14 px across, for a point ahead."""
    covariance = np.zeros((6, 6))
    covariance[5, 5] = np.radians(0.7) ** 2
    found = near(street, indexed(street.landmarks), street.pose(100.0), covariance)
    middle = np.argmin(np.abs(found.seen.pixels[:, 0] - 639.5))
    assert 12.0 < np.sqrt(found.spread_px2[middle, 0, 0]) < 17.0
