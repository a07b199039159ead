"""Images that are made only while somebody subscribes, each in the memory of the last one."""

from __future__ import annotations

import array
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image

from dalearn_ros.inference.depth import Size
from dalearn_ros.nodes import qos
from dalearn_ros.nodes.messages import header_of

KINDS: dict[str, type[np.generic]] = {"32FC1": np.float32, "mono8": np.uint8}


class ImageOutput:
    """A publisher of images of one channel.

    Args:
        node: Makes and destroys the publisher.
        topic: Its name.
        encoding: One of :data:`KINDS`.
    """

    def __init__(self, node: LifecycleNode, topic: str, encoding: str) -> None:
        self.publisher = node.create_lifecycle_publisher(Image, topic, qos.results(1))
        self._kind = KINDS[encoding]
        self._message = Image(encoding=encoding, is_bigendian=sys.byteorder == "big")
        self._pixels: npt.NDArray[Any] = np.zeros((0, 0), self._kind)

    @property
    def wanted(self) -> bool:
        """Whether anybody subscribes."""
        return bool(self.publisher.get_subscription_count())

    def publish(
        self, draw: Callable[[npt.NDArray[Any]], Any], size: Size, stamp_ns: int, frame_id: str
    ) -> None:
        """Make and publish an image, if it is wanted.

        Args:
            draw: Writes the image into (height, width) of the encoding's type.
            size: (width, height) of the image as received; this one has the same.
            stamp_ns: Of that image, integer nanoseconds.
            frame_id: Of its header: the optical frame.
        """
        if not self.wanted:
            return
        draw(self._place(size))
        self._message.header = header_of(stamp_ns, frame_id)
        self.publisher.publish(self._message)

    def _place(self, size: Size) -> npt.NDArray[Any]:
        """(height, width) the message's own pixels; other memory only when the size changes."""
        width, height = size
        if self._pixels.shape != (height, width):
            message, step = self._message, width * np.dtype(self._kind).itemsize
            message.width, message.height, message.step = width, height, step
            message.data = array.array("B", bytes(step * height))
            own: Any = message.data  # newer distributions copy what they are given
            self._pixels = np.frombuffer(own, self._kind).reshape(height, width)
        return self._pixels
