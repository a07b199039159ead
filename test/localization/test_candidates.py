"""Which landmarks may be in the image."""

from __future__ import annotations

from typing import Any

import numpy as np

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.localization.candidates import (
    Candidates,
    Surroundings,
    candidates,
    reach_m,
    visible,
)
from dalearn_ros.maps.index import IndexedMap, indexed


def near(street: Any, landmarks: IndexedMap, pose: Transform, covariance: Any) -> Candidates:
    """Candidates of the street's camera from a pose."""
    everything = np.arange(len(landmarks))
    seen = visible(landmarks, everything, LabelSpace.load(), street.camera, street.mounting, pose)
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


def test_surroundings_hold_all_that_is_in_range_however_the_place_moves(street: Any) -> None:
    landmarks, classes = indexed(street.landmarks), LabelSpace.load()
    around = Surroundings(landmarks, classes)
    for along in [0.0, 3.0, 9.0, 14.0, 250.0, 251.0, 100.0]:
        eye = street.pose(along).translation
        rows = around.rows(eye)
        assert np.isin(landmarks.near(eye, float(reach_m(classes).max())), rows).all()
        assert (np.diff(rows) > 0).all()
    assert len(rows) < len(landmarks)
