"""The detector node's depth: image, landmark distances and sentences, in this process over DDS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.detector_node import PATIENCE_S, SECOND_NS, Logging, Make, feed, message, street, told
from helpers.tiny_depth_model import SIGMA_LOG, write_tiny_depth_model
from helpers.tiny_model import RANGE_M
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.depth import DepthMap
from dalearn_ros.nodes import messages, qos
from dalearn_ros.nodes.landmark_messages import ROW

pytestmark = [pytest.mark.dds, pytest.mark.timeout(300)]

DEPTH, LANDMARKS = "/landmark_detector/output/depth", "/landmark_detector/output/landmarks"
PICTURE = street((16, 24), (80, 56), size=(120, 90))


def _camera(focal: float = 90.0) -> Camera:
    matrix = np.array([[focal, 0, 59.5], [0, focal, 44.5], [0, 0, 1]])
    return Camera(120, 90, matrix, np.array([-0.2, 0.05, 0.001, 0.0]), name="camera_optical")


@pytest.fixture
def deep(tmp_path: Path) -> str:
    return str(write_tiny_depth_model(tmp_path / "deep.onnx"))


def _hear(listener: Any, kind: Any, topic: str) -> tuple[list[Any], Any]:
    got: list[Any] = []
    return got, listener.create_subscription(kind, topic, got.append, qos.results())


def _pixels(image: Image) -> np.ndarray:
    assert (image.encoding, image.step) == ("32FC1", 4 * image.width)
    return np.frombuffer(image.data, np.float32).reshape(image.height, image.width)


def test_depth_comes_over_dds_once_the_camera_is_known_and_follows_it(
    make: Make, listener: Any, deep: str
) -> None:
    node = make(model=deep)
    (stream,) = node.streams
    depths, _ = _hear(listener, Image, DEPTH)
    clouds, _ = _hear(listener, PointCloud2, LANDMARKS)
    images = listener.create_publisher(Image, "/landmark_detector/input/image", qos.results())
    infos = listener.create_publisher(
        CameraInfo, "/landmark_detector/input/camera_info", qos.results()
    )
    outputs = stream._landmarks, stream._depth.publisher
    listener.wait_until(lambda: all(o.get_subscription_count() for o in outputs), PATIENCE_S)
    listener.wait_until(
        lambda: images.get_subscription_count() and infos.get_subscription_count(), PATIENCE_S
    )

    def send(stamp: int, expected: int) -> np.ndarray:
        images.publish(message(PICTURE, stamp))
        listener.wait_until(lambda: clouds and _stamp(clouds[-1]) == stamp, PATIENCE_S)
        listener.wait_until(lambda: len(depths) == expected, PATIENCE_S)
        return np.frombuffer(clouds[-1].data, ROW)

    rows = send(SECOND_NS, 0)  # no calibration yet: landmarks go on
    assert len(rows) == 2
    assert rows["range_m"] == pytest.approx([RANGE_M] * 2, rel=1e-4)
    assert np.isnan(rows["x"]).all()
    assert "~/output/depth: left out, because no usable camera_info has come" in told(node)[1]
    for number, camera in enumerate((_camera(), _camera(focal=180.0)), start=1):
        infos.publish(messages.camera_info_of(camera, SECOND_NS))
        listener.wait_until(
            lambda c=camera: stream.camera is not None and (stream.camera.matrix == c.matrix).all(),
            PATIENCE_S,
        )
        stamp = (number + 1) * SECOND_NS
        rows = send(stamp, number)
        depth = depths[-1]
        assert _stamp(depth) == stamp and depth.header.frame_id == "camera_optical"
        right = node._detector.answer(PICTURE, 0, camera)
        np.testing.assert_allclose(_pixels(depth), right.depth.image((120, 90)), rtol=1e-6)
        _check_cloud(rows, camera, _pixels(depth))
    assert np.abs(np.log(_pixels(depths[0]) / _pixels(depths[1]))).max() > 0.1
    values, sentence = told(node)
    assert sentence == "running" and values["model.depth"] == "1 to 100 m"


def _stamp(message: Any) -> int:
    return messages.stamp_of(message.header)


def _check_cloud(rows: np.ndarray, camera: Camera, depth: np.ndarray) -> None:
    """A point's projection is its u v, its length range_m, its z what the depth image says."""
    points = np.stack([rows["x"], rows["y"], rows["z"]], axis=1).astype(np.float64)
    pixels, valid = camera.project(points)
    assert valid.all()
    np.testing.assert_allclose(pixels, np.stack([rows["u"], rows["v"]], axis=1), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), rows["range_m"], rtol=1e-5)
    np.testing.assert_allclose(rows["sigma_range_m"], SIGMA_LOG * rows["range_m"], rtol=1e-3)
    there = depth[rows["v"].round().astype(int), rows["u"].round().astype(int)]
    np.testing.assert_allclose(points[:, 2], there, rtol=0.03)


