"""Map health and camera health beside the localizer: watched, published, never fed back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from dalearn_ros.core.settings import field
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import LandmarkMap, Observations
from dalearn_ros.localization.drive_health import (
    DISTANCE_LANDMARKS,
    DISTANCE_TOLERANCE,
    IMAGE_PERIOD_S,
    DriveHealth,
)
from dalearn_ros.localization.health_settings import MapHealthSettings
from dalearn_ros.localization.results import LocalizationResult
from dalearn_ros.nodes import qos
from dalearn_ros.nodes.health_messages import (
    camera_diagnostics,
    camera_health_message,
    distance_diagnostics,
    health_markers,
    map_health_message,
)


@dataclass(frozen=True)
class HealthSettings:
    """Parameters ``health.…`` of the localizer's node."""

    enabled: bool = field(True, "Watch the map and the cameras.")
    image_period_s: float = field(
        IMAGE_PERIOD_S,
        "Of each camera one image in so many seconds is looked at.",
        unit="s",
        minimum=0.0,
        maximum=60.0,
    )
    publish_period_s: float = field(
        10.0, "How often the findings are published.", unit="s", minimum=0.1, maximum=3600.0
    )
    distance_tolerance: float = field(
        DISTANCE_TOLERANCE,
        "Predicted distances whose scale is wrong by more are warned of.",
        minimum=0.01,
        maximum=10.0,
    )
    distance_landmarks: int = field(
        DISTANCE_LANDMARKS, "So many of the last landmarks are compared.", minimum=10, maximum=10000
    )
    map: MapHealthSettings = field(MapHealthSettings, "When map and observations differ.")


class HealthWatch(DriveHealth):
    """Fed with each answer of the localizer; publishes what map and cameras look like by it.

    Topics: ``~/output/map_health`` (JSON), ``~/output/map_health/markers``, and for each camera
    ``~/output/camera_health`` or ``~/output/NAME/camera_health`` (JSON), latched; a status of each
    camera on ``/diagnostics``, and one of the distances that were predicted in its images.

    Args:
        node: That publishes.
        landmarks: The map.
        settings: See :class:`HealthSettings`.
        names: Of the cameras; an empty name is the only camera.
    """

    def __init__(
        self, node: Node, landmarks: LandmarkMap, settings: HealthSettings, names: tuple[str, ...]
    ) -> None:
        super().__init__(
            landmarks,
            settings.map,
            settings.image_period_s,
            settings.distance_tolerance,
            settings.distance_landmarks,
        )
        self._node = node
        self._latest_ns: int | None = None  # of what has not been published yet
        self._map_json = node.create_publisher(String, "~/output/map_health", qos.latched())
        topic = "~/output/map_health/markers"
        self._markers = node.create_publisher(MarkerArray, topic, qos.latched())
        self._camera_json = {
            name: node.create_publisher(
                String, f"~/output/{name}/camera_health".replace("//", "/"), qos.latched()
            )
            for name in names
        }
        self._diagnostics = node.create_publisher(DiagnosticArray, "/diagnostics", qos.results())
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(settings.publish_period_s, self.publish, clock=clock)

    def add(
        self,
        seen: Mapping[str, Observations],
        places: Mapping[str, tuple[Camera, Transform]],
        result: LocalizationResult,
        prior: Pose | None,
        driven: Transform | None,
    ) -> str:
        """Look at the images of one answer; see :meth:`DriveHealth.add`."""
        before = self.latest_ns
        problem = super().add(seen, places, result, prior, driven)
        if self.latest_ns != before:
            self._latest_ns = self.latest_ns
        return problem

    def publish(self) -> None:
        """Publish what is known by now, if anything came since the last time; never raises."""
        if self._latest_ns is None:
            return
        latest_ns, self._latest_ns = self._latest_ns, None
        try:
            self._publish_map(latest_ns)
            self._publish_cameras()
        except Exception as error:  # what is wrong with a report never stops the node
            sentence = f"health: nothing is published: {type(error).__name__}: {error}"
            self._node.get_logger().error(sentence, throttle_duration_sec=60.0)

    def _publish_map(self, latest_ns: int) -> None:
        report = self.map.report()
        self._map_json.publish(map_health_message(report))
        self._markers.publish(health_markers(report, latest_ns, self._landmarks.frame_id))

    def _publish_cameras(self) -> None:
        title = self._node.get_fully_qualified_name()
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        for name, camera in self.cameras.items():
            found = camera.report()
            self._camera_json[name].publish(camera_health_message(found))
            where = f"{title}/{name}/camera_health".replace("//", "/")
            message.status.append(camera_diagnostics(found, where))
        for name, check in self.distances.items():
            where = f"{title}/{name}/distances".replace("//", "/")
            message.status.append(distance_diagnostics(check.report(), where))
        self._diagnostics.publish(message)
