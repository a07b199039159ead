"""What a network sees twice: by hand, and in the pixels of the image."""

import numpy as np
import pytest

from dalearn_ros.adaptation import agreement as looks
from dalearn_ros.adaptation.agreement import TwoLooks, agreement, evenly
from dalearn_ros.landmarks.types import Observations


def _seen(classes, points):
    n = len(classes)
    ones = np.ones(n)
    places = np.array(points, float).reshape(n, 2)
    covariance = np.tile(np.eye(2), (n, 1, 1))
    ids = np.array(classes, int)
    return Observations(0, ids, places, ones, covariance, ones, ones, -np.ones(n, int))


def test_agreement_by_hand():
    one = [_seen([1, 2], [[0, 0], [50, 50]]), _seen([1], [[5, 5]])]
    other = [_seen([1, 2, 2], [[3, 4], [50, 70], [55, 50]]), _seen([2], [[5, 5]])]
    assert agreement(one, other, 5.0) == pytest.approx(2 * 2 / 7)
    assert agreement(one, one, 1.0) == 1.0
    assert agreement([_seen([], [])], [_seen([], [])], 5.0) == 0.0, "seeing nothing is no merit"


def test_images_are_taken_evenly():
    assert evenly(9, 3) == [0, 4, 8]
    assert evenly(2, 5) == [0, 1]


def test_both_looks_report_in_pixels_of_the_image(monkeypatch):
    """A stand-in for the network reports the centre of the one bright square."""

    def brightest(backend, view):
        row, column = (np.flatnonzero(view[0, :, :, 0].max(axis=a) > 128).mean() for a in (1, 0))
        point = np.array([[column, row]])
        return _seen([1], point)

    monkeypatch.setattr(looks, "TorchBackend", lambda network, metadata: None)
    monkeypatch.setattr(looks, "_seen", brightest)
    image = np.zeros((160, 320, 3), np.uint8)
    image[80:90, 240:250] = 255
    two = TwoLooks([image], 3, 32)
    (first,), (second,) = two.first(None, None), two.second(None, None)
    np.testing.assert_allclose(first.point_px, [[244.5, 84.5]])
    np.testing.assert_allclose(second.point_px, first.point_px, atol=1.0)
