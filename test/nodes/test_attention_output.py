"""The detector node's attention map: for those who subscribe, in this process over DDS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.detector_node import PATIENCE_S, SECOND_NS, Logging, Make, feed, message, street, told
from helpers.tiny_attention_model import write_tiny_attention_model
from sensor_msgs.msg import Image

from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.nodes import messages, qos

pytestmark = [pytest.mark.dds, pytest.mark.timeout(300)]

TOPIC = "/landmark_detector/debug/attention"
PICTURE = street((16, 24), (80, 56), size=(120, 90))


@pytest.fixture
def attentive(tmp_path: Path) -> str:
    return str(write_tiny_attention_model(tmp_path / "attentive.onnx"))


def _hear(listener: Any, topic: str = TOPIC) -> tuple[list[Any], Any]:
    got: list[Any] = []
    return got, listener.create_subscription(Image, topic, got.append, qos.results())


def _asked(node: Any) -> list[bool]:
    """Whether each inference from now on is asked for the map."""
    asked: list[bool] = []
    run = node._detector._backend.run_batch

    def watched(images: Any, location: Any, attention: bool) -> Any:
        asked.append(attention)
        return run(images, location, attention)

    node._detector._backend.run_batch = watched
    return asked


def test_the_map_is_asked_for_and_drawn_for_subscribers_only(
    make: Make, listener: Any, attentive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = make(model=attentive)
    (stream,) = node.streams
    asked, drawn, real = _asked(node), [], AttentionMap.image
    monkeypatch.setattr(AttentionMap, "image", lambda *words: drawn.append(1) or real(*words))
    feed(node, listener, message(PICTURE, SECOND_NS))
    assert asked == [False] and not drawn
    maps, heard = _hear(listener)
    listener.wait_until(lambda: stream.wants_attention, PATIENCE_S)
    for stamp in (2, 3):
        feed(node, listener, message(PICTURE, stamp * SECOND_NS))
    listener.wait_until(lambda: len(maps) == 2, PATIENCE_S)
    assert asked == [False, True, True] and len(drawn) == 2
    assert [messages.stamp_of(one.header) for one in maps] == [2 * SECOND_NS, 3 * SECOND_NS]
    found = maps[-1]
    assert (found.encoding, found.step, found.width, found.height) == ("mono8", 120, 120, 90)
    assert found.header.frame_id == "camera_optical"
    pixels = np.frombuffer(found.data, np.uint8).reshape(90, 120)
    seen = node._detector.answer(PICTURE, attention=True).attention
    assert np.array_equal(pixels, real(seen))
    assert pixels[28, 20] > 230 and pixels[60, 84] > 230 and pixels[70, 20] == 128
    listener.destroy_subscription(heard)
    listener.wait_until(lambda: not stream.wants_attention, PATIENCE_S)
    feed(node, listener, message(PICTURE, 4 * SECOND_NS))
    assert asked[-1] is False and len(drawn) == 2
    values, sentence = told(node)
    assert sentence == "running" and values["model.attention"] == "cells of 8 px"


def test_each_camera_has_a_topic_of_its_own(make: Make, listener: Any, attentive: str) -> None:
    node = make(model=attentive, cameras=("front", "left"))
    front, left = node.streams
    maps, _ = _hear(listener, "/landmark_detector/debug/left/attention")
    listener.wait_until(lambda: left.wants_attention, PATIENCE_S)
    assert not front.wants_attention
    feed(node, listener, message(PICTURE, SECOND_NS, "front"), 0)
    feed(node, listener, message(PICTURE, 2 * SECOND_NS, "left"), 1)
    listener.wait_until(lambda: maps, PATIENCE_S)
    assert [one.header.frame_id for one in maps] == ["left"]


def test_who_asks_a_model_without_a_branch_is_told_once(make: Make, listener: Any) -> None:
    node = make()
    (stream,) = node.streams
    said: list[str] = []
    stream._node = Logging(node, said)
    feed(node, listener, message(PICTURE, SECOND_NS))
    assert told(node)[1] == "running"
    maps, _ = _hear(listener)
    listener.wait_until(lambda: stream._attention.wanted, PATIENCE_S)
    feed(node, listener, message(PICTURE, 2 * SECOND_NS))
    for _ in range(2):
        values, sentence = told(node)
        assert "~/debug/attention: nothing is published, because the model has no" in sentence
    assert len(said) == 1 and said[0] in sentence
    assert values["model.attention"] == "none" and values["processed"] == "2"
    assert not maps
