"""ROS node: landmarks, odometry and a prior pose in, a pose with covariance out (D18)."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import Odometry
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.results import LATE, LocalizationResult
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.localization.window_images import CameraImage
from dalearn_ros.localization.window_localizer import WindowLocalizer
from dalearn_ros.nodes import parameters, process, qos
from dalearn_ros.nodes.camera_names import check_cameras
from dalearn_ros.nodes.diagnostics import Reporter
from dalearn_ros.nodes.health_watch import HealthWatch
from dalearn_ros.nodes.landmark_messages import observations_of
from dalearn_ros.nodes.localizer_inputs import CheckedPoses, Gathering, finite_rows
from dalearn_ros.nodes.localizer_report import LocalizerCounters
from dalearn_ros.nodes.localizer_settings import LocalizerNodeSettings
from dalearn_ros.nodes.map_settings import map_of
from dalearn_ros.nodes.markers import markers_of
from dalearn_ros.nodes.messages import stamp_of
from dalearn_ros.nodes.pose_output import PoseOutput
from dalearn_ros.nodes.vehicle import POSE_TYPES, Mounting


class LandmarkLocalizerNode(process.CleanCalls, Node):
    """Estimates a pose from the landmarks of the last seconds; see docs/localization.md."""

    finished = False

    def __init__(self) -> None:
        super().__init__("landmark_localizer")
        self.settings = parameters.declare(self, LocalizerNodeSettings)
        self._how = parameters.declare(self, LocalizerSettings)
        check_cameras(self.settings.cameras)
        self._names = self.settings.cameras
        self._map = map_of(self.settings)
        frame = self._map.frame_id
        self._prior = CheckedPoses("~/input/pose", frame)
        self._odometry = CheckedPoses("~/input/odometry", continuous=True)
        self._initial = CheckedPoses("~/input/initialpose", frame)
        self.counters = LocalizerCounters((self._prior, self._odometry, self._initial))
        self.reporter = Reporter(self, self.counters)
        self._output = PoseOutput(self, frame, self.settings)
        self._markers = self.create_publisher(MarkerArray, "~/output/markers", qos.results(1))
        self._health = self._watch()
        self._localizer: WindowLocalizer | None = None
        self._places: dict[str, tuple[Camera, Transform]] = {}  # that it was made with
        self._gathering = Gathering(len(self._names), self._prior, self._odometry, self._locate)
        self._mountings = {name: self._listen(name) for name in self._names}
        self._subscribe()
        self.get_logger().info(f"{len(self._map)} landmarks in {self.settings.map}")

    def finish(self) -> None:
        """Report once more."""
        self.reporter.publish()
        if self._health is not None:
            self._health.publish()

    def _watch(self) -> HealthWatch | None:
        """Map and camera health, if wanted."""
        if not self.settings.health.enabled:
            return None
        return HealthWatch(self, self._map, self.settings.health, self._names)

    def _listen(self, name: str) -> Mounting:
        """Landmarks and calibration of one camera; a camera without a name has the plain topics."""
        base = f"~/input/{name}/" if name else "~/input/"
        self.create_subscription(
            PointCloud2, f"{base}landmarks", partial(self._on_landmarks, name), qos.results(200)
        )
        topic = f"{base}camera_info"
        return Mounting(self, self.settings.base_frame, self.settings.rectified, topic)

    def _subscribe(self) -> None:
        poses = POSE_TYPES[self.settings.pose_type]
        self.create_subscription(poses, "~/input/pose", self._on_pose, qos.stream(100))
        self.create_subscription(Odometry, "~/input/odometry", self._on_odometry, qos.stream(200))
        self.create_subscription(
            PoseWithCovarianceStamped, "~/input/initialpose", self._on_initial, qos.results(1)
        )
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_timer(0.1, self._gathering.advance)

    def _on_pose(self, message: Any) -> None:
        self._prior.add(message)
        self._gathering.advance()

    def _on_odometry(self, message: Odometry) -> None:
        if self._odometry.add(message):
            self._forget()
        self._output.odom_frame = message.header.frame_id
        self._gathering.advance()

    def _forget(self) -> None:
        """Drop the window and a pose that was carried on: the prior is ~/input/pose."""
        if self._localizer is not None:
            self._localizer.reset()
        self._gathering.clear()
        self._gathering.needs_prior = True

    def _on_initial(self, message: PoseWithCovarianceStamped) -> None:
        pose = self._initial.check(message, stamped=False)
        localizer = self._localizer
        if pose is None or localizer is None:
            waiting = "the cameras' calibration and mounting are not known yet"
            self._say(self._initial.problem if pose is None else f"~/input/initialpose: {waiting}")
            return
        driven, _ = self._odometry.at(pose.stamp_ns)
        if driven is None and len(self._odometry.buffer):
            driven, _ = self._odometry.at(self._odometry.buffer.latest_ns)
        if driven is None:
            self._say("~/input/initialpose: there is no ~/input/odometry to carry it on with")
            return
        start = dataclasses.replace(pose, stamp_ns=driven.stamp_ns)
        problem = localizer.restart(start, driven.map_from_base)
        self._gathering.needs_prior = bool(problem)
        self._say(problem or "started anew from ~/input/initialpose")

    def _on_reset(self, _: Trigger.Request, answer: Trigger.Response) -> Trigger.Response:
        self._forget()
        answer.success, answer.message = True, "forgotten; the prior is ~/input/pose"
        return answer

    def _on_landmarks(self, name: str, message: PointCloud2) -> None:
        self.counters.received()
        stamp = stamp_of(message.header)
        try:
            seen = observations_of(message)
            problem = self._time_problem(stamp)
        except InputError as error:
            problem = f"landmarks: {error}"
        if problem:
            self._skip(stamp, problem)
            return
        finite = finite_rows(seen)
        self.counters.not_finite += len(seen) - len(finite)
        taken = stamp + round(self.settings.time_offset_s * 1e9)
        self._gathering.add(name, dataclasses.replace(finite, stamp_ns=taken))

    def _time_problem(self, stamp: int) -> str:
        """Why landmarks of this stamp cannot be used; where time went far back, all starts anew."""
        if stamp == 0:
            return "zero stamp: the landmarks have none; the image's header needs its stamp"
        done, taken = self._gathering.done_ns, stamp + round(self.settings.time_offset_s * 1e9)
        if done is None or taken > done:
            return ""
        if done - taken > 1e9 * self._how.max_gap_s:
            self._forget()
            return ""
        return LATE

    def _locate(
        self,
        seen: Mapping[str, Observations],
        prior: Pose | None,
        reason: str,
        driven: Transform | None,
    ) -> None:
        stamp = next(iter(seen.values())).stamp_ns
        localizer = self._ready()
        if localizer is None:
            problem = next(m.problem for m in self._mountings.values() if m.find() is None)
            self._skip(stamp, problem, len(seen))
            return
        if prior is None and self._gathering.needs_prior:
            self._skip(stamp, f"no prior pose: {self._prior.problem or reason}", len(seen))
            return
        started = time.perf_counter()
        images = [CameraImage(name, one, driven) for name, one in seen.items()]
        result = localizer.update(images, prior)
        self.counters.result = result
        if result.pose is None:
            self._skip(stamp, result.reason, len(seen))
        else:
            self._publish(seen, result, driven)
            self.reporter.problem(self._prior.problem or self._odometry.problem)
            for _ in seen:
                self.counters.processed(stamp, {"localize": 1e3 * (time.perf_counter() - started)})
        if self._health is not None:
            problem = self._health.add(seen, self._places, result, prior, driven)
            self.reporter.problem(problem, about="health")

    def _ready(self) -> WindowLocalizer | None:
        """The localizer; None while a camera's calibration or mounting is not known."""
        if self._localizer is None:
            places = {name: mounting.find() for name, mounting in self._mountings.items()}
            self._places = {name: place for name, place in places.items() if place is not None}
            if len(self._places) == len(places):
                self._localizer = WindowLocalizer(self._map, self._places, self._how)
        return self._localizer

    def _publish(
        self,
        seen: Mapping[str, Observations],
        result: LocalizationResult,
        driven: Transform | None,
    ) -> None:
        assert result.pose is not None
        self._output.publish(result.pose, driven)
        name = next(iter(seen))
        if self._markers.get_subscription_count():
            mounting = self._places[name][1]
            self._markers.publish(markers_of(self._map, result, seen[name], mounting))

    def _skip(self, stamp: int, reason: str, images: int = 1) -> None:
        for _ in range(images):
            self.counters.skipped(stamp, reason.partition(":")[0])
        self.reporter.problem(reason)

    def _say(self, sentence: str) -> None:
        self.get_logger().info(sentence)
        self.reporter.problem(sentence)


def main() -> int:
    """Entry point of ``landmark_localizer``."""
    return process.run(LandmarkLocalizerNode)


if __name__ == "__main__":
    sys.exit(main())
