"""Labels from a rough pose."""

import numpy as np
import pytest
from helpers.tiny_training import one_label

from benchmarks.adaptation_map import moved
from dalearn_ros.geometry.camera import Camera

CAMERA = Camera(
    model="plumb_bob",
    matrix=np.array([[930.0, 0, 640], [0, 930.0, 360], [0, 0, 1]]),
    distortion=np.zeros(5),
    width=1280,
    height=720,
)


class _Drawn:
    """Draws what it is told to."""

    def __init__(self, *values):
        self.values = list(values)

    def normal(self, mean, sigma):
        return self.values.pop(0)


def test_a_step_to_the_right_by_hand():
    labels = one_label(1, (640.0, 360.0))  # 20 m ahead
    found = moved(labels, CAMERA, _Drawn((0.5, 0.0), 0.0))
    assert found.point_px[0] == pytest.approx([640.0 - 930.0 * 0.5 / 20.0, 360.0])


def test_a_turn_by_hand_and_what_is_passed_by():
    labels = one_label(1, (640.0, 360.0))
    found = moved(labels, CAMERA, _Drawn((0.0, 0.0), 0.01))
    assert found.point_px[0, 0] == pytest.approx(640.0 + 930.0 * np.tan(0.01))
    assert len(moved(labels, CAMERA, _Drawn((0.0, 21.0), 0.0))) == 0
