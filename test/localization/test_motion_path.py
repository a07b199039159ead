"""A way in the plane: velocities at its poses, and laid onto places."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from dalearn_ros.labels.residuals import twists
from dalearn_ros.localization.motion_path import laid, velocities

PERIOD_S, SWING = 0.5, 1.2  # images, and rad/s of the bends


def bends() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (F,), headings (F,) and their true rate (F,)."""
    times = np.arange(0.0, 15.0, PERIOD_S)
    return times, 0.3 * np.sin(SWING * times), 0.3 * SWING * np.cos(SWING * times)


def test_bends_are_as_sharp_as_they_are_and_not_as_their_chords() -> None:
    times, heading, rate = bends()
    stamps = np.round(times * 1e9).astype(np.int64)
    rotation = Rotation.from_rotvec(np.outer(heading, [0.0, 0.0, 1.0])).as_matrix()
    position = np.column_stack([8.0 * times, np.sin(SWING * times), 0.0 * times])
    found = velocities(stamps, rotation, position, heading)
    inside = slice(2, -2)
    np.testing.assert_allclose(found[inside, 5], rate[inside], atol=0.005 * 0.3 * SWING)
    np.testing.assert_allclose(found[:, 0], 8.0)
    np.testing.assert_allclose(
        found[inside, 1], SWING * np.cos(SWING * times)[inside], atol=0.005 * SWING
    )
    chord = twists(stamps, rotation, position)[inside, 5]
    assert float(chord @ rate[inside] / (rate[inside] @ rate[inside])) < 0.95


def test_nothing_tells_the_velocity_of_a_pose_that_is_alone() -> None:
    stamps = np.array([0, 500_000_000, 5_000_000_000], np.int64)
    still = np.tile(np.eye(3), (3, 1, 1))
    found = velocities(stamps, still, np.zeros((3, 3)), np.zeros(3))
    np.testing.assert_array_equal(np.isnan(found).all(axis=1), [False, False, True])
    alone = velocities(stamps[:1], still[:1], np.zeros((1, 3)), np.zeros(1))
    assert np.isnan(alone).all()


def test_a_way_is_laid_onto_its_places() -> None:
    along = np.array([[0.0, 0.0], [5.0, 0.0], [9.0, 2.0], [12.0, 6.0]])
    turn = np.array([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    places = along @ turn.T + [3.0, -4.0]
    places[1] = np.nan
    np.testing.assert_allclose(laid(along, places), [3.0, -4.0, 0.7], atol=1e-12)
