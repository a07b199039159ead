"""Bad, odd and encoded images in the detector node, in this process over DDS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.detector_node import PATIENCE_S, SECOND_NS, Make, feed, message, street, told
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.nodes import messages, qos

pytestmark = [pytest.mark.dds, pytest.mark.timeout(300)]


def _cut(image: Image) -> Image:
    image.data = image.data[:-100]
    return image


def _changed(image: Image, **fields: Any) -> Image:
    for name, value in fields.items():
        setattr(image, name, value)
    return image


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_cut, "image:truncated"),
        (lambda image: _changed(image, step=100), "image:truncated"),
        (lambda image: _changed(image, step=900), "image:truncated"),
        (lambda image: _changed(image, width=2**31, height=2**31), "image:truncated"),
        (lambda image: _changed(image, width=0), "image:truncated"),
        (lambda image: _changed(image, encoding="jpeg2000"), "image:encoding"),
        (lambda image: _changed(image, encoding=""), "image:encoding"),
    ],
)
def test_a_bad_image_is_counted_by_its_reason_and_the_next_one_is_used(
    spoil: Callable[[Image], Image], reason: str, make: Make, listener: Any
) -> None:
    node = make()
    feed(node, listener, spoil(message(street(), 1)))
    feed(node, listener, message(street((16, 24)), 2))
    counts = node.counters[""].counts()
    assert counts[f"skipped.{reason}"] == 1
    assert (counts["received"], counts["processed"]) == (2, 1)


def test_what_is_odd_is_told_and_the_image_is_used(make: Make, listener: Any) -> None:
    node = make()
    (stream,) = node.streams
    sizes = [(128, 96), (128, 96), (96, 64)]
    for stamp, size in zip((SECOND_NS, SECOND_NS // 2, 0), sizes, strict=True):
        feed(node, listener, message(street(size=size), stamp))
    values, sentence = told(node)
    assert values["processed"] == "3"
    for matter in ("time_backwards", "zero_stamp", "other_size"):
        assert values[f"noticed.{matter}"] == "1"
    for part in ("0.5 s before", "no stamp", "128x96 and of 96x64"):
        assert part in sentence
    assert values["backend"] == "onnxruntime" and values["backend.precision"] == "fp32"
    assert float(values["latency_ms.overhead.p99"]) < float(values["latency_ms.total.p99"])
    assert float(values["rate_hz"]) > 0.0
    assert stream.watch.counts.total() == 3


def test_a_calibration_that_does_not_fit_gives_no_points_in_space(
    make: Make, listener: Any
) -> None:
    node = make()
    (stream,) = node.streams
    got: list[Any] = []
    topic = "/landmark_detector/output/landmarks"
    listener.create_subscription(PointCloud2, topic, got.append, qos.results())
    listener.wait_until(stream._landmarks.get_subscription_count, PATIENCE_S)

    def dense_with(info: CameraInfo, stamp: int) -> tuple[bool, str]:
        stream.on_camera_info(info)
        before = len(got)
        feed(node, listener, message(street((16, 24)), stamp))
        listener.wait_until(lambda: len(got) > before, PATIENCE_S)
        return bool(got[-1].is_dense), told(node)[1]

    def info(width: int, focal: float = 100.0) -> CameraInfo:
        matrix = np.array([[focal, 0, 64], [0, focal, 48], [0, 0, 1]])
        made = messages.camera_info_of(Camera(width, 96, np.nan_to_num(matrix, nan=1.0)), 1)
        made.k = matrix.ravel()
        return made

    assert dense_with(info(128), 1) == (True, "running")
    dense, sentence = dense_with(info(640), 2)
    assert not dense
    assert "640x96 pixels, the image has 128x96" in sentence
    dense, sentence = dense_with(info(128, float("nan")), 3)
    assert not dense
    assert "K" in sentence and "finite" in sentence
    assert dense_with(info(128), 4)[0]


@pytest.mark.parametrize("encoding", ["bgr8", "rgb8", "mono8", "jpeg"])
def test_encodings_go_into_the_networks_input(encoding: str, make: Make, listener: Any) -> None:
    """The padded input is what the detector would have made of the decoded image."""
    transport = "compressed" if encoding == "jpeg" else "raw"
    node = make(image_transport=transport)
    picture = street((16, 24), size=(120, 90))
    inputs: list[np.ndarray] = []
    run = node._detector._backend.run_batch
    node._detector._backend.run_batch = lambda images, *_: (
        inputs.append(images.copy()) or run(images)
    )
    if encoding == "jpeg":
        encoded = cv2.imencode(".jpg", picture)[1].tobytes()
        sent: Any = messages.compressed_message(encoded, 1, "c")
        expected = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    else:
        code = {"rgb8": cv2.COLOR_BGR2RGB, "mono8": cv2.COLOR_BGR2GRAY}.get(encoding)
        pixels = picture if code is None else cv2.cvtColor(picture, code)
        rows = np.pad(pixels.reshape(90, -1), ((0, 0), (0, 7)))
        sent = Image(height=90, width=120, encoding=encoding, step=rows.shape[1])
        sent.data.frombytes(rows.tobytes())
        expected = np.dstack([pixels] * 3) if encoding == "mono8" else picture
    feed(node, listener, sent)
    (given,) = inputs
    assert given.shape == (1, 96, 128, 3)
    assert np.array_equal(given[0, :90, :120], expected)
    assert not given[0, 90:].any() and not given[0, :, 120:].any()
