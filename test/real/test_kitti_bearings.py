"""A place from two bearings: by hand, and over the real drives."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import kitti_bearings as bearings
from benchmarks import kitti_signs as signs


def test_two_bearings_cross_at_the_vehicle() -> None:
    # From (2, 1): a point 3 m to the east and 4 m to the north, one 5 m to the west.
    points = np.array([[5.0, 5.0], [-3.0, 1.0]])
    place, range_m = bearings.crossing(points, np.array([np.arctan2(4.0, 3.0), np.pi]))
    np.testing.assert_allclose(place, [2.0, 1.0], atol=1e-12)
    np.testing.assert_allclose(range_m, [5.0, 5.0])


def test_a_bearing_that_points_away_gives_a_negative_range() -> None:
    points = np.array([[5.0, 5.0], [-3.0, 1.0]])
    _, range_m = bearings.crossing(points, np.array([np.arctan2(4.0, 3.0), 0.0]))
    assert range_m[1] < 0.0


def test_the_pair_nearest_to_a_right_angle_is_taken() -> None:
    pair, angle = bearings.widest(np.radians([0.0, 10.0, 70.0, 175.0]))
    assert set(pair) == {2, 3}  # 105 degrees apart; lines cross by 75
    assert angle == pytest.approx(75.0)


@pytest.mark.real_data
def test_places_over_all_drives(real_data: Path) -> None:
    path = real_data / "kitti_signs" / "train_sign_id_GT.json"
    if not path.is_file():
        pytest.skip("real data: no kitti_signs")
    boxes = signs.read_boxes(path)
    point, ahead = bearings.fixes(boxes, 0.0), bearings.fixes(boxes, 1.08)
    assert len(point.error_m) > 200 and point.crossing_deg.min() > 20.0
    # The signs were placed from the GPS point: the true lever arm fits worse.
    assert np.median(point.error_m) < 2.0 < np.median(ahead.error_m)
    frames = len(np.unique(boxes.frame))
    assert len(point.frame) + point.one_sign + point.narrow + point.behind == frames
