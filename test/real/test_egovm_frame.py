"""A real HD map projected into six real images lies on the paint, and lies off it when moved."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import egovm_frame as frame
from dalearn_ros.core.errors import DatasetError

pytestmark = pytest.mark.real_data
GROUND = (2.08, -0.008, -0.003)  # as fitted by the benchmark: height under the lidar, two slopes


@pytest.fixture(scope="module")
def scene(real_data: Path) -> frame.Scene:
    folder = real_data / "egovm_frame"
    if not folder.is_dir():
        pytest.skip("real data: no egovm_frame")
    return frame.read_scene(folder)


@pytest.fixture(scope="module")
def paint(scene: frame.Scene) -> frame.Paint:
    return frame.paint_of(scene, ("lane_dashed", "lane_solid"))


def share(scene: frame.Scene, paint: frame.Paint, turn_deg: float, left_m: float) -> float:
    reader = frame.Reader(scene, scene.pose(turn_deg, left_m), paint)
    return frame.share(np.concatenate(reader.brightness(GROUND)))


@pytest.mark.parametrize("turn_deg, left_m", list(frame.POSES.values())[1:])
def test_the_road_is_brighter_at_the_map_lines_than_beside_them(
    scene: frame.Scene, paint: frame.Paint, turn_deg: float, left_m: float
) -> None:
    assert share(scene, paint, 0.0, 0.0) > 1.5 * share(scene, paint, turn_deg, left_m)


def test_a_wrong_pose_does_not_win_back_by_a_ground_of_its_own(
    scene: frame.Scene, paint: frame.Paint
) -> None:
    shares = []
    for turn_deg, left_m in ((0.0, 0.0), (1.0, 0.0)):
        views, _ = frame.held_out(scene, scene.pose(turn_deg, left_m), paint)
        shares.append(frame.share(np.concatenate(views)))
    assert shares[0] > 1.3 * shares[1]


def test_no_move_by_a_decimetre_and_no_turn_by_half_a_degree_left_does_better(
    scene: frame.Scene, paint: frame.Paint
) -> None:
    moved = [share(scene, paint, 0.0, left) for left in (-0.2, -0.1, 0.0, 0.1, 0.2)]
    turned = [share(scene, paint, turn, 0.0) for turn in (-1.0, -0.5, 0.0, 0.5, 1.0)]
    assert np.argmax(moved) == 2
    assert np.argmax(turned) == 2


def test_the_plane_is_under_the_lidar_and_rises_by_its_slopes(scene: frame.Scene) -> None:
    pose = scene.map_from_lidar
    c, s = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
    ahead = pose.translation[:2] + 10.0 * np.array([c, s])
    left = pose.translation[:2] + 10.0 * np.array([-s, c])
    points = scene.on_ground(np.stack([pose.translation[:2], ahead, left]), (2.0, 0.01, -0.02))
    np.testing.assert_allclose(points[:, 2] - pose.translation[2], [-2.0, -1.9, -2.2], atol=1e-9)


def test_every_camera_shows_poles_and_lane_lines(scene: frame.Scene) -> None:
    for view in scene.views:
        picture, counts = frame.draw(scene, view, GROUND)
        assert counts["pole"] > 0 and counts["lane_dashed"] > 0, view.name
        assert (picture != view.image).any()


def test_a_folder_without_the_frame_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"frame\.npz"):
        frame.read_scene(tmp_path)
