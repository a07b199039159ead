"""A closer look at predicted places: where it looks, what it maps back, what it never invents."""

import dataclasses

import cv2
import numpy as np
import pytest
from helpers.tiny_depth_model import write_tiny_depth_model
from helpers.tiny_model import RANGE_M, write_tiny_model
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.depth import with_depth_ranges
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.zoom import (
    ZoomDetector,
    ZoomSettings,
    boxes_of,
    choose_windows,
    from_mosaic,
    make_mosaic,
)
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Observations

SMALL = ZoomSettings(scale=2.0, width=64, height=48, windows=3, margin_px=8.0)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


def _zoom(model, settings=SMALL):
    return ZoomDetector(LandmarkDetector.load(model, threads=1), settings)


def _box(u, v, half=2.0):
    return [u - half, v - half, u + half, v + half]


def test_what_is_too_small_for_the_whole_image_is_found_closer(model):
    image = np.full((144, 192, 3), 90, np.uint8)
    image[68:72, 100:104] = (0, 0, 255)  # 4x4 px: a quarter of a cell, a whole one twice as large
    zoom = _zoom(model)
    assert len(zoom.detect(image)) == 0
    found = zoom.detect(image, 7, [_box(99.0, 71.0)])
    assert [zoom.label_space.names[i] for i in found.class_id] == ["warning_sign"]
    assert found.point_px[0] == pytest.approx([101.5, 69.5], abs=1e-9)  # half a pixel right
    assert found.range_m[0] == pytest.approx(2.0 * RANGE_M, rel=1e-4)
    assert found.stamp_ns == 7
    assert zoom.last_timing_ms["inference"] > 0.0
    whole = LandmarkDetector.load(model, 1).detect(_enlarged(image))
    assert found.covariance_px2[0] == pytest.approx(whole.covariance_px2[0] / 4.0)
    assert found.score == pytest.approx(whole.score, abs=1e-4)


def _enlarged(image):
    return np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST))


def test_predictions_alone_give_nothing(model):
    image = np.full((144, 192, 3), 90, np.uint8)
    boxes = [_box(u, v) for u in range(10, 190, 30) for v in range(10, 140, 30)]
    assert len(_zoom(model).detect(image, 0, boxes)) == 0


def test_what_was_not_predicted_there_stays_out_of_the_closer_look(model):
    image = np.full((144, 192, 3), 90, np.uint8)
    image[68:72, 100:104] = (0, 0, 255)
    assert len(_zoom(model).detect(image, 0, [_box(125.0, 60.0)])) == 0  # its window holds it


def test_what_both_looks_see_is_one_landmark(model):
    image = np.full((144, 192, 3), 90, np.uint8)
    image[64:72, 96:104] = (0, 0, 255)
    image[16:24, 40:48] = (0, 255, 0)
    detector = LandmarkDetector.load(model, threads=1)
    whole = detector.detect(image)
    found = ZoomDetector(detector, SMALL).detect(image, 0, [_box(99.5, 67.5, 4.0)])
    assert len(whole) == len(found) == 2
    assert set(found.class_id.tolist()) == set(whole.class_id.tolist())
    assert (np.diff(found.score) <= 0).all()
    for settings in ({"max_landmarks": 1}, {}):
        few = LandmarkDetector.load(model, 1, settings)
        seen = ZoomDetector(few, SMALL).detect(image, 0, [_box(99.5, 67.5, 4.0)])
        assert len(seen) == settings.get("max_landmarks", 2)


def test_no_place_means_the_whole_image_only(model):
    image = np.full((144, 192, 3), 90, np.uint8)
    image[16:24, 40:48] = (0, 255, 0)
    zoom = _zoom(model)
    expected = LandmarkDetector.load(model, 1).detect(image)
    odd = [[np.nan] * 4, _box(-50, 20), _box(500, 20), _box(60, 60, 30.0)]
    for boxes in (None, [], odd):
        found = zoom.detect(image, 0, boxes)
        assert np.array_equal(found.point_px, expected.point_px)
    small = zoom.detect(image[:20, :30], 0, [_box(10, 10)])  # smaller than a window
    assert len(small) == 0