def test_the_image_is_made_for_subscribers_only_and_in_the_same_memory(
    make: Make, listener: Any, deep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = make(model=deep)
    (stream,) = node.streams
    stream.on_camera_info(messages.camera_info_of(_camera(), 1))
    made: list[Any] = []
    real = DepthMap.image
    monkeypatch.setattr(DepthMap, "image", lambda *words: made.append(real(*words)) or made[-1])
    feed(node, listener, message(PICTURE, 1))
    assert not made
    depths, heard = _hear(listener, Image, DEPTH)
    listener.wait_until(lambda: stream._depth.wanted, PATIENCE_S)
    for stamp in (2, 3):
        feed(node, listener, message(PICTURE, stamp))
    listener.wait_until(lambda: len(depths) == 2, PATIENCE_S)
    assert len(made) == 2 and made[0] is made[1]
    listener.destroy_subscription(heard)
    listener.wait_until(lambda: not stream._depth.wanted, PATIENCE_S)
    feed(node, listener, message(PICTURE, 4))
    assert len(made) == 2


def test_a_calibration_of_another_size_leaves_depth_out_and_landmarks_go_on(
    make: Make, listener: Any, deep: str
) -> None:
    node = make(model=deep)
    (stream,) = node.streams
    depths, _ = _hear(listener, Image, DEPTH)
    clouds, _ = _hear(listener, PointCloud2, LANDMARKS)
    outputs = stream._landmarks, stream._depth.publisher
    listener.wait_until(lambda: all(o.get_subscription_count() for o in outputs), PATIENCE_S)
    larger = Camera(640, 90, _camera().matrix, name="camera_optical")
    for stamp, camera in enumerate((larger, _camera()), start=1):
        stream.on_camera_info(messages.camera_info_of(camera, stamp))
        feed(node, listener, message(PICTURE, stamp))
        listener.wait_until(lambda count=stamp: len(clouds) == count, PATIENCE_S)
        assert node.counters[""].counts()["processed"] == stamp
        if camera is larger:
            assert "640x90 pixels, the image has 120x90: no x y z and no depth" in told(node)[1]
    listener.wait_until(lambda: depths, PATIENCE_S)
    assert [_stamp(one) for one in depths] == [2]
    first, second = (np.frombuffer(one.data, ROW) for one in clouds)
    assert first["range_m"] == pytest.approx([RANGE_M] * 2, rel=1e-4)
    assert np.isnan(first["x"]).all() and np.isfinite(second["x"]).all()


def test_who_asks_a_model_without_depth_is_told_once(make: Make, listener: Any) -> None:
    node = make()
    (stream,) = node.streams
    said: list[str] = []
    stream._node = Logging(node, said)
    stream.on_camera_info(messages.camera_info_of(_camera(), 1))
    feed(node, listener, message(PICTURE, 1))
    assert told(node)[1] == "running"
    depths, _ = _hear(listener, Image, DEPTH)
    listener.wait_until(lambda: stream._depth.wanted, PATIENCE_S)
    feed(node, listener, message(PICTURE, 2))
    for _ in range(3):
        values, sentence = told(node)
        assert "~/output/depth: nothing is published, because the model has no depth" in sentence
        assert "dalearn export --depth" in sentence
    assert len(said) == 1 and said[0] in sentence
    assert values["model.depth"] == "none" and values["processed"] == "2"
    assert not depths
