"""Map health and camera health beside the localizer: watched, published, never fed back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from dalearn_ros.core.settings import field
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.types import Frame, Labels, LandmarkMap, Observations
from dalearn_ros.localization.camera_health import CameraHealth
from dalearn_ros.localization.distance_check import DistanceCheck
from dalearn_ros.localization.health_settings import MapHealthSettings
from dalearn_ros.localization.map_health import HealthFrame, MapHealth
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
        0.5, "Of each camera one image in so many seconds is looked at.", unit="s", minimum=0.0,
        maximum=60.0,
    )  # fmt: skip
    publish_period_s: float = field(
        10.0, "How often the findings are published.", unit="s", minimum=0.1, maximum=3600.0
    )
    distance_tolerance: float = field(
        0.15, "Predicted distances whose scale is wrong by more are warned of.", minimum=0.01,
        maximum=10.0,
    )  # fmt: skip
    distance_landmarks: int = field(
        100, "So many of the last landmarks are compared.", minimum=10, maximum=10000
    )
    map: MapHealthSettings = field(MapHealthSettings, "When map and observations differ.")


class HealthWatch:
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
        self._node, self._landmarks, self._settings = node, landmarks, settings
        self.map = MapHealth(landmarks, settings.map)
        self.cameras: dict[str, CameraHealth] = {}
        self.distances: dict[str, DistanceCheck] = {}
        self._labeller = Labeller(landmarks)
        self._looked_ns: dict[str, int] = {}
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
        """Look at the images of one answer; what fails with an image leaves only that out.

        Args:
            seen: What each camera saw, in the order in which the localizer was given it.
            places: Intrinsics and mounting of each camera.
            result: The answer.
            prior: That it started from; None if that was carried on from ``/initialpose``: camera
                health then learns nothing, because it believes the prior's height and tilt.
            driven: odom_from_base; None without odometry.

        Returns:
            Empty, or a sentence about what went wrong.
        """
        problem = ""
        for number, (name, observations) in enumerate(seen.items()):
            stamp = observations.stamp_ns
            before = self._looked_ns.get(name)
            if before is not None and 0 <= stamp - before < 1e9 * self._settings.image_period_s:
                continue
            self._looked_ns[name] = self._latest_ns = stamp
            matches = result.matches[result.camera == number]
            try:
                expected = self._expected(stamp, *places[name], result.pose)
                view = *places[name], result.pose
                self._look(name, HealthFrame(*view, expected, observations, matches), prior, driven)
            except Exception as error:  # a bad frame never stops the node
                problem = f"health: an image is left out: {type(error).__name__}: {error}"
        return problem

    def _look(
        self, name: str, image: HealthFrame, prior: Pose | None, driven: Transform | None
    ) -> None:
        """Give an image to the map's health and to its camera's."""
        self.map.add(image, name)
        self._compare_distances(name, image)
        if prior is None or driven is None:
            return
        if name not in self.cameras:
            place = image.camera, image.base_from_camera
            self.cameras[name] = CameraHealth(self._landmarks, *place)
        self.cameras[name].add(image.observations, image.matches, image.pose, prior, driven)

    def _compare_distances(self, name: str, image: HealthFrame) -> None:
        """Predicted distances of an image's matches beside those of the map."""
        if image.pose is None:
            return
        if name not in self.distances:
            how = self._settings
            self.distances[name] = DistanceCheck(
                self._landmarks,
                image.base_from_camera,
                how.distance_tolerance,
                how.distance_landmarks,
            )
        self.distances[name].add(image.observations, image.matches, image.pose)

    def _expected(
        self, stamp_ns: int, camera: Camera, mounting: Transform, pose: Pose | None
    ) -> Labels:
        """What the map makes one expect in an image."""
        if pose is None:
            return Labels.empty()
        blank = np.broadcast_to(np.uint8(0), (camera.height, camera.width, 3))
        return self._labeller.label(Frame(blank, stamp_ns, camera, mounting, pose)).labels

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
