"""One camera of the detector node: its topics, calibration, tracks and counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from vision_msgs.msg import Detection2DArray

from dalearn_ros.core.errors import InputError
from dalearn_ros.evaluation.drawing import draw_observations
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.camera_info import camera_from_info
from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.inference.depth import DepthMap
from dalearn_ros.inference.preprocess import as_channels
from dalearn_ros.inference.tracking import NONE, Tracker
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes import qos
from dalearn_ros.nodes.detector_settings import DetectorNodeSettings
from dalearn_ros.nodes.diagnostics import FrameCounters, Reporter
from dalearn_ros.nodes.image_output import ImageOutput
from dalearn_ros.nodes.image_watch import ImageWatch
from dalearn_ros.nodes.landmark_messages import cloud_of, detections_of
from dalearn_ros.nodes.messages import image_message, stamp_of

Pixels = npt.NDArray[np.uint8]
DEPTH_TOPIC, ATTENTION_TOPIC = "~/output/depth", "~/debug/attention"
NO_DEPTH = (
    "nothing is published, because the model has no depth; teach it with 'dalearn distill' and "
    "write it with 'dalearn export --depth'"
)
NO_ATTENTION = (
    "nothing is published, because the model has no attention branch; 'dalearn retrain-attention' "
    "gives a detector one, and 'dalearn export' writes it"
)
NO_CAMERA = (
    "left out, because no usable camera_info has come; the landmarks' distances are those of the "
    "distance head until then"
)


class CameraStream:
    """Listens to one camera and publishes what was seen in its images.

    Args:
        node: Owner of publishers and subscriptions.
        name: Of the camera.
        alone: It is the only one, so its topics do not carry its name.
        settings: Gives the settings that hold.
        reporter: For sentences about bad input.
        counters: Of this camera.
    """

    def __init__(
        self,
        node: LifecycleNode,
        name: str,
        alone: bool,
        settings: Callable[[], DetectorNodeSettings],
        reporter: Reporter,
        counters: FrameCounters,
    ) -> None:
        self.name, self.counters = name, counters
        self._node, self._settings, self._reporter = node, settings, reporter
        self._part = "" if alone else f"{name}/"
        self.camera: Camera | None = None
        self._calibration: object = None
        self.deep = False  # whether the model has depth
        self.attentive = False  # whether it has an attention branch
        self._depth: ImageOutput | None = None
        self._attention: ImageOutput | None = None
        self._said: dict[str, str] = {}
        self.tracker = Tracker(settings().tracking)
        self.watch = ImageWatch()
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    # -- topics ------------------------------------------------------------------------------
    def topic(self, name: str) -> str:
        """The name of a topic, with that of the camera where there are several.

        ``~/input/image`` becomes ``~/input/NAME/image``.
        """
        start, kind, rest = name.split("/", 2)
        return f"{start}/{kind}/{self._part}{rest}"

    def open_outputs(self) -> None:
        """Make the publishers."""
        make = self._node.create_lifecycle_publisher
        self._landmarks = make(PointCloud2, self.topic("~/output/landmarks"), qos.results())
        self._detections = make(Detection2DArray, self.topic("~/output/detections"), qos.results())
        self._picture = make(Image, self.topic("~/debug/image"), qos.results(1))
        self._depth = ImageOutput(self._node, self.topic(DEPTH_TOPIC), "32FC1")
        self._attention = ImageOutput(self._node, self.topic(ATTENTION_TOPIC), "mono8")
        images = [self._picture, self._depth.publisher, self._attention.publisher]
        self._outputs = [self._landmarks, self._detections, *images]

    def close_outputs(self) -> None:
        """Destroy the publishers."""
        for publisher in self._outputs:
            self._node.destroy_lifecycle_publisher(publisher)
        self._outputs, self._depth, self._attention = [], None, None

    def listen(self, image_topic: str, info_topic: str, on_image: Callable[[Any], None]) -> None:
        """Subscribe to images and calibration.

        Args:
            image_topic: As of a camera that is alone.
            info_topic: The same.
            on_image: Called with each message.
        """
        kind = CompressedImage if image_topic.endswith("compressed") else Image
        subscribe = self._node.create_subscription
        self._inputs = [
            subscribe(kind, self.topic(image_topic), on_image, qos.newest()),
            subscribe(CameraInfo, self.topic(info_topic), self.on_camera_info, qos.newest()),
        ]

    def stop_listening(self) -> None:
        """Destroy the subscriptions."""
        for subscription in self._inputs:
            self._node.destroy_subscription(subscription)
        self._inputs = []

    # -- work --------------------------------------------------------------------------------
    def on_camera_info(self, message: CameraInfo) -> None:
        """Take the calibration; it is read again only when it changes."""
        content = _calibration_of(message)
        if content == self._calibration:
            return
        self._calibration, self.camera, problem = content, None, ""
        try:
            self.camera = camera_from_info(message, self._settings().rectified)
        except InputError as error:
            problem = str(error)
        self._reporter.problem(problem, "calibration", self.name)

    def number(self, seen: Observations, size: tuple[int, int], frame_id: str) -> Observations:
        """Observations with the numbers of their tracks, as far as the settings want them."""
        settings = self._settings()
        if not settings.track:
            self.tracker.reset()
            return seen
        numbered = self.tracker.update(seen, (size, frame_id))
        if settings.confirmed_only:
            return numbered.select(numbered.track_id != NONE)
        return numbered

    def publish(
        self, seen: Observations, size: tuple[int, int], frame_id: str, known: Camera | None
    ) -> None:
        """Publish what was seen in an image.

        Args:
            seen: In its pixels.
            size: Width and height of the image.
            frame_id: Of its header.
            known: What camera_info said when it was looked at; None: none had come.
        """
        camera = known if self.watch.look(seen.stamp_ns, size, known) else None
        self._landmarks.publish(cloud_of(seen, frame_id, camera))
        if self._detections.get_subscription_count():
            self._detections.publish(detections_of(seen, frame_id, camera))

    def publish_depth(self, depth: DepthMap, size: tuple[int, int], item: Any) -> None:
        """Publish the depth of an image, if anybody wants it.

        Args:
            depth: Of the image.
            size: Its width and height.
            item: Its message.
        """
        if self._depth is not None:
            header = item.header
            stamp, frame = stamp_of(header), str(header.frame_id)
            self._depth.publish(lambda place: depth.image(size, place), size, stamp, frame)

    @property
    def wants_attention(self) -> bool:
        """Whether the model has an attention map and somebody subscribes to it."""
        return self.attentive and self._attention is not None and self._attention.wanted

    def publish_attention(self, attention: AttentionMap, item: Any) -> None:
        """Publish the attention map of an image, if anybody wants it.

        Args:
            attention: Of the image.
            item: Its message.
        """
        if self._attention is not None:
            header = item.header
            stamp, frame = stamp_of(header), str(header.frame_id)
            self._attention.publish(attention.image, attention.size, stamp, frame)

    def show(self, image: Pixels, seen: Observations, space: LabelSpace, frame_id: str) -> None:
        """Publish the image with what was seen, if anybody looks at it.

        Args:
            image: (H, W, 3) BGR or (H, W, 1) grey, uint8.
            seen: In its pixels.
            space: Names of the classes.
            frame_id: Of its header.
        """
        if not self._picture.get_subscription_count():
            return
        drawn = draw_observations(as_channels(image, 3), seen, space)
        self._picture.publish(image_message(drawn, seen.stamp_ns, frame_id))

    def report(self) -> None:
        """Hand what is odd about the images to the reporter."""
        for matter, text in self.watch.sentences().items():
            self._reporter.problem(text, matter, self.name)
        self._tell("depth", self._missing_depth())
        self._tell("attention", self._missing_attention())
        odd = {f"noticed.{matter}": str(n) for matter, n in sorted(self.watch.counts.items())}
        self._reporter.facts(odd, "images", self.name)

    def _missing_depth(self) -> str:
        """Why there is no depth; empty if there is, or nobody asks."""
        if self.deep and self.camera is None and self.counters.counts()["received"]:
            return f"{self.topic(DEPTH_TOPIC)}: {NO_CAMERA}"
        if not self.deep and self._depth is not None and self._depth.wanted:
            return f"{self.topic(DEPTH_TOPIC)}: {NO_DEPTH}"
        return ""

    def _missing_attention(self) -> str:
        """Why there is no attention map though somebody subscribes; else empty."""
        if not self.attentive and self._attention is not None and self._attention.wanted:
            return f"{self.topic(ATTENTION_TOPIC)}: {NO_ATTENTION}"
        return ""

    def _tell(self, matter: str, text: str) -> None:
        """Say what is missing: in the status as long as it is so, in the log once."""
        self._reporter.problem(text, matter, self.name)
        if text and text != self._said.get(matter):
            self._said[matter] = text
            self._node.get_logger().warning(text)


def _calibration_of(message: CameraInfo) -> tuple[object, ...]:
    """All of a camera_info but its stamp, for comparing."""
    roi = message.roi
    return (
        *(message.header.frame_id, message.width, message.height, message.distortion_model),
        *(memoryview(part).tobytes() for part in (message.d, message.k, message.r, message.p)),
        *(message.binning_x, message.binning_y),
        *(roi.x_offset, roi.y_offset, roi.width, roi.height),
    )
