"""True distances of an image: which places, how far, and what is left out."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.small_drive import BASE_FROM_CAMERA, CAMERA, pose_at, write_street

from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.labels import Labeller
from dalearn_ros.labels.distances import DistanceFinder, nearest_of_cell, road_of
from dalearn_ros.landmarks.types import DISTANCE_KINDS, Distances, Frame
from dalearn_ros.maps import load_map

BLACK = np.zeros((384, 640, 3), np.uint8)
NAMES = np.array(DISTANCE_KINDS)


def straight() -> Trajectory:
    poses = [pose_at(number) for number in range(500)]
    return Trajectory(
        np.array([pose.stamp_ns for pose in poses]),
        np.array([pose.map_from_base.translation for pose in poses]),
        np.tile([0.0, 0.0, 0.0, 1.0], (500, 1)),
    )


def frame(depth_m: np.ndarray | None = None) -> Frame:
    return Frame(BLACK, 0, CAMERA, BASE_FROM_CAMERA, pose_at(0, 10.0), depth_m)


@pytest.fixture(scope="module")
def labeller(tmp_path_factory: pytest.TempPathFactory) -> Labeller:
    folder = tmp_path_factory.mktemp("street")
    write_street(folder)
    return Labeller(load_map(folder))


def find(
    labeller: Labeller, seen: Frame, cloud: np.ndarray | None = None, sensors: bool = True
) -> tuple[Distances, DistanceFinder]:
    finder = DistanceFinder(labeller, road_of(straight()), sensors)
    return finder.of(seen, labeller.label(seen).labels, cloud), finder


def of_kind(distances: Distances, kind: str) -> Distances:
    return distances.select(NAMES[distances.kind] == kind)


def test_the_driven_road_is_a_metre_apart_and_as_wide_as_a_car() -> None:
    road = road_of(straight())
    assert len(road) == 3 * 100
    np.testing.assert_allclose(np.unique(road[:, 1]), [-2.95, -1.75, -0.55])
    np.testing.assert_allclose(np.diff(np.unique(road[:, 0].round(6))), 1.0)


def test_the_road_of_levelled_frames_is_level() -> None:
    path = straight()
    climbing = path.positions + np.linspace(100.0, 130.0, 500)[:, None] * [0.0, 0.0, 1.0]
    road = road_of(Trajectory(path.stamps_ns, climbing, path.quaternions), flat=True)
    assert len(road) > 300 and not road[:, 2].any()


def test_road_and_landmarks_are_where_a_pinhole_sees_them(labeller: Labeller) -> None:
    found, finder = find(labeller, frame())
    road = of_kind(found, "road")
    # The camera stands 1.5 m over the road: v = cy + f h / z.
    np.testing.assert_allclose(road.pixels[:, 1], 191.5 + 500 * 1.5 / road.depth_m, atol=1e-6)
    assert road.depth_m.max() < 100 and len(road) == finder.counts["road"] > 100
    signs = of_kind(found, "landmark")
    # The light at x = 45 stands across, 33.5 m before the camera at x = 11.5: a grid of 7 x 7.
    assert np.isclose(signs.depth_m, 33.5, atol=0.01).sum() == 49


def test_what_a_depth_image_hides_is_no_truth(labeller: Labeller) -> None:
    wall = np.full((384, 640), 20.0, np.float32)
    found, finder = find(labeller, frame(wall), sensors=False)
    assert set(NAMES[found.kind]) == {"road", "landmark"}
    assert found.depth_m.max() < 21.0
    assert finder.counts["left out: hidden"] > 0


def test_holes_and_what_is_too_far_are_counted(labeller: Labeller) -> None:
    depth = np.full((384, 640), 30.0, np.float32)
    depth[:, :64], depth[:, 64:128], depth[:, 128:192] = 0.0, np.nan, np.inf
    depth[:, 192:256], depth[:, 256:320] = 0.4, 130.0
    found, finder = find(labeller, frame(depth))
    dense = of_kind(found, "depth")
    assert len(dense) == 48 * 40 == finder.counts["depth"]
    assert finder.counts["left out: hole"] == 48 * 24
    assert finder.counts["left out: range"] >= 48 * 16
    assert dense.pixels[:, 0].min() >= 320
    assert (dense.pixels % 8 == 4).all()


def test_millimetres_called_metres_are_refused(labeller: Labeller) -> None:
    found, finder = find(labeller, frame(np.full((384, 640), 12_000.0, np.float32)))
    assert not len(of_kind(found, "depth")) and finder.counts["left out: unit"] == 1


def test_returns_behind_nearer_ones_are_left_out(labeller: Labeller) -> None:
    # Two returns on one pixel, one far behind the other, one alone, one behind the camera.
    cloud = np.array([[0.0, 0.0, 10.0], [0.0, 0.0, 30.0], [3.0, 0.0, 30.0]])
    found, finder = find(labeller, frame(), cloud)
    np.testing.assert_allclose(of_kind(found, "lidar").depth_m, [10.0, 30.0])
    np.testing.assert_allclose(of_kind(found, "lidar").pixels[1], [319.5 + 50.0, 191.5])


def test_the_nearest_of_a_cell() -> None:
    pixels = np.array([[0.0, 0.0], [7.4, 7.4], [7.6, 0.0]])
    np.testing.assert_array_equal(
        nearest_of_cell(pixels, np.array([5.0, 3.0, 9.0]), 8.0), [3, 3, 9]
    )
