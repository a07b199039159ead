"""What several nodes need to know of the vehicle: calibration, mounting, poses at given times."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo
from tf2_msgs.msg import TFMessage

from dalearn_ros.core.errors import InputError, PoseError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.camera_info import camera_from_info, rectified_from_optical
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.tf_buffer import TransformBuffer
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.nodes import qos
from dalearn_ros.nodes.messages import pose_of, transform_of

POSE_TYPES = {
    "pose": PoseStamped,
    "pose_with_covariance": PoseWithCovarianceStamped,
    "odometry": Odometry,
}
KEPT_POSES = 500
PATIENCE_S = 0.5


class PoseBuffer:
    """The latest poses, interpolated and never extrapolated (D5).

    Args:
        kept: How many; those before a stamp that goes back are dropped, as of a bag that was
            started anew. None keeps all.
    """

    def __init__(self, kept: int | None = KEPT_POSES) -> None:
        self._poses: deque[Pose] = deque(maxlen=kept)
        self._trajectory: Trajectory | None = None
        self.refused = 0

    def __len__(self) -> int:
        return len(self._poses)

    @property
    def latest_ns(self) -> int:
        """Stamp of the pose that came last; -1 if there is none."""
        return self._poses[-1].stamp_ns if self._poses else -1

    @property
    def latest(self) -> Pose | None:
        """The pose that came last; None if there is none."""
        return self._poses[-1] if self._poses else None

    def add_message(self, message: Any) -> None:
        """Add a pose message; one that is not finite is counted in ``refused``."""
        try:
            self.add(pose_of(message))
        except ValueError:
            self.refused += 1

    def add(self, pose: Pose) -> None:
        """Add a pose."""
        if self._poses.maxlen is not None and pose.stamp_ns < self.latest_ns:
            self._poses.clear()
        self._poses.append(pose)
        self._trajectory = None

    def at(self, stamp_ns: int) -> Pose:
        """The pose at a time.

        Raises:
            PoseError: None at that time; see :class:`Trajectory`.
        """
        if not self._poses:
            raise PoseError("no pose has come yet.", "before_start")
        if self._trajectory is None:
            covariances = [pose.covariance for pose in self._poses]
            known = [c for c in covariances if c is not None]
            self._trajectory = Trajectory(
                np.array([pose.stamp_ns for pose in self._poses], dtype=np.int64),
                np.array([pose.map_from_base.translation for pose in self._poses]),
                np.array([pose.map_from_base.quaternion for pose in self._poses]),
                np.array(known) if len(known) == len(covariances) else None,
            )
        return self._trajectory.at(stamp_ns)


class Mounting:
    """Calibration and mounting of the camera, from camera_info and /tf_static.

    Args:
        node: For the subscriptions.
        base_frame: Frame of the vehicle.
        rectified: Whether the images are rectified (P, R) or raw (K, D).
        topic: Of the camera_info.
    """

    def __init__(
        self,
        node: Node,
        base_frame: str,
        rectified: bool = False,
        topic: str = "~/input/camera_info",
    ) -> None:
        self.base_frame, self.rectified = base_frame, rectified
        self._optical_from_rectified = Transform.identity()
        self.camera: Camera | None = None
        self.problem = f"no {topic} yet"
        self._transforms = TransformBuffer()
        self._known: Transform | None = None
        node.create_subscription(CameraInfo, topic, self._on_camera, qos.stream(10))
        node.create_subscription(TFMessage, "/tf_static", self._on_static, qos.latched(100))

    def find(self) -> tuple[Camera, Transform] | None:
        """Camera and base_from_camera; None while one is missing (``problem`` says which)."""
        if self.camera is None:
            return None
        if self._known is None:
            try:
                found = self._transforms.lookup(self.base_frame, self.camera.name)
                self._known = found @ self._optical_from_rectified
            except PoseError as error:
                self.problem = f"no mounting of the camera: {error}"
                return None
        self.problem = ""
        return self.camera, self._known

    def _on_camera(self, message: CameraInfo) -> None:
        if self.camera is not None:
            return
        try:
            self.camera = camera_from_info(message, self.rectified)
            if self.rectified:
                self._optical_from_rectified = rectified_from_optical(message).inverse()
        except InputError as error:
            self.problem = str(error)

    def _on_static(self, message: TFMessage) -> None:
        for item in message.transforms:
            try:
                link = transform_of(item)
            except ValueError:
                continue
            self._transforms.add_static(item.header.frame_id, item.child_frame_id, link)
        self._known = None


class WaitingRoom:
    """Holds items until the poses around their stamp are there, or patience ends.

    Args:
        node: For the timer and the subscription of ``~/input/pose``.
        pose_type: Key of :data:`POSE_TYPES`.
        handle: Called with each item and its pose (None with a reason) in the order of arrival.
        time_offset_s: How much later than their stamps the images were taken, seconds.
    """

    def __init__(
        self,
        node: Node,
        pose_type: str,
        handle: Callable[[Any, Pose | None, str], None],
        time_offset_s: float = 0.0,
    ) -> None:
        self._offset_ns = round(time_offset_s * 1e9)
        self.poses = PoseBuffer()
        self._handle = handle
        self._waiting: deque[tuple[int, float, Any]] = deque()
        kind = POSE_TYPES[pose_type]
        node.create_subscription(kind, "~/input/pose", self._on_pose, qos.stream(100))
        node.create_timer(0.1, self._advance)

    def add(self, stamp_ns: int, item: Any) -> None:
        """Hand in an item with the stamp of its image."""
        self._waiting.append((stamp_ns + self._offset_ns, time.monotonic(), item))
        self._advance()

    def _on_pose(self, message: Any) -> None:
        self.poses.add_message(message)
        self._advance()

    def _advance(self) -> None:
        while self._waiting:
            stamp, since, item = self._waiting[0]
            patient = time.monotonic() - since < PATIENCE_S
            if self.poses.latest_ns < stamp and patient:
                return
            self._waiting.popleft()
            try:
                self._handle(item, self.poses.at(stamp), "")
            except PoseError as error:
                self._handle(item, None, error.reason)
