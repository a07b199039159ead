"""ROS node: scores landmarks and poses of a running system against map and true pose.

It gathers until it is told to finish (SIGINT, SIGTERM, the service ``~/finish``, or the manifest of
a bag player with all results in), then writes metrics.json, timing.json and report.html.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, PointCloud2
from std_srvs.srv import Trigger

from dalearn_ros.core.errors import InputError, PoseError
from dalearn_ros.core.settings import field
from dalearn_ros.evaluation.calibration import with_map_noise
from dalearn_ros.evaluation.collector import Collector, check_out
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.labels.project import Labeller
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes import parameters, process, qos
from dalearn_ros.nodes.diagnostics import PERIOD_S
from dalearn_ros.nodes.landmark_messages import observations_of
from dalearn_ros.nodes.map_projector import blank_frame
from dalearn_ros.nodes.map_settings import MapNodeSettings, map_of
from dalearn_ros.nodes.messages import pose_of, stamp_of
from dalearn_ros.nodes.outcomes import ReportedTiming, outcomes, read_manifest, sent_stamps
from dalearn_ros.nodes.vehicle import POSE_TYPES, Mounting, PoseBuffer


@dataclass(frozen=True)
class EvaluatorNodeSettings(MapNodeSettings):
    """Parameters of the node ``evaluator``."""

    out: str = field("evaluation", "Folder for the results.")
    pose_type: str = field(
        "pose", "Type of ~/input/pose, the true pose.", choices=tuple(POSE_TYPES)
    )
    prior_type: str = field(
        "pose_with_covariance", "Type of ~/input/prior.", choices=tuple(POSE_TYPES)
    )
    match_px: float = field(8.0, "Tolerance of a hit.", unit="px", minimum=0.1, maximum=1000.0)
    detector: str = field("/landmark_detector", "Node whose counters are taken from /diagnostics.")
    manifest: str = field(
        "", "Manifest that the bag player will write: finish when it is there; empty: do not wait."
    )
    quiet_s: float = field(
        3.0, "After the manifest: finish when nothing came for so long.", unit="s", minimum=0.5,
        maximum=600.0,
    )  # fmt: skip
    pictures: bool = field(True, "Keep compressed images for the report.")
    labels: LabelSettings = field(LabelSettings, "What counts as truth.")


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
        self._images: dict[int, bytes] = {}
        self._truth, self._prior = PoseBuffer(None), PoseBuffer(None)
        self._reports: dict[str, dict[str, str]] = {}
        self._last = time.monotonic()
        self._mounting = Mounting(self, settings.base_frame, settings.rectified)
        self._offset_ns = round(settings.time_offset_s * 1e9)
        self._listen()
        self.create_service(Trigger, "~/finish", self._on_finish)
        self.create_timer(0.2, self._look_for_end)

    def _listen(self) -> None:
        settings, add = self.settings, self.create_subscription
        add(PointCloud2, "~/input/landmarks", self._on_landmarks, qos.results(1000))
        estimate = PoseWithCovarianceStamped
        add(estimate, "~/input/estimate", self._on_estimate, qos.results(1000))
        add(POSE_TYPES[settings.pose_type], "~/input/pose", self._on_truth, qos.stream(1000))
        add(POSE_TYPES[settings.prior_type], "~/input/prior", self._on_prior, qos.stream(1000))
        add(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.results(100))
        if settings.pictures:
            topic = "~/input/image/compressed"
            add(CompressedImage, topic, self._on_picture, qos.stream(10))

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
        try:
            pose = pose_of(message)
        except ValueError as error:
            self._no_estimate[stamp_of(message.header)] = f"not usable: {error}"
            return
        self._estimates[pose.stamp_ns] = pose

    def _on_truth(self, message: Any) -> None:
        self._truth.add_message(message)

    def _on_prior(self, message: Any) -> None:
        self._prior.add_message(message)

    def _on_picture(self, message: CompressedImage) -> None:
        self._images[stamp_of(message.header)] = memoryview(message.data).tobytes()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self._reports[status.name] = {item.key: item.value for item in status.values}

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

    def _detector_report(self) -> dict[str, str]:
        return self._reports.get(self.settings.detector, {})

    def finish(self) -> None:
        """Score everything and write the results.

        Raises:
            InputError: The results cannot be written, or the manifest is not one.
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
            sent = sent_stamps(manifest)
            for reason, count in outcomes(sent, set(self._seen), self._detector_report()).items():
                if reason != "processed":
                    collected.skip(reason, count)
            drive_s = (max(sent) - min(sent)) * 1e-9 if sent else 0.0
            collected.span(drive_s, float(manifest["wall_s"]))
        metrics = collected.write(settings.out)
        print(f"{settings.out}: F1 {metrics['f1']:.3f} over {metrics['frames']} frames")

    def _score(self, collected: Collector, stamp: int) -> None:
        known = self._mounting.find()
        if known is None:
            collected.skip(self._mounting.problem.partition(":")[0])
            return
        taken = stamp + self._offset_ns  # the localizer's pose is that of this moment too
        try:
            truth = self._truth.at(taken)
        except PoseError as error:
            collected.skip(f"pose:{error.reason}")
            return
        camera, mounting = known
        frame = blank_frame(stamp, camera, mounting, truth)
        labels = self._labeller.label(frame).labels
        labels = with_map_noise(labels, float(camera.matrix[0, 0]))
        size = camera.width, camera.height
        collected.add(labels, self._seen[stamp], size, image=self._images.get(stamp))
        try:
            prior = self._prior.at(taken) if len(self._prior) else None
        except PoseError:
            prior = None
        estimate = self._estimates.get(taken)
        if prior is not None or estimate is not None:
            reason = self._no_estimate.get(taken, "none from the localizer")
            collected.add_pose(estimate, truth, prior, reason)


def main() -> int:
    """Entry point of ``evaluator``."""
    return process.run(EvaluatorNode)


if __name__ == "__main__":
    sys.exit(main())
