"""The detector node in the test's own process: images into it, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sensor_msgs.msg import Image

from dalearn_ros.nodes import messages

PATIENCE_S = 60.0
SECOND_NS = 1_000_000_000
Make = Callable[..., Any]


def street(*squares: tuple[int, int], size: tuple[int, int] = (128, 96)) -> np.ndarray:
    """Grey, with a red square (a warning sign) at each corner (u, v)."""
    image = np.full((size[1], size[0], 3), 120, np.uint8)
    for u, v in squares:
        image[v : v + 8, u : u + 8] = (0, 0, 255)
    return image


def message(image: np.ndarray, stamp_ns: int, frame: str = "camera_optical") -> Image:
    return messages.image_message(image, stamp_ns, frame)


def ended(node: Any, name: str = "") -> int:
    """How many images have come to an end, one way or the other."""
    counts = node.counters[name].counts()
    return sum(counts[fate] for fate in ("processed", "overwritten", "skipped"))


def feed(node: Any, listener: Any, image: Any, camera: int = 0) -> None:
    """Hand an image to the callback and wait for its end."""
    stream = node.streams[camera]
    before = ended(node, stream.name)
    node._on_image(stream, image)
    listener.wait_until(lambda: ended(node, stream.name) > before, PATIENCE_S)


def told(node: Any) -> tuple[dict[str, str], str]:
    """Values and sentence of the node's own status."""
    sent: list[Any] = []
    node.reporter._publisher, publisher = _Catcher(sent), node.reporter._publisher
    node.reporter.publish()
    node.reporter._publisher = publisher
    status = sent[0].status[0]
    return {item.key: item.value for item in status.values}, status.message


class _Catcher:
    def __init__(self, sent: list[Any]) -> None:
        self.publish = sent.append


class Logging:
    """A node whose warnings are kept."""

    def __init__(self, node: Any, said: list[str]) -> None:
        self._node, self._said = node, said

    def get_logger(self) -> Any:
        return self

    def warning(self, text: str) -> None:
        self._said.append(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)
