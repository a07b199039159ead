"""ROS node: images in, landmarks out (D17).

A fast callback puts each image into a box with a place for each camera; a worker takes the newest
of each, detects and publishes. What it cannot keep up with is overwritten and counted.
"""

from __future__ import annotations

import functools
import sys
import threading
from pathlib import Path
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.task import Future
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import LabelInfo

from dalearn_ros.core.errors import DalearnError
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.nodes import parameters, process, qos
from dalearn_ros.nodes.camera_names import check_cameras
from dalearn_ros.nodes.camera_stream import CameraStream
from dalearn_ros.nodes.detection_worker import DISABLED, DetectionWorker, arrived
from dalearn_ros.nodes.detector_model import (
    load_detector,
    load_into,
    model_path,
    overrides_of,
)
from dalearn_ros.nodes.detector_settings import CHANGEABLE, DetectorNodeSettings
from dalearn_ros.nodes.diagnostics import FrameCounters, Reporter
from dalearn_ros.nodes.landmark_messages import label_info_of

# Of one camera; of several they carry its name: ~/input/NAME/image, ~/output/NAME/landmarks.
IMAGE_TOPICS = {"raw": "~/input/image", "compressed": "~/input/image/compressed"}
INFO_TOPIC = "~/input/camera_info"


class LandmarkDetectorNode(process.CleanCalls, LifecycleNode):
    """Lifecycle node; its model is loaded on configure, its subscriptions live while active."""

    finished = False

    def __init__(self) -> None:
        super().__init__("landmark_detector")
        self.settings = parameters.declare(self, DetectorNodeSettings, CHANGEABLE)
        check_cameras(self.settings.cameras)
        names = self.settings.cameras
        journal = bool(self.settings.journal)
        self.counters = {name: FrameCounters(keep_journal=journal) for name in names}
        self.reporter = Reporter(self, self.counters, self._report)
        self.streams = [
            CameraStream(self, name, len(names) == 1, lambda: self.settings, self.reporter, counts)
            for name, counts in self.counters.items()
        ]
        self._detector: LandmarkDetector | None = None
        self._worker: DetectionWorker | None = None
        self._failure: DalearnError | None = None
        self._enabled = True
        parameters.follow(self, DetectorNodeSettings, lambda: self.settings, self._change)
        self.create_service(SetBool, "~/enable", self._on_enable)
        alone = MutuallyExclusiveCallbackGroup()  # images come while a model is loaded
        self.create_service(Trigger, "~/reload_model", self._on_reload, callback_group=alone)
        if self.settings.auto_activate:
            self._activate_now()

    # -- lifecycle ---------------------------------------------------------------------------
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, make the publishers."""
        try:
            self._take(load_detector(self.settings))
        except DalearnError as error:
            self._failure = error
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        self._classes = self.create_lifecycle_publisher(
            LabelInfo, "~/output/label_info", qos.latched()
        )
        for stream in self.streams:
            stream.open_outputs()
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to listen and to work."""
        result = super().on_activate(state)
        assert self._detector is not None
        self._tell_classes()
        self._worker = DetectionWorker(
            self.streams,
            self._detector,
            lambda: self.settings.max_age_ms,
            lambda: int(self.get_clock().now().nanoseconds),
            lambda text: self.get_logger().warning(text, throttle_duration_sec=5.0),
        )
        self._worker.start()
        topic = IMAGE_TOPICS[self.settings.image_transport]
        for stream in self.streams:
            stream.listen(topic, INFO_TOPIC, functools.partial(self._on_image, stream))
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop listening; what is in work is finished."""
        self._stop_working()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Forget the model."""
        for stream in self.streams:
            stream.close_outputs()
        self.destroy_lifecycle_publisher(self._classes)
        self._detector = None
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop working, from any state."""
        self._stop_working()
        return TransitionCallbackReturn.SUCCESS

    def finish(self) -> None:
        """Stop working, report once more, write the journals."""
        self._stop_working()
        self.reporter.publish()
        if not self.settings.journal:
            return
        path = Path(self.settings.journal)
        for name, counters in self.counters.items():
            several = len(self.counters) > 1
            counters.write_journal(path.with_stem(f"{path.stem}_{name}") if several else path)

    # -- work --------------------------------------------------------------------------------
    def _on_image(self, stream: CameraStream, message: Any) -> None:
        item = arrived(stream, message)
        stream.counters.received()
        if self._worker is None or not self._enabled:
            stream.counters.skipped(item.stamp_ns, DISABLED)
        else:
            self._worker.put(item)

    def _report(self) -> None:
        for stream in self.streams:
            stream.report()

    def _stop_working(self) -> None:
        for stream in self.streams:
            stream.stop_listening()
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _take(self, detector: LandmarkDetector) -> None:
        """Work with this model from the next image on."""
        self._detector = detector
        if self._worker is not None:
            self._worker.detector = detector
            self._tell_classes()
        info, depth, seen = detector.info, detector.metadata.depth, detector.metadata.attention
        for stream in self.streams:
            stream.deep, stream.attentive = depth is not None, seen is not None
        self.reporter.facts(
            {
                "model.depth": f"{depth.least_m:g} to {depth.greatest_m:g} m" if depth else "none",
                "model.attention": f"cells of {seen.stride} px" if seen else "none",
                "backend": info.runtime,
                "backend.version": info.version,
                "backend.device": info.device,
                "backend.precision": info.precision,
                "backend.engine": str(info.engine or ""),
            }
        )
        self.get_logger().info(f"model {model_path(self.settings)} with {info}")

    def _tell_classes(self) -> None:
        assert self._detector is not None
        space, decoding = self._detector.label_space, self._detector.metadata.decoding
        now = self.get_clock().now().nanoseconds
        self._classes.publish(label_info_of(space, decoding.score_threshold, now))

    # -- changes while it runs ---------------------------------------------------------------
    def _change(self, settings: DetectorNodeSettings) -> None:
        """Take changed parameters; a new ``model`` is loaded by ~/reload_model only."""
        if self._detector is not None and settings.score_threshold != self.settings.score_threshold:
            self._detector.override(overrides_of(settings))
            if self._worker is not None:
                self._tell_classes()
        self.settings = settings

    def _on_enable(self, request: Any, response: Any) -> Any:
        self._enabled = bool(request.data)
        self.reporter.problem("" if self._enabled else "disabled by ~/enable", "enable")
        response.success = True
        response.message = "images are used" if self._enabled else "images are counted as disabled"
        return response

    async def _on_reload(self, request: Any, response: Any) -> Any:
        """Load the file of the parameter ``model`` again, beside the work with the old one."""
        response.success = False
        if self._detector is None:
            response.message = "the node is not configured, so it has no model to exchange"
            return response
        done: Any = Future()
        settings = self.settings
        threading.Thread(target=load_into, args=(settings, done), daemon=True).start()
        new = await done
        if isinstance(new, DalearnError):
            response.message = f"the old model stays: {new}"
            self.get_logger().error(response.message)
        elif self._detector is None:
            response.message = "the node was cleaned up meanwhile"
        else:
            new.override(overrides_of(self.settings))  # it may have changed meanwhile
            self._take(new)
            response.success, response.message = True, f"{model_path(settings)}: {new.info}"
        return response

    def _activate_now(self) -> None:
        self.trigger_configure()
        if self._failure is not None:
            raise self._failure
        self.trigger_activate()


def main() -> int:
    """Entry point of ``landmark_detector``."""
    return process.run(LandmarkDetectorNode, transport="shared_memory")  # it may send depth images


if __name__ == "__main__":
    sys.exit(main())
