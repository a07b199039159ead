"""What of the street is labelled, ignored and dropped, and where (D2 to D5)."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from helpers.small_drive import BASE_FROM_CAMERA, CAMERA

from dalearn_ros.core.errors import PoseError
from dalearn_ros.core.settings import load_settings
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels import FrameLabels, Labeller, LabelSettings, project_labels
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Frame, LandmarkMap

SIGN, SIGNAL, ARROW, STOP_LINE, CROSSWALK = 2, 5, 6, 7, 8
NONE = [np.nan] * 3
BLACK = np.zeros((384, 640, 3), np.uint8)


def _face(x: float, y: float, z: float, size: float = 0.8, ahead: float = -1.0) -> np.ndarray:
    half = size / 2
    corners = [[-half, -half], [half, -half], [half, half], [-half, half]]
    return np.array([[x, y + ahead * a, z + b] for a, b in corners])


def _map(*rows: tuple) -> LandmarkMap:
    """Rows of (id, class, outline, point, normal, direction)."""
    names, classes, outlines, points, normals, directions = zip(*rows, strict=True)
    return LandmarkMap(
        np.array(names),
        np.array(classes),
        np.array(points, dtype=float),
        Ragged.of(outlines, 3),
        np.array(normals, dtype=float),
        np.array(directions, dtype=float),
        np.array([""] * len(names)),
    )


def _sign(name: str, x: float, y: float = -4.0, z: float = 2.5, size: float = 0.8) -> tuple:
    return (name, SIGN, _face(x, y, z, size), [x, y, z], [-1, 0, 0], NONE)


def _frame(depth: np.ndarray | None = None, yaw: float = 0.0, camera: Camera = CAMERA) -> Frame:
    pose = Pose(0, Transform.from_euler(0, 0, yaw), np.diag([0.01] * 6))
    return Frame(BLACK, 0, camera, BASE_FROM_CAMERA, pose, depth, "0")


def _label(*rows: tuple, **options: object) -> FrameLabels:
    return Labeller(_map(*rows)).label(_frame(**options))  # type: ignore[arg-type]


def test_projects_as_opencv_does() -> None:
    camera = dataclasses.replace(CAMERA, distortion=np.array([-0.2, 0.05, 0.001, -0.001, 0.0]))
    landmarks = _map(_sign("a", 30.0), _sign("b", 20.0, 3.0))
    labels = project_labels(landmarks, _frame(camera=camera))
    # camera at (1.5, 0, 1.5), looking along x: x right = -y, y down = -z, z forward = x
    seen = np.array([[4.0, -1.0, 28.5], [-3.0, -1.0, 18.5]])
    expected, _ = cv2.projectPoints(
        seen, np.zeros(3), np.zeros(3), camera.matrix, camera.distortion
    )
    assert np.allclose(labels.point_px, expected[:, 0], atol=1e-6)
    assert np.allclose(labels.range_m, np.linalg.norm(seen, axis=1))
    assert labels.map_id.tolist() == ["a", "b"]
    assert labels.class_id.tolist() == [SIGN, SIGN]
    assert not labels.ignore.any()
    assert np.allclose(labels.visible, 1.0)
    assert np.isfinite(labels.covariance_px2).all()


def test_outline_of_a_sign_by_hand() -> None:
    labels = _label(_sign("a", 21.5)).labels  # 20 m ahead of the camera: 500 / 20 = 25 px a metre
    outline = np.asarray(labels.outlines_px[0])
    assert outline.min(axis=0) == pytest.approx([319.5 + 90, 191.5 - 35])
    assert outline.max(axis=0) == pytest.approx([319.5 + 110, 191.5 - 15])


@pytest.mark.parametrize(
    "row, reason",
    [
        (_sign("far", 200.0), "range"),
        (_sign("behind", -5.0), "outside_image"),
        (_sign("beside", 3.0, -30.0), "outside_image"),
        (("back", SIGN, _face(20, -4, 2.5), [20, -4, 2.5], [1, 0, 0], NONE), "facing_away"),
        (_sign("tiny", 60.0, size=0.2), "too_small"),
    ],
)
def test_what_the_camera_cannot_capture_is_dropped(row: tuple, reason: str) -> None:
    result = _label(row)
    assert len(result.labels) == 0
    if reason != "range" or result.dropped:  # beyond reach it is not even looked at
        assert result.dropped == {reason: 1}


@pytest.mark.parametrize(
    "row, reason",
    [
        (_sign("distant", 85.0, size=3.0), "range"),
        (_sign("small", 60.0, size=0.8), "small"),
        (_sign("cut", 11.5, -6.6, 2.5, 1.2), "visible"),
    ],
)
def test_what_is_hard_to_see_is_ignored(row: tuple, reason: str) -> None:
    result = _label(row)
    assert result.labels.ignore.tolist() == [True]
    assert reason in result.ignored


def _quad(x0: float, x1: float, y0: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0, 0.0], [x1, y0, 0.0], [x1, y1, 0.0], [x0, y1, 0.0]])


def test_markings_of_the_other_direction_are_ignored() -> None:
    walk = _quad(12, 15, -3, 3)
    ours = ("w:+", CROSSWALK, walk, [12, -3, 0], NONE, [1, 0, 0])
    theirs = ("w:-", CROSSWALK, walk, [15, 3, 0], NONE, [-1, 0, 0])
    arrow = ("a", ARROW, _quad(10, 14, 1, 2), [14, 2, 0], NONE, [-1, 0, 0])
    result = _label(ours, theirs, arrow)
    assert result.labels.map_id.tolist() == ["w:+", "a"]  # one outline, one label
    assert result.labels.ignore.tolist() == [False, True]
    assert result.dropped == {"other_direction": 1}


def test_only_one_crosswalk_in_two_directions_has_a_twin() -> None:
    """OpenDRIVE's ids have a colon too: `object:1` and `object:2` are not one outline."""
    ours = ("object:1", STOP_LINE, _quad(12, 12.4, -3, 0), [12, -3, 0], NONE, [1, 0, 0])
    theirs = ("object:2", STOP_LINE, _quad(12, 12.4, 0, 3), [12.4, 3, 0], NONE, [-1, 0, 0])
    result = _label(ours, theirs)
    assert result.labels.map_id.tolist() == ["object:1", "object:2"]
    assert result.labels.ignore.tolist() == [False, True]


