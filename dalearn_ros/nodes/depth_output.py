"""The depth image of a camera (REP 118), made only while somebody subscribes."""

from __future__ import annotations

import array
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image

from dalearn_ros.inference.depth import DepthMap, Size
from dalearn_ros.nodes import qos
from dalearn_ros.nodes.messages import header_of

ENCODING = "32FC1"


class DepthOutput:
    """A publisher of depth images that writes each into the memory of the last one.

    Args:
        node: Makes and destroys the publisher.
        topic: Its name.
    """

    def __init__(self, node: LifecycleNode, topic: str) -> None:
        self.publisher = node.create_lifecycle_publisher(Image, topic, qos.results(1))
        self._message = Image(encoding=ENCODING, is_bigendian=sys.byteorder == "big")
        self._pixels: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)

    @property
    def wanted(self) -> bool:
        """Whether anybody subscribes."""
        return bool(self.publisher.get_subscription_count())

    def publish(self, depth: DepthMap, size: Size, stamp_ns: int, frame_id: str) -> None:
        """Make and publish the depth image, if it is wanted.

        Args:
            depth: What the model says.
            size: (width, height) of the image as received; the depth image has the same.
            stamp_ns: Of that image, integer nanoseconds.
            frame_id: Of its header: the optical frame.
        """
        if not self.wanted:
            return
        depth.image(size, self._place(size))
        self._message.header = header_of(stamp_ns, frame_id)
        self.publisher.publish(self._message)

    def _place(self, size: Size) -> npt.NDArray[np.float32]:
        """(height, width) the message's own pixels; other memory only when the size changes."""
        width, height = size
        if self._pixels.shape != (height, width):
            message = self._message
            message.width, message.height, message.step = width, height, 4 * width
            message.data = array.array("B", bytes(4 * width * height))
            own: Any = message.data  # newer distributions copy what they are given
            self._pixels = np.frombuffer(own, np.float32).reshape(height, width)
        return self._pixels
