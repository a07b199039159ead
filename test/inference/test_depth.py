"""Depth of a model: location once a camera, the image by REP 118, ranges along viewing rays."""

import cv2
import numpy as np
import pytest
from helpers.tiny_depth_model import OFFSET, SIGMA_LOG, SLOPE, write_tiny_depth_model
from helpers.tiny_model import RANGE_M, SIGMA_CELLS, write_tiny_model
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

import dalearn_ros.inference.depth as module
from dalearn_ros.coding.metadata import DepthMetadata
from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.depth import DepthMap, Locations, with_depth_ranges
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.preprocess import InputPool
from dalearn_ros.landmarks.types import Observations

SIZE = (150, 100)


def _camera(focal=120.0, size=SIZE, distortion=(-0.2, 0.05, 0.001, 0.0)):
    centre = (size[0] - 1) / 2, (size[1] - 1) / 2
    matrix = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
    return Camera(*size, matrix, np.array(distortion))


def _street():
    image = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    image[16:24, 40:48] = (0, 0, 255)
    image[64:72, 80:88] = (0, 255, 0)
    return image


def _right_depth(camera, point):
    """What the tiny model says at a pixel, worked out from OpenCV's undistortion."""
    place = np.array([[point]], np.float64)
    x, y = cv2.undistortPoints(place, camera.matrix, camera.distortion)[0, 0]
    location = np.arctan(x), np.arctan(y), np.log(camera.matrix[0, 0] / 700.0)
    return float(np.exp(OFFSET + np.dot(SLOPE, location))), np.sqrt(x * x + y * y + 1.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_depth_model(tmp_path_factory.mktemp("model") / "deep.onnx")


def _map(rng, rows=6, columns=8, stride=8, least=0.1, greatest=1e4):
    taught = DepthMetadata(stride=stride, least_m=least, greatest_m=greatest)
    log_depth = rng.normal(2.0, 1.0, (rows, columns)).astype(np.float32)
    return DepthMap(log_depth, rng.normal(-3, 1, (rows, columns)).astype(np.float32), taught)


@given(st.floats(-0.5, 63.5), st.floats(-0.5, 47.5))
def test_between_cells_the_logarithm_is_linear(u, v):
    depth = _map(np.random.default_rng(1))
    place = np.array([[(v + 0.5) / 8 - 0.5], [(u + 0.5) / 8 - 0.5]])
    right = map_coordinates(depth.log_depth.astype(float), place, order=1, mode="nearest")
    spread = map_coordinates(depth.log_variance.astype(float), place, order=1, mode="nearest")
    depth_m, sigma = depth.at([[u, v]])
    assert np.log(depth_m) == pytest.approx(right, abs=1e-9)
    assert sigma == pytest.approx(np.exp(spread / 2), rel=1e-9)


@pytest.mark.parametrize("size", [(64, 48), (61, 45), (57, 41)])
@pytest.mark.parametrize("stride", [8, 16])
def test_the_image_says_at_every_pixel_what_the_map_says(size, stride):
    cells = -(-size[1] // stride), -(-size[0] // stride)
    depth = _map(np.random.default_rng(2), *cells, stride=stride)
    image = depth.image(size)
    assert image.shape == size[::-1] and image.dtype == np.float32
    v, u = np.mgrid[: size[1], : size[0]]
    right, _ = depth.at(np.stack([u.ravel(), v.ravel()], axis=1))
    np.testing.assert_allclose(image.ravel(), right, rtol=2e-4)
    place = np.full(size[::-1], 7, np.float32)
    assert depth.image(size, place) is place
    np.testing.assert_array_equal(place, image)


def test_what_was_not_taught_is_infinite_and_what_has_no_ray_is_not_a_number():
    taught = DepthMetadata(stride=8, least_m=2.0, greatest_m=50.0)
    log_depth = np.log([[1.0, 10.0, 10.0, 90.0, 10.0, np.nan]]).astype(np.float32)
    depth = DepthMap(log_depth, np.zeros((1, 6), np.float32), taught)
    row = depth.image((48, 8))[4]
    assert row[0] == -np.inf and row[28] == np.inf and np.isnan(row[-1])
    assert row[12] == pytest.approx(10.0, rel=0.2) and np.isfinite(row[12:20]).all()
    depth_m, _ = depth.at([[3.5, 3.5], [15.0, 3.5], [27.5, 3.5], [46.0, 3.5]])
    assert np.isfinite(depth_m).tolist() == [False, True, False, False]


def test_the_location_of_a_camera_is_computed_once_until_it_changes(monkeypatch):
    made = []
    real = module.location_map
    monkeypatch.setattr(module, "location_map", lambda *words: made.append(words) or real(*words))
    locations = Locations(DepthMetadata(stride=8))
    first = locations.of(_camera(), (160, 128))[0]
    assert locations.of(_camera(), (160, 128))[0] is first  # another message, the same numbers
    assert first.shape == (3, 16, 20) and len(made) == 1
    longer = locations.of(_camera(focal=150.0), (160, 128))[0]
    assert len(made) == 2 and np.abs(longer - first).max() > 0.1
    for focal in range(200, 200 + Locations.KEPT):
        locations.of(_camera(focal=float(focal)), (160, 128))
    assert len(locations._known) == Locations.KEPT
    assert locations.batch([None, None], (160, 128)) is None
    batch = locations.batch([None, _camera()], (160, 128))
    assert not batch[0].any()
    np.testing.assert_array_equal(batch[1], first)


def test_landmarks_get_the_range_of_the_depth_along_their_ray(model):
    detector, camera = LandmarkDetector.load(model, threads=1), _camera()
    answer = detector.answer(_street(), 7, camera)
    found = answer.observations
    assert len(found) == 2 and found.stamp_ns == 7
    for row in range(2):
        depth_m, stretch = _right_depth(camera, found.point_px[row])
        assert found.range_m[row] == pytest.approx(depth_m * stretch, rel=5e-3)  # between cells
        assert found.sigma_range_m[row] == pytest.approx(SIGMA_LOG * found.range_m[row], rel=1e-3)
        u, v = found.point_px[row].round().astype(int)
        image = answer.depth.image(SIZE)
        assert image.shape == (100, 150)
        assert image[v, u] * stretch == pytest.approx(found.range_m[row], rel=0.02)
    assert detector.detect(_street(), 7, camera).range_m == pytest.approx(found.range_m)


def test_head_and_depth_count_by_their_variances(tmp_path):
    camera, taught_px = _camera(), 100.0  # a lens of 120 px makes all look 1.2 times as near
    path = write_tiny_depth_model(tmp_path / "deep.onnx", focal_px=taught_px)
    detector = LandmarkDetector.load(path, threads=1)
    head, found = detector.detect(_street()), detector.detect(_street(), 7, camera)
    sigma_head = head.sigma_range_m / head.range_m
    assert len(found) == 2
    for row in range(2):
        depth_m, stretch = _right_depth(camera, found.point_px[row])
        by_head, by_depth = sigma_head[row] ** -2, SIGMA_LOG**-2
        log = by_head * np.log(1.2 * head.range_m[row]) + by_depth * np.log(depth_m * stretch)
        expected = np.exp(log / (by_head + by_depth))
        assert found.range_m[row] == pytest.approx(expected, rel=5e-3)  # between cells
        sigma = (by_head + by_depth) ** -0.5
        assert found.sigma_range_m[row] == pytest.approx(sigma * found.range_m[row], rel=1e-3)


def test_one_distance_that_is_not_known_leaves_the_other_alone():
    camera = _camera(distortion=())
    taught = DepthMetadata(stride=8, least_m=2.0, greatest_m=50.0, focal_px=120.0)
    cells = np.full((13, 19), np.log(10.0), np.float32)
    cells[:, :9] = np.log(90.0)  # farther than what was taught
    depth = DepthMap(cells, np.full_like(cells, 2.0 * np.log(0.1)), taught)
    points = np.array([[20.0, 50.0], [120.0, 50.0], [120.0, 60.0]])
    ranges, sigmas = np.array([30.0, np.nan, 10.0]), np.array([3.0, np.nan, np.inf])
    seen = Observations(
        0, np.ones(3, np.int64), points, np.ones(3), np.zeros((3, 2, 2)), ranges, sigmas,
        np.zeros(3, np.int64),
    )  # fmt: skip
    found = with_depth_ranges(seen, depth, camera)
    stretch = np.linalg.norm(camera.unproject(points), axis=1)
    assert found.range_m == pytest.approx([30.0, 10.0 * stretch[1], 10.0 * stretch[2]])
    assert found.sigma_range_m == pytest.approx([3.0, stretch[1], stretch[2]])


def test_without_a_camera_the_distance_head_speaks_and_there_is_no_depth(model, tmp_path):
    detector = LandmarkDetector.load(model, threads=1)
    answer = detector.answer(_street())
    assert answer.depth is None
    assert answer.observations.range_m == pytest.approx([RANGE_M] * 2, rel=1e-4)
    flat = LandmarkDetector.load(write_tiny_model(tmp_path / "flat.onnx"), threads=1)
    answer = flat.answer(_street(), 0, _camera())
    assert answer.depth is None
    assert answer.observations.range_m == pytest.approx([RANGE_M] * 2, rel=1e-4)
    np.testing.assert_allclose(
        answer.observations.covariance_px2[0], np.eye(2) * (8 * SIGMA_CELLS) ** 2, rtol=1e-3
    )


def test_where_depth_says_nothing_the_distance_head_stays(tmp_path):
    path = write_tiny_depth_model(tmp_path / "near.onnx", 1.0, 7.0)
    camera = _camera()
    found = LandmarkDetector.load(path, threads=1).detect(_street(), 0, camera)
    depth_m = np.array([_right_depth(camera, point)[0] for point in found.point_px])
    assert sorted(depth_m < 7.0) == [False, True]
    far = depth_m >= 7.0
    assert found.range_m[far] == pytest.approx(RANGE_M, rel=1e-4)
    assert found.range_m[~far] < 0.7 * RANGE_M


def test_cameras_of_one_size_are_told_apart_in_a_batch(model):
    detector = LandmarkDetector.load(model, threads=1)
    cameras = [_camera(), None, _camera(focal=240.0, distortion=())]
    pool = InputPool(3, detector.metadata.input.multiple, slots=3)
    for slot in range(3):
        pool.place(slot, *SIZE)[:] = _street()
    together = detector.detect_ready(pool.batch(3, *SIZE), SIZE, [1, 2, 3], cameras)
    assert together[1].depth is None
    for answer, camera in zip(together, cameras, strict=True):
        alone = detector.detect(_street(), 0, camera)
        assert answer.observations.range_m == pytest.approx(alone.range_m, rel=1e-5)
    apart = np.log(together[0].depth.image(SIZE) / together[2].depth.image(SIZE))
    assert np.abs(apart).max() > 0.5


def test_a_calibration_of_another_size_is_refused(model):
    detector = LandmarkDetector.load(model, threads=1)
    with pytest.raises(InputError, match="expected a calibration of 150x100 pixels"):
        detector.detect(_street(), 0, _camera(size=(300, 200)))


def test_where_the_lens_has_no_ray_there_is_no_depth(model):
    fisheye = Camera(
        *SIZE, np.array([[40.0, 0, 74.5], [0, 40.0, 49.5], [0, 0, 1]]), np.zeros(4), "equidistant"
    )
    answer = LandmarkDetector.load(model, threads=1).answer(_street(), 0, fisheye)
    image = answer.depth.image(SIZE)
    no_ray = ~np.isfinite(fisheye.unproject([[2.0, 2.0], [74.0, 49.0]])).all(axis=1)
    assert no_ray.tolist() == [True, False]
    assert np.isnan(image[2, 2]) and np.isfinite(image[49, 74])
    assert np.isfinite(answer.observations.range_m).all()
