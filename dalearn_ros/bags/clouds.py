"""LiDAR clouds out of a bag, at the time and in the frame of an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.poses import stamp_ns
from dalearn_ros.bags.storage import Bag
from dalearn_ros.core.closing import Closing
from dalearn_ros.core.errors import BagError, PoseError
from dalearn_ros.geometry.tf_buffer import TransformBuffer
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.landmarks.types import Frame

Array = npt.NDArray[np.float64]

CLOUD = "sensor_msgs/msg/PointCloud2"
TOLERANCE_NS = 60_000_000  # half a turn of a 10 Hz LiDAR, and a little
# sensor_msgs/PointField datatype -> numpy
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}


def cloud_topics(bag: Bag) -> list[str]:
    """Topics of point clouds with x, y and z that are not landmark observations."""
    found = []
    for topic in bag.topics_of(CLOUD):
        names = {item.name for item in bag.decode(next(bag.raw([topic]))).fields}
        if {"x", "y", "z"} <= names and "class_id" not in names:
            found.append(topic)
    return found


def choose_cloud_topic(bag: Bag, topic: str | None) -> str | None:
    """The named topic, else the only cloud of the bag; None if it has none or several.

    Raises:
        BagError: The named one is no point cloud.
    """
    known = cloud_topics(bag)
    if topic is None:
        return known[0] if len(known) == 1 else None
    if topic not in known:
        found = ", ".join(known) or "none"
        raise BagError.at(bag.path, "", f"a point cloud on {topic}", f"cloud topics: {found}")
    return topic


def points_of(message: Any) -> Array:
    """Finite points (P, 3) of a sensor_msgs/PointCloud2, metres, in its frame.

    Raises:
        ValueError: x, y or z is missing, no number, or the bytes are too few.
    """
    fields = {item.name: item for item in message.fields}
    if not {"x", "y", "z"} <= fields.keys():
        raise ValueError(f"its fields are {', '.join(fields)}; x, y and z are needed")
    step, order = int(message.point_step), ">" if message.is_bigendian else "<"
    names = ("x", "y", "z")
    if any(int(fields[name].datatype) not in _TYPES for name in names):
        raise ValueError("the type of x, y or z is unknown")
    layout = np.dtype(
        {
            "names": names,
            "formats": [order + _TYPES[int(fields[name].datatype)] for name in names],
            "offsets": [int(fields[name].offset) for name in names],
            "itemsize": step,
        }
    )
    width, height = int(message.width), int(message.height)
    row = int(message.row_step) or width * step
    data = np.frombuffer(message.data, dtype=np.uint8)
    if len(data) < row * height or row < width * step:
        raise ValueError(f"{len(data)} bytes are too few for {width}x{height} points of {step}")
    rows = np.ascontiguousarray(data[: row * height].reshape(height, row)[:, : width * step])
    table = rows.reshape(-1).view(layout)
    points = np.stack([table[name].astype(np.float64) for name in names], axis=1)
    finite: Array = points[np.isfinite(points).all(axis=1)]
    return finite


class CloudReader(Closing):
    """Hands out, for frames in the order of time, the cloud nearest to each; a context manager.

    A cloud is taken as measured at its stamp: what the vehicle moved between cloud and image is
    undone with its poses, the sweep within one turn is not.

    Args:
        path: The bag; it is opened a second time.
        topic: A cloud topic.
        poses: Of the vehicle, in the map.
        transforms: For the mounting of the LiDAR.
        base_frame: Frame of the vehicle.

    Attributes:
        counts: ``used``, and reason → frames without one: ``none`` (no cloud within 60 ms),
            ``pose`` (no pose at its time), ``tf`` (its frame is not connected), ``undecodable``.
    """

    def __init__(
        self,
        path: Path,
        topic: str,
        poses: Trajectory,
        transforms: TransformBuffer,
        base_frame: str = "base_link",
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.poses, self.transforms, self.base_frame = poses, transforms, base_frame
        self._bag = Bag(path)
        self._messages = self._read(topic)
        self._waiting: list[Any] = []
        self._last: tuple[int, Array | None] = (-1, None)
        self._reason = "none"

    def close(self) -> None:
        """Close the bag."""
        self._bag.close()

    def at(self, frame: Frame) -> Array | None:
        """Points (P, 3) in the frame's optical frame, those behind it left out; None if none fit.

        Frames must come in the order of time and have a pose.
        """
        taken_ns = frame.stamp_ns if frame.pose is None else frame.pose.stamp_ns
        message = self._nearest(taken_ns)
        points = None if message is None else self._in_map(message)
        if points is None:
            self.counts["none" if message is None else self._reason] += 1
            return None
        self.counts["used"] += 1
        in_camera = frame.camera_from_map.apply(points)
        seen: Array = in_camera[in_camera[:, 2] > 0.0]
        return seen

    def _read(self, topic: str) -> Iterator[Any]:
        for raw in self._bag.raw([topic]):
            try:
                yield self._bag.decode(raw)
            except BagError:
                self.counts["undecodable"] += 1

    def _nearest(self, when_ns: int) -> Any | None:
        """The message nearest to a time, within the tolerance."""
        while not self._waiting or stamp_ns(self._waiting[-1].header) < when_ns:
            message = next(self._messages, None)
            if message is None:
                break
            self._waiting = [*self._waiting[-1:], message]
        best = min(self._waiting, key=lambda m: abs(stamp_ns(m.header) - when_ns), default=None)
        if best is None or abs(stamp_ns(best.header) - when_ns) > TOLERANCE_NS:
            return None
        return best

    def _in_map(self, message: Any) -> Array | None:
        """Points (P, 3) in the map at the cloud's time; kept for a second frame of this cloud."""
        when = stamp_ns(message.header)
        if self._last[0] == when:
            return self._last[1]
        points: Array | None = None
        try:
            mounting = self.transforms.lookup(self.base_frame, message.header.frame_id, when)
        except PoseError:
            self._reason = "tf"
        else:
            try:
                map_from_cloud = self.poses.at(when).map_from_base @ mounting
                points = map_from_cloud.apply(points_of(message))
            except PoseError:
                self._reason = "pose"
            except ValueError:
                self._reason = "undecodable"
        self._last = when, points
        return points
