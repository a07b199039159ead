"""What hides what, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.small_drive import BASE_FROM_CAMERA, CAMERA

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels import FrameLabels, Labeller
from dalearn_ros.labels.visibility import hidden_by_cloud, hidden_by_faces
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Frame, LandmarkMap

SQUARE = np.array([[10.0, 10], [20, 10], [20, 20], [10, 20]])
NONE = [np.nan] * 3


def test_a_face_hides_what_is_behind_it_and_nothing_else() -> None:
    samples = Ragged.of([[[15.0, 15.0], [25.0, 15.0], [np.nan, np.nan]], [[15.0, 15.0]]], 2)
    faces = Ragged.of([SQUARE], 2)
    hidden = hidden_by_faces(samples, np.array([30.0, 10.0]), faces, np.array([20.0]))
    assert hidden.tolist() == [True, False, False, False]
    same = hidden_by_faces(samples, np.array([20.2, 10.0]), faces, np.array([20.0]))
    assert not same.any()  # two faces side by side on one post do not hide each other


def test_only_nearer_returns_hide_and_no_return_hides_nothing() -> None:
    pixels = np.array([[50.0, 50.0], [50.0, 50.0], [150.0, 50.0]])
    depth, slack = np.array([30.0, 11.0, 30.0]), np.full(3, 2.0)
    wall = np.array([[50.0, 52.0, 10.0]])
    assert hidden_by_cloud(pixels, depth, wall, 8.0, slack).tolist() == [True, False, False]
    through = np.concatenate([wall, [[55.0, 50.0, 31.0]]])  # the LiDAR saw past it
    assert not hidden_by_cloud(pixels, depth, through, 8.0, slack).any()
    assert not hidden_by_cloud(pixels, depth, np.zeros((0, 3)), 8.0, slack).any()


def _rings(box: bool) -> np.ndarray:
    """Returns (P, 3), optical frame, of a 64-ring LiDAR 0.5 m over a camera 1.5 m over the road.

    The road, and with ``box`` a van between 15 and 20 m, 2 m high, across the lane to the right.
    """
    azimuth = np.radians(np.arange(-35.0, 35.0, 0.2))
    elevation = np.radians(np.arange(-24.0, 3.0, 0.42))
    a, e = (grid.ravel() for grid in np.meshgrid(azimuth, elevation))
    ray = np.stack([np.sin(a) * np.cos(e), -np.sin(e), np.cos(a) * np.cos(e)], axis=1)
    with np.errstate(divide="ignore"):
        reach = np.where(ray[:, 1] > 0, 2.0 / ray[:, 1], np.inf)  # x right, y down
    if box:
        to_rear = 15.0 / ray[:, 2]
        at = ray * to_rear[:, None]
        hit = (np.abs(at[:, 0] - 1.0) < 2.0) & (at[:, 1] > 0.0) & (at[:, 1] < 2.0)
        reach = np.where(hit, np.minimum(reach, to_rear), reach)
    near = reach < 100.0
    return ray[near] * reach[near, None] - [0.0, 0.5, 0.0]


def _label(cloud_m: np.ndarray | None, line_x: float = 40.0) -> FrameLabels:
    x = line_x + 1.5
    line = [[x, -3.0, 0.0], [x + 0.4, -3.0, 0.0], [x + 0.4, -0.1, 0.0], [x, -0.1, 0.0]]
    sign = [[x, -3.6, 4.2], [x, -4.4, 4.2], [x, -4.4, 5.0], [x, -3.6, 5.0]]
    landmarks = LandmarkMap(
        ids=np.array(["line", "sign"]),
        class_id=np.array([7, 2]),
        point_m=np.array([[x, -3.0, 0.0], [x, -4.0, 4.6]]),
        outlines_m=Ragged.of([line, sign], 3),
        normal=np.array([NONE, [-1.0, 0, 0]]),
        direction=np.array([[1.0, 0, 0], NONE]),
        tags=np.array(["", ""]),
    )
    image = np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
    frame = Frame(image, 0, CAMERA, BASE_FROM_CAMERA, Pose(0, Transform.identity()))
    return Labeller(landmarks).label(frame, cloud_m)


@pytest.mark.parametrize("line_x", [8.0, 15.0, 25.0, 40.0])
def test_the_road_itself_hides_no_marking(line_x: float) -> None:
    labels = _label(_rings(box=False), line_x).labels
    row = int(np.flatnonzero(labels.map_id == "line")[0])
    assert labels.visible[row] == 1.0


def test_a_van_hides_the_stop_line_behind_it_and_not_the_sign_above_it() -> None:
    free = _label(None)
    assert sorted(free.labels.map_id.tolist()) == ["line", "sign"]
    result = _label(_rings(box=True))
    assert result.dropped == {"hidden": 1}
    assert result.labels.map_id.tolist() == ["sign"]
    assert result.labels.visible[0] == 1.0


def test_truncation_has_its_own_reason() -> None:
    """A sign 9 m ahead that the right border cuts through the middle."""
    right = 6.38 * 9.0 / 5.0 / 1.8  # the border of 640 px at a focal length of 500 px
    y = -right * 0.9
    outline = [[10.5, y + 1, 1], [10.5, y - 1, 1], [10.5, y - 1, 2], [10.5, y + 1, 2]]
    landmarks = LandmarkMap(
        np.array(["s"]), np.array([2]), np.array([[10.5, y, 1.5]]), Ragged.of([outline], 3),
        np.array([[-1.0, 0, 0]]), np.array([NONE]), np.array([""]),
    )  # fmt: skip
    image = np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
    frame = Frame(image, 0, CAMERA, BASE_FROM_CAMERA, Pose(0, Transform.identity()))
    result = Labeller(landmarks).label(frame)
    inside = (320.0 * 9.0 / 500.0 - (-y - 1)) / 2.0  # share of its width within the image
    assert result.labels.visible[0] == pytest.approx(np.clip(inside, 0, 1), abs=0.08)
    assert ("truncated" in result.ignored) == (result.labels.visible[0] < 0.5)
