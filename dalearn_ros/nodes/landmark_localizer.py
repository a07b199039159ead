"""ROS node: landmarks and a prior pose in, a pose with covariance out (D18)."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import MarkerArray

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.settings import field
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.localizer import LocalizationResult, Localizer
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.maps import load_map
from dalearn_ros.nodes import parameters, process, qos
from dalearn_ros.nodes.diagnostics import FrameCounters, Reporter
from dalearn_ros.nodes.landmark_messages import observations_of
from dalearn_ros.nodes.markers import markers_of
from dalearn_ros.nodes.messages import pose_with_covariance_message, stamp_of
from dalearn_ros.nodes.vehicle import POSE_TYPES, Mounting, WaitingRoom


@dataclass(frozen=True)
class LocalizerNodeSettings:
    """Parameters of the node ``landmark_localizer``, beside those of :class:`LocalizerSettings`."""

    map: str = field("", "Map folder or .osm file.")
    catalogue: str = field("", "Which tags belong to which class; empty: all shipped ones.")
    base_frame: str = field("base_link", "Frame of the vehicle.")
    pose_type: str = field(
        "pose_with_covariance", "Type of ~/input/pose, the prior.", choices=tuple(POSE_TYPES)
    )
    time_offset_s: float = field(
        0.0, "How much later than their stamps the images were taken (calibrate time-offset).",
        unit="s", minimum=-1.0, maximum=1.0,
    )  # fmt: skip
    rectified: bool = field(False, "The images are rectified (P, R); else raw (K, D).")


class LandmarkLocalizerNode(process.CleanCalls, Node):
    """Estimates a pose from each landmark message, with the prior at the same stamp."""

    finished = False

    def __init__(self) -> None:
        super().__init__("landmark_localizer")
        self.settings = parameters.declare(self, LocalizerNodeSettings)
        self._how = parameters.declare(self, LocalizerSettings)
        self._map = load_map(need_map(self.settings.map), self.settings.catalogue or None)
        self.counters = FrameCounters()
        self.reporter = Reporter(self, self.counters)
        self._pose = self.create_publisher(
            PoseWithCovarianceStamped, "~/output/pose_with_covariance", qos.results()
        )
        self._markers = self.create_publisher(MarkerArray, "~/output/markers", qos.results(1))
        self._localizer: Localizer | None = None
        self._mounting = Mounting(self, self.settings.base_frame, self.settings.rectified)
        how = self.settings.pose_type, self._locate, self.settings.time_offset_s
        self._room = WaitingRoom(self, *how)
        self.create_subscription(
            PointCloud2, "~/input/landmarks", self._on_landmarks, qos.results(200)
        )
        self.get_logger().info(f"{len(self._map)} landmarks in {self.settings.map}")

    def finish(self) -> None:
        """Report once more."""
        self.reporter.publish()

    def _on_landmarks(self, message: PointCloud2) -> None:
        self.counters.received()
        try:
            seen = observations_of(message)
        except InputError as error:
            self.counters.skipped(stamp_of(message.header), "landmarks")
            self.reporter.problem(str(error))
            return
        self._room.add(seen.stamp_ns, seen)

    def _locate(self, seen: Observations, prior: Pose | None, reason: str) -> None:
        known = self._mounting.find()
        if known is None:
            self._skip(seen, self._mounting.problem)
            return
        if prior is None:
            self._skip(seen, f"no prior pose: {reason}")
            return
        if self._localizer is None:
            self._localizer = Localizer(self._map, *known, self._how)
        started = time.perf_counter()
        result = self._localizer.update(seen, prior)
        if result.pose is None:
            self._skip(seen, result.reason)
            return
        self._publish(seen, result)
        milliseconds = 1e3 * (time.perf_counter() - started)
        self.reporter.problem("")
        self.counters.processed(seen.stamp_ns, {"localize": milliseconds})

    def _publish(self, seen: Observations, result: LocalizationResult) -> None:
        assert result.pose is not None
        frame = self._map.frame_id
        self._pose.publish(pose_with_covariance_message(result.pose, frame))
        known: Any = self._mounting.find()
        if known is not None and self._markers.get_subscription_count():
            self._markers.publish(markers_of(self._map, result, seen, known[1]))

    def _skip(self, seen: Observations, reason: str) -> None:
        self.counters.skipped(seen.stamp_ns, reason.partition(":")[0])
        self.reporter.problem(reason)


def need_map(path: str) -> Path:
    """The map that a parameter names.

    Raises:
        InputError: It names none.
    """
    if not path:
        raise InputError("the parameter 'map' is empty; give the map: -p map:=FOLDER.")
    return Path(path)


def main() -> int:
    """Entry point of ``landmark_localizer``."""
    return process.run(LandmarkLocalizerNode)


if __name__ == "__main__":
    sys.exit(main())
