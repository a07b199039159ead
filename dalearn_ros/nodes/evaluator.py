"""ROS node: scores landmarks and poses of a running system against map and true pose.

It gathers until it is told to finish (SIGINT, SIGTERM, the service ``~/finish``, or the manifest of
a bag player with all results in), then writes metrics.json, timing.json and report.html.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, PointCloud2
from std_srvs.srv import Trigger

from dalearn_ros.core.errors import InputError
from dalearn_ros.evaluation.calibration import with_map_noise
from dalearn_ros.evaluation.collector import Collector, check_out
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes import parameters, process, qos
from dalearn_ros.nodes.diagnostics import PERIOD_S
from dalearn_ros.nodes.evaluator_inputs import DrivePoses, Pictures
from dalearn_ros.nodes.evaluator_settings import EvaluatorNodeSettings
from dalearn_ros.nodes.landmark_messages import observations_of
from dalearn_ros.nodes.localizer_inputs import CheckedPoses
from dalearn_ros.nodes.map_projector import blank_frame
from dalearn_ros.nodes.map_settings import map_of
from dalearn_ros.nodes.messages import stamp_of
from dalearn_ros.nodes.outcomes import (
    CounterLog,
    ReportedTiming,
    outcomes,
    read_manifest,
    sent_stamps,
)
from dalearn_ros.nodes.vehicle import POSE_TYPES, Mounting

LANDMARKS, IMAGES = "~/input/landmarks", "~/input/image/compressed"
ESTIMATE, TRUTH, PRIOR = "~/input/estimate", "~/input/pose", "~/input/prior"


class EvaluatorNode(process.CleanCalls, Node):
    """Gathers by stamp; everything is scored at the end."""

    def __init__(self) -> None:
        super().__init__("evaluator")
        self.settings = settings = parameters.declare(self, EvaluatorNodeSettings)
        check_out(Path(settings.out))
        self._labeller = Labeller(map_of(settings), settings.labels)
        self.finished = False
        self._seen: dict[int, Observations] = {}
        self._estimates: dict[int, Pose] = {}
        self._no_estimate: dict[int, str] = {}
        self._images = Pictures()
        self._truth = DrivePoses(TRUTH, settings.map_frame)
        self._prior = DrivePoses(PRIOR, settings.map_frame)
        self._estimate = CheckedPoses(ESTIMATE, settings.map_frame)
        self._reports: dict[str, dict[str, str]] = {}
        self._detector = CounterLog()
        self._last = time.monotonic()
        self._mounting = Mounting(self, settings.base_frame, settings.rectified)
        self._offset_ns = round(settings.time_offset_s * 1e9)
        self._listen()
        self.create_service(Trigger, "~/finish", self._on_finish)
        self.create_timer(0.2, self._look_for_end)

    def _listen(self) -> None:
        settings, add = self.settings, self.create_subscription
        add(PointCloud2, LANDMARKS, self._on_landmarks, qos.results(1000))
        add(PoseWithCovarianceStamped, ESTIMATE, self._on_estimate, qos.results(1000))
        add(POSE_TYPES[settings.pose_type], TRUTH, self._on_truth, qos.stream(1000))
        add(POSE_TYPES[settings.prior_type], PRIOR, self._on_prior, qos.stream(1000))
        add(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.results(100))
        if settings.pictures:
            add(CompressedImage, IMAGES, self._on_picture, qos.stream(10))

    # -- gathering ---------------------------------------------------------------------------
    def _on_landmarks(self, message: PointCloud2) -> None:
        self._last = time.monotonic()
        try:
            seen = observations_of(message)
        except InputError as error:
            self.get_logger().warning(str(error), throttle_duration_sec=5.0)
            return
        self._seen[seen.stamp_ns] = seen

    def _on_estimate(self, message: PoseWithCovarianceStamped) -> None:
        self._last = time.monotonic()
        pose = self._estimate.check(message)
        if pose is None:
            self._no_estimate[stamp_of(message.header)] = f"not usable: {self._estimate.problem}"
            return
        self._estimates[pose.stamp_ns] = pose

    def _on_truth(self, message: Any) -> None:
        self._take(self._truth, message)

    def _on_prior(self, message: Any) -> None:
        self._take(self._prior, message)

    def _take(self, poses: DrivePoses, message: Any) -> None:
        known = poses.fault
        poses.add(message)
        if poses.fault and not known:
            self.get_logger().warning(f"{poses.fault}; such poses are left out")

    def _on_picture(self, message: CompressedImage) -> None:
        self._images.add(stamp_of(message.header), memoryview(message.data).tobytes())

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            report = {item.key: item.value for item in status.values}
            self._reports[status.name] = report
            if status.name == self.settings.detector:
                self._detector.add(report, time.time_ns())

    # -- end ---------------------------------------------------------------------------------
    def _on_finish(self, request: Any, response: Any) -> Any:
        self.finished = True
        response.success, response.message = True, f"results go to {self.settings.out}"
        return response

    def _look_for_end(self) -> None:
        named = self.settings.manifest
        if not named or not Path(named).is_file():
            return
        quiet = time.monotonic() - self._last
        # At least until each node has reported once more after its last frame.
        if quiet > max(self.settings.quiet_s, 2.0 * PERIOD_S):
            self.finished = True

    def finish(self) -> None:
        """Score everything and write the results.

        Raises:
            InputError: Nothing could be scored, the results cannot be written, or the manifest is
                not one.
        """
        settings = self.settings
        named = Path(settings.manifest) if settings.manifest else None
        manifest = read_manifest(named) if named and named.is_file() else None
        collected = Collector(
            self._labeller.label_space,
            match_px=settings.match_px,
            landmarks=self._labeller.map,
            title="Evaluation of a live system",
            source={"map": settings.map, "bag": manifest["bag"] if manifest else None},
        )
        collected.clock = ReportedTiming(self._reports)
        for stamp in sorted(self._seen):
            self._score(collected, stamp)
        if manifest is not None:
            self._account(collected, manifest)
        if not collected.detection.frames:  # results of an earlier run stay
            raise self._nothing_scored(collected.frames_skipped)
        for poses in (self._truth, self._prior):
            for reason, count in poses.left_out.items():
                self.get_logger().warning(f"{poses.topic}: {count} poses left out: {reason}")
        metrics = collected.write(settings.out)
        print(f"{settings.out}: F1 {metrics['f1']:.3f} over {metrics['frames']} frames")

    def _account(self, collected: Collector, manifest: Mapping[str, Any]) -> None:
        """Count what became of the images that the player sent."""
        sent = sent_stamps(manifest, self.resolve_topic_name(IMAGES))
        report = self._detector.since(manifest.get("began_unix_ns"))
        for reason, count in outcomes(sent, set(self._seen), report).items():
            if reason != "processed":
                collected.skip(reason, count)
        drive_s = (max(sent) - min(sent)) * 1e-9 if sent else 0.0
        collected.span(drive_s, float(manifest["wall_s"]))

    def _nothing_scored(self, skipped: Mapping[str, int]) -> InputError:
        """Why no frame could be scored."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
        found = reasons or f"no landmarks on {self.resolve_topic_name(LANDMARKS)}"
        self._mounting.find()  # brings its problem up to date
        faults = [self._mounting.problem.rstrip("."), self._truth.fault]
        hint = "; ".join(["Nothing is written", *filter(None, faults)]) + "."
        expected = "landmarks with a true pose at their time"
        return InputError.at(self.settings.out, "", expected, found, hint)

    def _score(self, collected: Collector, stamp: int) -> None:
        known = self._mounting.find()
        if known is None:
            collected.skip(self._mounting.problem.partition(":")[0])
            return
        taken = stamp + self._offset_ns  # the localizer's pose is that of this moment too
        truth, why = self._truth.at(taken)
        if truth is None:
            collected.skip(f"pose:{why}")
            return
        camera, mounting = known
        frame = blank_frame(stamp, camera, mounting, truth)
        labels = self._labeller.label(frame).labels
        labels = with_map_noise(labels, float(camera.matrix[0, 0]))
        size = camera.width, camera.height
        collected.add(labels, self._seen[stamp], size, image=self._images.get(stamp))
        if self._prior.messages or self._estimates or self._no_estimate:  # somebody localizes
            self._score_pose(collected, taken, truth)

    def _score_pose(self, collected: Collector, taken: int, truth: Pose) -> None:
        """The poses of the frame that was scored last; a gap of the prior counts, as directly."""
        prior, why = self._prior.at(taken)
        reason = f"no prior: {why}" if self._prior.messages and why else "none from the localizer"
        reason = self._no_estimate.get(taken, reason)
        collected.add_pose(self._estimates.get(taken), truth, prior, reason)


def main() -> int:
    """Entry point of ``evaluator``."""
    return process.run(EvaluatorNode)


if __name__ == "__main__":
    sys.exit(main())
