"""Index images of a street known by hand: what the map says, what is assumed, what depth says."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.small_drive import BASE_FROM_CAMERA, CAMERA, pose_at, write_street

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels import project_labels
from dalearn_ros.labels.area_settings import (
    AREAS,
    BUILDING,
    MARKING,
    ROAD,
    SIDEWALK,
    SIGN,
    SIGNAL,
    SKY,
    AreaSettings,
)
from dalearn_ros.labels.areas import AreaIndexer
from dalearn_ros.labels.corridor import DIRECTIONS, leaving_distance
from dalearn_ros.labels.sky import grow_sky, sharp_border
from dalearn_ros.landmarks.types import Frame, Labels
from dalearn_ros.maps import load_map
from dalearn_ros.maps.surfaces import Surfaces, path_surfaces, read_surfaces

POSE = pose_at(0, 10.0)
MAP_FROM_CAMERA = POSE.map_from_base @ BASE_FROM_CAMERA  # at (11.5, -1.75, 1.5), looking along x


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("street")
    write_street(folder)
    return folder


def area_at(index: np.ndarray, *point: float) -> str:
    pixels, valid = CAMERA.project(MAP_FROM_CAMERA.inverse().apply(np.array([point])))
    assert valid[0] and CAMERA.inside(pixels)[0], point
    u, v = np.rint(pixels[0]).astype(int)
    return AREAS[index[v, u]]


def test_areas_of_a_street_by_hand(street: Path) -> None:
    landmarks = load_map(street)
    frame = Frame(np.zeros((384, 640, 3), np.uint8), 0, CAMERA, BASE_FROM_CAMERA, POSE)
    labels = project_labels(landmarks, frame)
    index = AreaIndexer(read_surfaces(street)).index(labels, CAMERA, MAP_FROM_CAMERA)
    assert index.shape == (384, 640) and index.dtype == np.uint8
    assert area_at(index, 25.0, 2.0, 0.0) == "road"
    assert area_at(index, 28.0, -3.2, 0.0) == "road"
    assert area_at(index, 30.0, 5.5, 0.0) == "sidewalk"  # to 6 m beside the lanes
    assert area_at(index, 33.5, 0.0, 0.0) == "marking"  # the crosswalk
    assert area_at(index, 40.0, -4.4, 2.6) == "sign"
    assert area_at(index, 45.0, 4.2, 3.5) == "signal"
    assert area_at(index, 60.0, 9.5, 4.0) == "building"
    assert area_at(index, 60.0, -9.5, 7.0) == "building"
    assert area_at(index, 60.0, 9.5, 9.0) == "sky"  # they are 8 m high
    assert index[0, 320] == SKY


def test_depth_says_what_stands(street: Path) -> None:
    """A wall 20 m ahead up to 5 m of height, open sky over it, road before it."""
    v, u = np.mgrid[0:384, 0:640]
    slope = (v - 191.5) / 500.0
    depth = np.where(slope > 0, 1.5 / np.maximum(slope, 1e-6), np.inf)
    depth = np.where(depth > 20.0, 20.0, depth)
    depth[slope < -(5.0 - 1.5) / 20.0] = np.nan
    index = AreaIndexer(read_surfaces(street)).index(
        Labels.empty(), CAMERA, MAP_FROM_CAMERA, depth.astype(np.float32)
    )
    assert area_at(index, 20.0, -1.0, 0.0) == "road"
    assert area_at(index, 31.5, -1.0, 2.0) == "building"
    assert area_at(index, 31.5, -1.0, 4.5) == "building"
    assert area_at(index, 31.5, -1.0, 5.6) == "sky"


def test_sparse_depth_makes_no_sky(street: Path) -> None:
    depth = np.zeros((384, 640), np.float32)
    indexer = AreaIndexer(read_surfaces(street))
    plain = indexer.index(Labels.empty(), CAMERA, MAP_FROM_CAMERA)
    assert np.array_equal(indexer.index(Labels.empty(), CAMERA, MAP_FROM_CAMERA, depth), plain)


def test_without_lanes_the_driven_path_is_the_road() -> None:
    path = np.stack([np.arange(0.0, 60.0, 2.0), np.full(30, -1.75), np.zeros(30)], axis=1)
    surfaces = path_surfaces(path)
    assert surfaces.notes and "no lanes" in surfaces.notes[0]
    index = AreaIndexer(surfaces).index(Labels.empty(), CAMERA, MAP_FROM_CAMERA)
    assert area_at(index, 25.0, -4.5, 0.0) == "road"
    assert area_at(index, 25.0, -6.5, 0.0) == "sidewalk"


def test_nothing_known_is_ground_and_sky() -> None:
    nothing = Surfaces(np.zeros((0, 4, 3)), np.zeros((0, 4, 3)), True)
    index = AreaIndexer(nothing).index(Labels.empty(), CAMERA, MAP_FROM_CAMERA)
    assert set(np.unique(index[:170])) <= {SKY, BUILDING}
    assert set(np.unique(index[210:])) == {SIDEWALK}


def test_pieces_cover_the_lanes(street: Path) -> None:
    """Both lanes: 100 m times 7 m, each in pieces of about 3 m."""
    surfaces = read_surfaces(street)
    a, b, c, d = np.moveaxis(surfaces.road_m[..., :2], 1, 0)
    area = _areas(a, b, c, d)
    assert area.sum() == pytest.approx(700.0)
    assert not surfaces.flat and len(surfaces.beside_m) == 0


def _areas(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    p, q = c - a, d - b
    return 0.5 * np.abs(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])


def test_how_far_a_street_goes() -> None:
    """A road 100 m along x, 7 m wide, the eye in its middle: 3.5 m + 6 m to the side."""
    left = np.array([[-50, 3.5, 0], [50, 3.5, 0], [50, -3.5, 0], [-50, -3.5, 0]], float)
    away = leaving_distance(left[None], np.zeros(3), 6.0, 120.0)
    assert away.shape == (DIRECTIONS,)
    assert away[DIRECTIONS // 4] == pytest.approx(9.5, abs=1.0)
    assert away[0] == pytest.approx(56.0, abs=1.0)
    assert away[DIRECTIONS // 8] == pytest.approx(9.5 * np.sqrt(2.0), abs=1.5)
    assert (leaving_distance(np.zeros((0, 4, 3)), np.zeros(3), 6.0, 80.0) == 80.0).all()


def test_where_the_camera_turns_does_not_matter_for_the_ground(street: Path) -> None:
    """The same place, looked at with the camera turned by 20 degrees, has the same area."""
    indexer = AreaIndexer(read_surfaces(street))
    for yaw in (-0.35, 0.35):
        turned = Transform.from_euler(0, 0, yaw, POSE.map_from_base.translation) @ BASE_FROM_CAMERA
        index = indexer.index(Labels.empty(), CAMERA, turned)
        counts = np.bincount(index.ravel(), minlength=len(AREAS))
        assert counts[ROAD] > 0 and counts[SKY] > 0 and counts[BUILDING] > 0
        assert counts[[SIGN, SIGNAL, MARKING]].sum() == 0
        for point in ([22.0, 1.0, 0.0], [24.0, -3.0, 0.0]):
            pixels, valid = CAMERA.project(turned.inverse().apply(np.array([point])))
            if valid[0] and CAMERA.inside(pixels)[0]:
                u, v = np.rint(pixels[0]).astype(int)
                assert index[v, u] == ROAD


def test_sky_grows_to_the_edges_in_the_image() -> None:
    """A sky that fades from bright to dark is one; a tower that stands out of it is none."""
    rows = np.linspace(250, 120, 60).astype(np.uint8)
    image = np.repeat(np.repeat(rows[:, None], 80, axis=1)[..., None], 3, axis=2)
    image[20:, 30:45] = 60  # the tower
    sure, allowed = np.zeros((60, 80), bool), np.ones((60, 80), bool)
    sure[:3, 30:40] = True
    allowed[55:] = False
    found = grow_sky(image, sure, allowed, 5.0)
    assert found is not None
    assert found[:19].all() and found[:55, :29].all() and not found[55:].any()
    assert not found[22:, 31:44].any()
    assert grow_sky(image, np.zeros_like(sure), allowed, 5.0) is None


def test_the_border_of_the_sky_is_sharp() -> None:
    """A roof that cuts blocks of 4 px in two: every pixel goes where its colour belongs."""
    image = np.full((80, 120, 3), 220, np.uint8)
    image[42:, 31:90] = 90
    small = np.asarray(cv2.resize(image, (30, 20), interpolation=cv2.INTER_AREA), np.uint8)
    sky = (small == 220).all(axis=2)
    border, inside = sharp_border(image, small, sky, np.ones_like(sky))
    assert border[40:44, 40].all() and not border[20, 40] and not border[60, 60]
    truth = image[..., 0] == 220
    assert np.array_equal(inside, border & truth)


def test_the_image_says_what_is_sky(street: Path) -> None:
    """A tower of 30 m in the middle of a bright sky, where height alone would say sky."""
    image = np.full((384, 640, 3), 230, np.uint8)
    image[60:250, 400:440] = 70
    indexer = AreaIndexer(read_surfaces(street), settings=AreaSettings(open_m=25.0))
    index = indexer.index(Labels.empty(), CAMERA, MAP_FROM_CAMERA, image=image)
    assert index[100, 420] == BUILDING and index[30, 420] == SKY and index[100, 320] == SKY
    plain = indexer.index(Labels.empty(), CAMERA, MAP_FROM_CAMERA)
    assert plain[100, 420] == SKY
