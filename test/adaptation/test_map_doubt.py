"""Claims held against a map."""

import dataclasses

import numpy as np

from dalearn_ros.adaptation.map_doubt import hold_against
from dalearn_ros.coding.decode import Candidates
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels


def _seen(classes, points):
    n = len(classes)
    ones = np.ones(n)
    covariance = np.tile(np.eye(2), (n, 1, 1))
    places = np.array(points, float).reshape(n, 2)
    return Candidates(np.array(classes, int), ones, ones, places, covariance, ones, ones)


def _mapped(classes, points, ignore):
    n = len(classes)
    return dataclasses.replace(
        Labels.empty(),
        class_id=np.array(classes),
        point_px=np.array(points, float),
        outlines_px=Ragged.of([np.zeros((0, 2))] * n, 2),
        range_m=np.full(n, np.nan),
        visible=np.ones(n),
        map_id=np.full(n, "", np.str_),
        covariance_px2=np.zeros((n, 2, 2)),
        ignore=np.array(ignore),
    )


def test_class_and_distance_decide():
    seen = _seen([1, 2, 1], [[10, 10], [10, 10], [100, 100]])
    mapped = _mapped([1, 3, 1], [[18, 10], [50, 50], [300, 300]], [False, False, True])
    needed, unclaimed = hold_against(seen, mapped, 8.0, 0.1)
    assert needed.tolist() == [0.1, np.inf, np.inf], "a distance equal to the radius is near enough"
    assert unclaimed.tolist() == [[50.0, 50.0]], "an ignored one keeps nothing out"


def test_without_a_mapped_landmark_all_is_doubtful():
    needed, unclaimed = hold_against(_seen([1], [[5, 5]]), Labels.empty(), 8.0, 0.1)
    assert needed.tolist() == [np.inf]
    assert unclaimed.shape == (0, 2)
    needed, _ = hold_against(_seen([], []), Labels.empty(), 8.0, 0.1)
    assert needed.shape == (0,)


def test_where_the_map_is_not_known_it_says_nothing():
    needed, unclaimed = hold_against(_seen([1], [[5, 5]]), None, 8.0, 0.1)
    assert np.isnan(needed).tolist() == [True]
    assert unclaimed.shape == (0, 2)