@given(
    st.lists(st.tuples(st.floats(0, 639), st.floats(0, 359), st.floats(0.5, 15)), max_size=12),
    st.integers(1, 4),
)
def test_windows_hold_their_places_inside_the_image(places, most):
    settings = dataclasses.replace(SMALL, windows=most)
    boxes = np.array([_box(*place) for place in places]).reshape(-1, 4)
    found = choose_windows(boxes, (640, 360), settings)
    assert len(found.corner_px) <= most
    assert (found.corner_px >= 0).all() and (found.corner_px <= (640 - 64, 360 - 48)).all()
    corner = found.corner_px[found.owner]
    assert (found.region_px[:, :2] >= corner - 0.5).all()
    assert (found.region_px[:, 2:] - corner <= (63.5, 47.5)).all()
    if len(found.corner_px) < most:
        assert len(found.owner) == len(places)


def test_points_go_to_the_mosaic_and_back():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)
    boxes = np.array([_box(u, v) for u, v in [(30, 40), (300, 200), (600, 340), (40, 50)]])
    windows = choose_windows(boxes, (640, 360), SMALL)
    assert len(windows.corner_px) == 3 and np.bincount(windows.owner).max() == 2
    mosaic, maps = make_mosaic(image, windows, SMALL)
    assert mosaic.shape == (96, 3 * 128, 3)
    centers = (windows.region_px[:, :2] + windows.region_px[:, 2:]) / 2
    there = np.array([maps[w].apply(p) for w, p in zip(windows.owner, centers, strict=True)])
    seen = dataclasses.replace(
        Observations.empty(3),
        class_id=np.ones(4, np.int64),
        point_px=there,
        score=np.array([0.9, 0.8, 0.7, 0.6]),
        covariance_px2=np.tile(np.diag([4.0, 8.0]), (4, 1, 1)),
        range_m=np.full(4, 15.0),
        sigma_range_m=np.full(4, 3.0),
        track_id=np.full(4, -1),
    )
    back, window = from_mosaic(seen, maps, windows, SMALL)
    assert back.point_px == pytest.approx(centers)
    assert back.covariance_px2[0] == pytest.approx(np.diag([1.0, 2.0]))
    assert back.range_m.tolist() == [30.0] * 4 and back.sigma_range_m.tolist() == [6.0] * 4
    assert window.tolist() == windows.owner.tolist()


def test_boxes_of_outlines():
    outlines = Ragged.of([[[1, 2], [5, 3], [4, 9]], np.zeros((0, 2))], 2)
    boxes = boxes_of(outlines)
    assert boxes[0].tolist() == [1, 2, 5, 9] and np.isnan(boxes[1]).all()


def test_distances_of_both_looks_are_those_of_the_whole_images_depth(tmp_path):
    detector = LandmarkDetector.load(write_tiny_depth_model(tmp_path / "deep.onnx"), threads=1)
    image = np.full((144, 192, 3), 90, np.uint8)
    image[68:72, 100:104] = (0, 0, 255)  # seen by the closer look only
    image[16:24, 40:48] = (0, 255, 0)
    camera = Camera(192, 144, np.array([[150.0, 0, 95.5], [0, 150.0, 71.5], [0, 0, 1]]))
    zoom = ZoomDetector(detector, SMALL)
    found = zoom.detect(image, 0, [_box(99.0, 71.0)], camera)
    assert len(found) == 2
    depth_m, sigma = detector.answer(image, 0, camera).depth.at(found.point_px)
    ranges = depth_m * np.linalg.norm(camera.unproject(found.point_px), axis=1)
    assert found.range_m == pytest.approx(ranges, rel=1e-6)
    assert found.sigma_range_m == pytest.approx(ranges * sigma, rel=1e-6)


def test_distances_of_both_looks_take_the_depth_in_once(tmp_path):
    path = write_tiny_depth_model(tmp_path / "deep.onnx", focal_px=150.0)
    detector = LandmarkDetector.load(path, threads=1)
    image = np.full((144, 192, 3), 90, np.uint8)
    image[68:72, 100:104] = (0, 0, 255)  # seen by the closer look only
    image[16:24, 40:48] = (0, 255, 0)
    camera = Camera(192, 144, np.array([[150.0, 0, 95.5], [0, 150.0, 71.5], [0, 0, 1]]))
    zoom = ZoomDetector(detector, SMALL)
    found, head = (zoom.detect(image, 0, [_box(99.0, 71.0)], c) for c in (camera, None))
    assert len(found) == 2
    expected = with_depth_ranges(head, detector.answer(image, 0, camera).depth, camera)
    assert found.range_m == pytest.approx(expected.range_m, rel=1e-6)
    assert found.sigma_range_m == pytest.approx(expected.sigma_range_m, rel=1e-6)
    assert np.abs(np.log(found.range_m / head.range_m)).min() > 0.01
