"""ROS node: images in, landmarks out (D17).

A fast callback puts each image into a box for one; a worker thread takes the newest, decodes it,
detects and publishes. What it cannot keep up with is overwritten and counted.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from vision_msgs.msg import Detection2DArray, LabelInfo

from dalearn_ros.bags.images import ImageFault
from dalearn_ros.core.errors import DalearnError, InputError
from dalearn_ros.core.resources import resource
from dalearn_ros.core.settings import field
from dalearn_ros.evaluation.drawing import draw_observations
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.camera_info import camera_from_info
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.nodes import parameters, process, qos
from dalearn_ros.nodes.diagnostics import FrameCounters, Reporter
from dalearn_ros.nodes.landmark_messages import cloud_of, detections_of, label_info_of
from dalearn_ros.nodes.mailbox import Mailbox
from dalearn_ros.nodes.messages import image_message, pixels_of, stamp_of

DEFAULT_MODEL = "models/landmarks-s.onnx"


@dataclass(frozen=True)
class DetectorNodeSettings:
    """Parameters of the node ``landmark_detector``."""

    model: str = field("", "ONNX file or run folder; empty takes the shipped model.")
    image_transport: str = field(
        "raw",
        "Listen to ~/input/image or to ~/input/image/compressed.",
        choices=("raw", "compressed"),
    )
    threads: int = field(0, "Threads of one inference; 0 takes all cores.", minimum=0, maximum=256)
    score_threshold: float = field(
        0.0, "Weakest score that is published; 0 takes the model's own.", minimum=0.0, maximum=1.0
    )
    rectified: bool = field(False, "The images are rectified (P, R); else raw (K, D).")
    journal: str = field("", "File for the fate of every image, written at the end; empty: none.")
    auto_activate: bool = field(True, "Configure and activate at start, without a manager.")


class LandmarkDetectorNode(process.CleanCalls, LifecycleNode):
    """Lifecycle node; its model is loaded on configure, its subscriptions live while active."""

    finished = False

    def __init__(self) -> None:
        super().__init__("landmark_detector")
        self.settings = parameters.declare(self, DetectorNodeSettings)
        self.counters = FrameCounters(keep_journal=bool(self.settings.journal))
        self.reporter = Reporter(self, self.counters)
        self._mailbox: Mailbox[tuple[float, Any]] = Mailbox()
        self._worker: threading.Thread | None = None
        self._camera: Camera | None = None
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._failure: DalearnError | None = None
        if self.settings.auto_activate:
            self._activate_now()

    # -- lifecycle ---------------------------------------------------------------------------
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, make the publishers."""
        settings = self.settings
        try:
            path = Path(settings.model) if settings.model else resource(DEFAULT_MODEL)
            least = settings.score_threshold
            overrides = {"score_threshold": least} if least > 0.0 else None
            self._detector = LandmarkDetector.load(path, settings.threads or None, overrides)
        except DalearnError as error:
            self._failure = error
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        make = self.create_lifecycle_publisher
        self._landmarks = make(PointCloud2, "~/output/landmarks", qos.results())
        self._detections = make(Detection2DArray, "~/output/detections", qos.results())
        self._classes = make(LabelInfo, "~/output/label_info", qos.latched())
        self._picture = make(Image, "~/debug/image", qos.results(1))
        self._outputs = [self._landmarks, self._detections, self._classes, self._picture]
        self.get_logger().info(f"model {path}")
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to listen and to work."""
        result = super().on_activate(state)
        space, decoding = self._detector.label_space, self._detector.metadata.decoding
        now = self.get_clock().now().nanoseconds
        self._classes.publish(label_info_of(space, decoding.score_threshold, now))
        self._mailbox = Mailbox()
        self._worker = threading.Thread(target=self._work, name="detect", daemon=True)
        self._worker.start()
        compressed = self.settings.image_transport == "compressed"
        kind = CompressedImage if compressed else Image
        topic = "~/input/image/compressed" if compressed else "~/input/image"
        self._inputs = [
            self.create_subscription(kind, topic, self._on_image, qos.newest()),
            self.create_subscription(
                CameraInfo, "~/input/camera_info", self._on_camera, qos.newest()
            ),
        ]
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop listening; what is in work is finished."""
        self._stop_working()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the model."""
        for publisher in self._outputs:
            self.destroy_lifecycle_publisher(publisher)
        self._outputs = []
        del self._detector
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working, from any state."""
        self._stop_working()
        return TransitionCallbackReturn.SUCCESS

    def finish(self) -> None:
        """Stop working, report once more, write the journal."""
        self._stop_working()
        self.reporter.publish()
        if self.settings.journal:
            self.counters.write_journal(Path(self.settings.journal))

    # -- work --------------------------------------------------------------------------------
    def _on_image(self, message: Image | CompressedImage) -> None:
        self.counters.received()
        lost = self._mailbox.put((time.perf_counter(), message))
        if lost is not None:
            self.counters.overwritten(stamp_of(lost[1].header))

    def _on_camera(self, message: CameraInfo) -> None:
        if self._camera is not None:
            return
        try:
            self._camera = camera_from_info(message, self.settings.rectified)
        except InputError as error:
            self.reporter.problem(str(error))

    def _work(self) -> None:
        while (item := self._mailbox.take()) is not None:
            arrived, message = item
            stamp = stamp_of(message.header)
            try:
                self._detect(message, stamp, arrived)
            except ImageFault as fault:
                self._skip(stamp, f"image:{fault.reason}", str(fault))
            except InputError as error:
                self._skip(stamp, "detector", str(error))
            except Exception as error:  # a bad frame never stops the node
                self._skip(stamp, type(error).__name__, str(error))

    def _detect(self, message: Image | CompressedImage, stamp: int, arrived: float) -> None:
        started = time.perf_counter()
        image = pixels_of(message)
        decoded = time.perf_counter()
        seen = self._detector.detect(image, stamp)
        detected = time.perf_counter()
        frame_id = message.header.frame_id
        self._landmarks.publish(cloud_of(seen, frame_id, self._camera))
        self._detections.publish(detections_of(seen, frame_id, self._camera))
        published = time.perf_counter()
        if self._picture.get_subscription_count():
            drawn = draw_observations(image, seen, self._detector.label_space)
            self._picture.publish(image_message(drawn, stamp, frame_id))
        stages = {
            "wait": started - arrived,
            "image_decode": decoded - started,
            "publish": published - detected,
            "total": published - arrived,
        }
        latency = {stage: 1e3 * seconds for stage, seconds in stages.items()}
        self.counters.processed(stamp, {**self._detector.last_timing_ms, **latency})

    def _skip(self, stamp: int, reason: str, text: str) -> None:
        self.counters.skipped(stamp, reason)
        self.get_logger().warning(
            f"image {stamp} skipped ({reason}): {text}", throttle_duration_sec=5.0
        )

    def _stop_working(self) -> None:
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs = []
        left = self._mailbox.close()
        if left is not None:
            self.counters.skipped(stamp_of(left[1].header), "stopped")
        if self._worker is not None:
            self._worker.join()
            self._worker = None

    def _activate_now(self) -> None:
        self.trigger_configure()
        if self._failure is not None:
            raise self._failure
        self.trigger_activate()


def main() -> int:
    """Entry point of ``landmark_detector``."""
    return process.run(LandmarkDetectorNode, transport="default")


if __name__ == "__main__":
    sys.exit(main())
