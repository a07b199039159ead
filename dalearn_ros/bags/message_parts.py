"""Parts of ROS messages as objects of the type store that writes bags."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from rosbags.typesys import Stores, get_typestore

from dalearn_ros.bags import definitions
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform

POSE_WITH_COVARIANCE = "geometry_msgs/msg/PoseWithCovarianceStamped"


class MessageParts:
    """Makes messages and what several of them have in common.

    Attributes:
        typestore: The types, as in ROS 2 Jazzy, and those of :mod:`dalearn_ros.bags.definitions`.
    """

    def __init__(self) -> None:
        self.typestore = get_typestore(Stores.ROS2_JAZZY)
        definitions.register(self.typestore)
        self._types = self.typestore.types

    def make(self, kind: str, **fields: Any) -> Any:
        """A message object of the type store."""
        return self._types[kind](**fields)

    def header(self, stamp_ns: int, frame_id: str) -> Any:
        """A std_msgs/Header."""
        seconds, nanoseconds = divmod(int(stamp_ns), 1_000_000_000)
        time = self.make("builtin_interfaces/msg/Time", sec=seconds, nanosec=nanoseconds)
        return self.make("std_msgs/msg/Header", stamp=time, frame_id=frame_id)

    def vector(self, xyz: npt.ArrayLike) -> Any:
        """A geometry_msgs/Vector3."""
        x, y, z = (float(v) for v in np.asarray(xyz, dtype=np.float64))
        return self.make("geometry_msgs/msg/Vector3", x=x, y=y, z=z)

    def quaternion(self, transform: Transform) -> Any:
        """A geometry_msgs/Quaternion."""
        x, y, z, w = (float(v) for v in transform.quaternion)
        return self.make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w)

    def pose_body(self, transform: Transform) -> Any:
        """A geometry_msgs/Pose."""
        x, y, z = (float(v) for v in transform.translation)
        point = self.make("geometry_msgs/msg/Point", x=x, y=y, z=z)
        return self.make(
            "geometry_msgs/msg/Pose",
            position=point,
            orientation=self.quaternion(transform),
        )

    def pose_with_covariance_body(
        self, transform: Transform, covariance: npt.NDArray[np.float64] | None
    ) -> Any:
        """A geometry_msgs/PoseWithCovariance; zeros where there is no covariance (6, 6)."""
        return self.make(
            "geometry_msgs/msg/PoseWithCovariance",
            pose=self.pose_body(transform),
            covariance=flat(covariance),
        )

    def pose_with_covariance_stamped(self, pose: Pose, frame_id: str) -> Any:
        """A geometry_msgs/PoseWithCovarianceStamped (zeros where there is no covariance)."""
        header = self.header(pose.stamp_ns, frame_id)
        body = self.pose_with_covariance_body(pose.map_from_base, pose.covariance)
        return self.make(POSE_WITH_COVARIANCE, header=header, pose=body)


def flat(covariance: npt.NDArray[np.float64] | None) -> npt.NDArray[np.float64]:
    """A covariance (6, 6) row by row, (36,); zeros for None."""
    matrix = np.zeros((6, 6)) if covariance is None else np.asarray(covariance, dtype=np.float64)
    return matrix.reshape(36)