@pytest.mark.parametrize("degrees, ignored", [(0, False), (55, False), (65, True), (-85, True)])
def test_markings_seen_from_the_side_are_ignored(degrees: float, ignored: bool) -> None:
    """There the lower right end is another for either direction of the crossing road."""
    along = [np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0]
    row = ("a", ARROW, _quad(10, 14, 1, 2), [10, 1, 0], NONE, along)
    assert _label(row).labels.ignore.tolist() == [ignored]


def test_partly_seen_markings_stay_as_ignored_areas() -> None:
    """Over the line: its point is behind the camera, its far part still in the image."""
    walk = ("w:+", CROSSWALK, _quad(0, 9, -3, 3), [0, -3, 0], NONE, [1, 0, 0])
    labels = _label(walk).labels
    assert labels.ignore.tolist() == [True]
    assert CAMERA.inside(labels.point_px).all()
    assert CAMERA.inside(np.asarray(labels.outlines_px[0]), 1e-9).all()


def test_a_nearer_face_hides_what_is_behind_it() -> None:
    """A board of twice the size at half the distance, shifted to hide the right half."""
    far = _sign("far", 41.5, -4.0, 1.5, 1.0)  # 40 m ahead, 4 m to the right
    board = ("near", SIGN, _face(21.5, -2.25, 1.5, 0.5), [21.5, -2.25, 1.5], [-1, 0, 0], NONE)
    labels = _label(far, board).labels
    assert labels.visible[0] == pytest.approx(0.5, abs=0.08)
    assert labels.visible[1] == 1.0
    turned = (*board[:4], [1, 0, 0], NONE)  # seen from behind it hides just as well
    result = _label(far, turned)
    assert result.labels.map_id.tolist() == ["far"]
    assert result.labels.visible[0] == pytest.approx(0.5, abs=0.08)


def test_depth_hides() -> None:
    row = _sign("a", 21.5)
    wall = np.full((384, 640), 15.0, np.float32)
    assert _label(row, depth=wall).dropped == {"hidden": 1}
    assert _label(row, depth=wall + 4.9).labels.visible.tolist() == [1.0]  # within the slack
    half = wall.copy()
    half[:, : int(319.5 + 100)] = 100.0
    labels = _label(row, depth=half).labels
    assert labels.visible[0] == pytest.approx(0.5, abs=0.1)
    holes = np.full((384, 640), np.nan, np.float32)
    holes[::2] = 0.0
    assert _label(row, depth=holes).labels.visible.tolist() == [1.0]


def test_a_slanted_road_does_not_hide_its_own_marking() -> None:
    """Depth of the flat road itself, pixel by pixel, leaves a far stop line visible."""
    v = np.arange(384, dtype=np.float64)[:, None]
    with np.errstate(divide="ignore"):
        road = np.where(v > 191.5, 1.5 * 500.0 / np.maximum(v - 191.5, 1e-9), np.inf)
    depth = np.broadcast_to(road, (384, 640)).astype(np.float32)
    line = ("s", STOP_LINE, _quad(29.8, 30.2, -3.3, -0.2), [29.8, -3.3, 0], NONE, [1, 0, 0])
    assert _label(line, depth=depth).labels.visible.tolist() == [1.0]


def test_heading_turns_the_view() -> None:
    """A sign 20 m to the left is seen in the middle by who has turned left."""
    face = _face(20.0, 0.0, 2.5) @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    row = ("left", SIGN, face, [0.0, 20.0, 2.5], [0, -1, 0], NONE)
    assert len(_label(row).labels) == 0
    labels = _label(row, yaw=np.pi / 2).labels
    assert labels.point_px[0, 0] == pytest.approx(319.5)


def test_a_frame_without_a_pose_is_refused() -> None:
    frame = dataclasses.replace(_frame(), pose=None)
    with pytest.raises(PoseError, match="no pose"):
        project_labels(_map(_sign("a", 20.0)), frame)


def test_settings_shift_the_limits() -> None:
    settings = load_settings(LabelSettings, None, {"min_side_px": 2.0, "drop_side_px": 1.0})
    result = Labeller(_map(_sign("small", 60.0)), settings).label(_frame())
    assert result.labels.ignore.tolist() == [False]


def test_an_empty_view_gives_empty_labels() -> None:
    result = _label(_sign("behind", -20.0))
    assert len(result.labels) == 0
    assert result.labels.outlines_px.values.shape == (0, 2)
