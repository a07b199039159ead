"""Publishes the estimate: as a pose source for a filter, and as a transform if asked to."""

from __future__ import annotations

from geometry_msgs.msg import PoseWithCovarianceStamped, TransformStamped
from rclpy.node import Node
from tf2_msgs.msg import TFMessage

from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.nodes import qos
from dalearn_ros.nodes.localizer_settings import LocalizerNodeSettings
from dalearn_ros.nodes.messages import header_of, pose_message, pose_with_covariance_message


class PoseOutput:
    """``~/output/pose_with_covariance``, and /tf with ``publish_tf``.

    Args:
        node: For the publishers.
        map_frame: Frame of the poses.
        settings: ``publish_tf``, ``output_period_s``, ``base_frame``.
    """

    def __init__(self, node: Node, map_frame: str, settings: LocalizerNodeSettings) -> None:
        self._map_frame, self._settings = map_frame, settings
        self.odom_frame = ""
        self._last_ns: int | None = None
        self._pose = node.create_publisher(
            PoseWithCovarianceStamped, "~/output/pose_with_covariance", qos.results()
        )
        self._tf = None
        if settings.publish_tf:
            self._tf = node.create_publisher(TFMessage, "/tf", qos.results(100))

    def publish(self, pose: Pose, odom_from_base: Transform | None) -> None:
        """Publish an estimate, unless the last one is too young.

        Args:
            pose: With covariance; its stamp is that of the image.
            odom_from_base: Odometry at that stamp.
        """
        period = 1e9 * self._settings.output_period_s
        if self._last_ns is not None and 0 <= pose.stamp_ns - self._last_ns < period:
            return
        self._last_ns = pose.stamp_ns
        self._pose.publish(pose_with_covariance_message(pose, self._map_frame))
        if self._tf is not None:
            self._tf.publish(TFMessage(transforms=[self._transform(pose, odom_from_base)]))

    def _transform(self, pose: Pose, odom_from_base: Transform | None) -> TransformStamped:
        child, place = self._settings.base_frame, pose.map_from_base
        if odom_from_base is not None and self.odom_frame:
            child, place = self.odom_frame, place @ odom_from_base.inverse()
        item = TransformStamped(header=header_of(pose.stamp_ns, self._map_frame))
        item.child_frame_id = child
        found = pose_message(place)
        item.transform.rotation = found.orientation
        t = item.transform.translation
        t.x, t.y, t.z = found.position.x, found.position.y, found.position.z
        return item
