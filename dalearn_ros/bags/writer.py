"""Writes our types as an ordinary rosbag2 (mcap), without a ROS installation.

One method a kind of message. Topics are made at their first message. Files are written by the
library ``rosbags``; the message definitions travel inside the bag, so any player can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer

from dalearn_ros.bags.message_parts import POSE_WITH_COVARIANCE, MessageParts, flat
from dalearn_ros.core.files import refuse_existing
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform

BAG_VERSION = 9
_NEVER = QosTime(2147483647, 4294967295)
_LATCHED = Qos(
    QosHistory.KEEP_LAST,
    1,
    QosReliability.RELIABLE,
    QosDurability.TRANSIENT_LOCAL,
    _NEVER,
    _NEVER,
    QosLiveliness.AUTOMATIC,
    _NEVER,
    False,
)


class BagWriter(MessageParts):
    """A new bag. Use it as a context manager; the folder must not exist.

    Wrap it in :func:`dalearn_ros.core.files.atomic_directory` where a half-written bag must not
    stay behind.

    Raises:
        InputError: ``path`` exists and is not empty.
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__()
        refuse_existing(path)
        self.path = Path(path)
        self._writer = Writer(self.path, version=BAG_VERSION, storage_plugin=StoragePlugin.MCAP)
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> BagWriter:
        self._writer.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()

    def note(self, key: str, value: str) -> None:
        """Note something about the bag in its metadata (``custom_data``), such as its condition."""
        self._writer.set_custom_data(key, value)

    # -- generic ---------------------------------------------------------------------------
    def write(self, topic: str, kind: str, stamp_ns: int, message: Any) -> None:
        """Write any message of the type store.

        Args:
            topic: Full topic name.
            kind: Type, such as ``std_msgs/msg/String``.
            stamp_ns: Time of receipt, integer nanoseconds (0 or later).
            message: An object of :meth:`make`.
        """
        self.write_raw(topic, kind, stamp_ns, self.typestore.serialize_cdr(message, kind))

    def write_raw(
        self,
        topic: str,
        kind: str,
        stamp_ns: int,
        cdr: bytes | memoryview,
        latched: bool = False,
    ) -> None:
        """Write an already serialised (CDR) message, for example one copied from another bag."""
        connection = self._connections.get(topic)
        if connection is None:
            qos = [_LATCHED] if latched else []
            connection = self._writer.add_connection(
                topic, kind, typestore=self.typestore, offered_qos_profiles=qos
            )
            self._connections[topic] = connection
        self._writer.write(connection, int(stamp_ns), cdr)

    # -- camera ----------------------------------------------------------------------------
    def compressed_image(
        self,
        topic: str,
        stamp_ns: int,
        encoded: bytes,
        frame_id: str,
        kind: str = "jpeg",
    ) -> None:
        """Write an encoded image as sensor_msgs/CompressedImage."""
        data = np.frombuffer(encoded, dtype=np.uint8)
        name = "sensor_msgs/msg/CompressedImage"
        header = self.header(stamp_ns, frame_id)
        self.write(
            topic,
            name,
            stamp_ns,
            self.make(name, header=header, format=kind, data=data),
        )

    def image(
        self,
        topic: str,
        stamp_ns: int,
        pixels: npt.NDArray[Any],
        encoding: str,
        frame_id: str,
    ) -> None:
        """Write pixels (H, W[, C]) as sensor_msgs/Image, for example ``32FC1`` metres, ``bgr8``."""
        pixels = np.ascontiguousarray(pixels)
        name = "sensor_msgs/msg/Image"
        message = self.make(
            name,
            header=self.header(stamp_ns, frame_id),
            height=pixels.shape[0],
            width=pixels.shape[1],
            encoding=encoding,
            is_bigendian=0,
            step=pixels.strides[0],
            data=pixels.reshape(-1).view(np.uint8),
        )
        self.write(topic, name, stamp_ns, message)

    def camera_info(self, topic: str, stamp_ns: int, camera: Camera) -> None:
        """Write the calibration as sensor_msgs/CameraInfo (R identity, P = [K | 0])."""
        name = "sensor_msgs/msg/CameraInfo"
        region = self.make(
            "sensor_msgs/msg/RegionOfInterest",
            x_offset=0,
            y_offset=0,
            height=0,
            width=0,
            do_rectify=False,
        )
        projection = np.hstack([camera.matrix, np.zeros((3, 1))])
        message = self.make(
            name,
            header=self.header(stamp_ns, camera.name),
            height=camera.height,
            width=camera.width,
            distortion_model=camera.model,
            d=np.asarray(camera.distortion, dtype=np.float64).ravel(),
            k=np.asarray(camera.matrix, dtype=np.float64).ravel(),
            r=np.eye(3).ravel(),
            p=projection.ravel(),
            binning_x=0,
            binning_y=0,
            roi=region,
        )
        self.write(topic, name, stamp_ns, message)

    # -- poses -----------------------------------------------------------------------------
    def pose(self, topic: str, pose: Pose, frame_id: str = "map") -> None:
        """Write geometry_msgs/PoseStamped (the covariance is dropped)."""
        name = "geometry_msgs/msg/PoseStamped"
        header = self.header(pose.stamp_ns, frame_id)
        message = self.make(name, header=header, pose=self.pose_body(pose.map_from_base))
        self.write(topic, name, pose.stamp_ns, message)

    def pose_with_covariance(self, topic: str, pose: Pose, frame_id: str = "map") -> None:
        """Write geometry_msgs/PoseWithCovarianceStamped (zeros where there is none)."""
        message = self.pose_with_covariance_stamped(pose, frame_id)
        self.write(topic, POSE_WITH_COVARIANCE, pose.stamp_ns, message)

    def odometry(
        self,
        topic: str,
        stamp_ns: int,
        odom_from_base: Transform,
        speed_mps: float,
        yaw_rate_radps: float,
        covariances: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None,
        frames: tuple[str, str] = ("odom", "base_link"),
    ) -> None:
        """Write nav_msgs/Odometry; ``covariances`` are those of pose and twist, each (6, 6)."""
        name = "nav_msgs/msg/Odometry"
        of_pose, of_twist = covariances if covariances is not None else (None, None)
        linear, angular = (
            self.vector((speed_mps, 0, 0)),
            self.vector((0, 0, yaw_rate_radps)),
        )
        twist = self.make(
            "geometry_msgs/msg/TwistWithCovariance",
            twist=self.make("geometry_msgs/msg/Twist", linear=linear, angular=angular),
            covariance=flat(of_twist),
        )
        message = self.make(
            name,
            header=self.header(stamp_ns, frames[0]),
            child_frame_id=frames[1],
            pose=self.pose_with_covariance_body(odom_from_base, of_pose),
            twist=twist,
        )
        self.write(topic, name, stamp_ns, message)

    def transforms(
        self,
        topic: str,
        stamp_ns: int,
        links: Mapping[tuple[str, str], Transform],
    ) -> None:
        """Write tf2_msgs/TFMessage; ``links`` maps (parent, child) to parent_from_child.

        On ``/tf_static`` the topic is latched (transient local), as players expect.
        """
        name = "tf2_msgs/msg/TFMessage"
        stamped = []
        for (parent, child), link in links.items():
            body = self.make(
                "geometry_msgs/msg/Transform",
                translation=self.vector(link.translation),
                rotation=self.quaternion(link),
            )
            stamped.append(
                self.make(
                    "geometry_msgs/msg/TransformStamped",
                    header=self.header(stamp_ns, parent),
                    child_frame_id=child,
                    transform=body,
                )
            )
        cdr = self.typestore.serialize_cdr(self.make(name, transforms=stamped), name)
        self.write_raw(topic, name, stamp_ns, cdr, latched=topic.endswith("tf_static"))
