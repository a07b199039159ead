"""ROS node: map and pose in, the landmarks that the camera should see out (D2 to D4)."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, PointCloud2

from dalearn_ros.core.settings import field
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.project import Labeller
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.landmarks.types import Frame, Labels, Observations
from dalearn_ros.nodes import parameters, process, qos
from dalearn_ros.nodes.diagnostics import FrameCounters, Reporter
from dalearn_ros.nodes.landmark_messages import cloud_of
from dalearn_ros.nodes.map_settings import MapNodeSettings, map_of
from dalearn_ros.nodes.messages import stamp_of
from dalearn_ros.nodes.vehicle import POSE_TYPES, Mounting, WaitingRoom


@dataclass(frozen=True)
class ProjectorNodeSettings(MapNodeSettings):
    """Parameters of the node ``map_projector``."""

    pose_type: str = field("pose", "Type of ~/input/pose.", choices=tuple(POSE_TYPES))
    labels: LabelSettings = field(LabelSettings, "What counts as seen.")


class MapProjectorNode(process.CleanCalls, Node):
    """Projects the map at the stamp of every camera_info message."""

    finished = False

    def __init__(self) -> None:
        super().__init__("map_projector")
        self.settings = parameters.declare(self, ProjectorNodeSettings)
        self._labeller = Labeller(map_of(self.settings), self.settings.labels)
        self.counters = FrameCounters()
        self.reporter = Reporter(self, self.counters)
        self._output = self.create_publisher(PointCloud2, "~/output/landmarks", qos.results())
        self._mounting = Mounting(self, self.settings.base_frame, self.settings.rectified)
        how = self.settings.pose_type, self._project, self.settings.time_offset_s
        self._room = WaitingRoom(self, *how)
        self.create_subscription(
            CameraInfo, "~/input/camera_info", self._on_camera, qos.stream(100)
        )

    def finish(self) -> None:
        """Report once more."""
        self.reporter.publish()

    def _on_camera(self, message: CameraInfo) -> None:
        self.counters.received()
        stamp = stamp_of(message.header)
        self._room.add(stamp, stamp)

    def _project(self, stamp_ns: int, pose: Pose | None, reason: str) -> None:
        known = self._mounting.find()
        if known is None or pose is None:
            why = self._mounting.problem if known is None else f"no pose: {reason}"
            self.counters.skipped(stamp_ns, why.partition(":")[0])
            self.reporter.problem(why)
            return
        started = time.perf_counter()
        camera, mounting = known
        labels = self._labeller.label(blank_frame(stamp_ns, camera, mounting, pose)).labels
        seen = observations_of_labels(labels.select(~labels.ignore), stamp_ns)
        self._output.publish(cloud_of(seen, camera.name, camera))
        self.reporter.problem("")
        self.counters.processed(stamp_ns, {"project": 1e3 * (time.perf_counter() - started)})


def blank_frame(stamp_ns: int, camera: Camera, mounting: Transform, pose: Pose) -> Frame:
    """A frame with a black image that takes no memory, for projection."""
    image = np.broadcast_to(np.uint8(0), (camera.height, camera.width, 3))
    return Frame(image, stamp_ns, camera, mounting, pose, None, str(stamp_ns))


def observations_of_labels(labels: Labels, stamp_ns: int) -> Observations:
    """Labels as a perfect detector would see them: score 1, the distance exact."""
    count = len(labels)
    return Observations(
        stamp_ns=stamp_ns,
        class_id=labels.class_id,
        point_px=labels.point_px,
        score=np.ones(count),
        covariance_px2=labels.covariance_px2,
        range_m=labels.range_m,
        sigma_range_m=np.zeros(count),
        track_id=np.full(count, -1, dtype=np.int64),
    )


def main() -> int:
    """Entry point of ``map_projector``."""
    return process.run(MapProjectorNode)


if __name__ == "__main__":
    sys.exit(main())
