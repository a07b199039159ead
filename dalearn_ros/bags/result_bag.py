"""The output of a replay as a bag: the drive's messages as they were, and the results with them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dalearn_ros.bags.message_parts import POSE_WITH_COVARIANCE
from dalearn_ros.bags.poses import POSE_KINDS, TF
from dalearn_ros.bags.result_messages import (
    ANNOTATIONS,
    DETECTIONS,
    LABEL_INFO,
    LANDMARKS,
    ResultMessages,
)
from dalearn_ros.bags.stamps import header_stamp
from dalearn_ros.bags.storage import Bag, RawMessage
from dalearn_ros.bags.topics import CAMERA_INFO
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.files import atomic_directory
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Frame, Labels, Observations

LANDMARKS_TOPIC = "/landmark_detector/output/landmarks"
DETECTIONS_TOPIC = "/landmark_detector/output/detections"
LABEL_INFO_TOPIC = "/landmark_detector/output/label_info"
ANNOTATIONS_TOPIC = "/landmark_detector/debug/annotations"
POSE_TOPIC = "/landmark_localizer/output/pose_with_covariance"
OURS = (LANDMARKS_TOPIC, DETECTIONS_TOPIC, LABEL_INFO_TOPIC, ANNOTATIONS_TOPIC, POSE_TOPIC)


@contextlib.contextmanager
def result_bag(
    source: Path,
    camera_topic: str,
    out: Path,
    space: LabelSpace,
    threshold: float,
    map_frame: str = "map",
) -> Iterator[ResultBag]:
    """A new bag with the images of one camera, calibrations, poses, TF and what was found.

    Images, calibrations, poses and TF are copied byte by byte. Each result stands behind its image,
    at the time at which that was received. The same bag and results give the same bytes.

    Args:
        source: The bag that is replayed; it is opened a second time.
        camera_topic: Of the images.
        out: The new bag's folder; whole or absent.
        space: Names of the classes.
        threshold: Score below which the detector says nothing.
        map_frame: Frame of the poses.

    Raises:
        InputError: ``out`` exists already or cannot be written.
    """
    with Bag(source) as bag, atomic_directory(out) as folder:
        inner = folder / out.name  # files of a bag carry its name
        with BagWriter(inner) as writer:
            results = ResultBag(bag, camera_topic, writer, space, map_frame)
            results.begin(threshold)
            yield results
            results.finish()
        for file in list(inner.iterdir()):
            file.rename(folder / file.name)
        inner.rmdir()


class ResultBag:
    """Writes results between the messages of the drive; memory does not grow with it.

    Args:
        bag: The drive.
        camera_topic: Of its images.
        writer: Of the new bag, open.
        space: Names of the classes.
        map_frame: Frame of the poses.
    """

    def __init__(
        self, bag: Bag, camera_topic: str, writer: BagWriter, space: LabelSpace, map_frame: str
    ) -> None:
        self._writer, self._space, self._camera = writer, space, camera_topic
        self._map_frame = map_frame
        self._messages = ResultMessages()
        self._start_ns = bag.start_ns
        kept = (CAMERA_INFO, TF, *POSE_KINDS)
        copied = [topic for topic in bag.topics_of(*kept) if topic not in OURS]
        self._source = bag.raw([camera_topic, *copied])

    def begin(self, threshold: float) -> None:
        """Say what the class numbers mean."""
        info = self._messages.label_info(self._space, threshold, self._start_ns)
        self._put(LABEL_INFO_TOPIC, LABEL_INFO, self._start_ns, info, latched=True)

    def add(
        self, frame: Frame, found: Observations, truth: Labels | None, pose: Pose | None
    ) -> None:
        """Write the results of an image; images must come in the order of the bag.

        Args:
            frame: The image.
            found: What was seen in it.
            truth: What should have been seen; None: it is not known.
            pose: Of the vehicle, as the localizer has it; None: it has none.
        """
        log_ns = self._copy_to(frame.stamp_ns)
        make, name = self._messages, frame.camera.name
        cloud = make.landmarks(found, name, frame.camera)
        self._put(LANDMARKS_TOPIC, LANDMARKS, log_ns, cloud)
        boxes = make.detections(found, name, frame.camera)
        self._put(DETECTIONS_TOPIC, DETECTIONS, log_ns, boxes)
        drawn = make.annotations(found, truth, self._space)
        self._put(ANNOTATIONS_TOPIC, ANNOTATIONS, log_ns, drawn)
        if pose is not None:
            placed = make.pose_with_covariance_stamped(pose, self._map_frame)
            self._put(POSE_TOPIC, POSE_WITH_COVARIANCE, log_ns, placed)

    def finish(self) -> None:
        """Copy what comes after the last image."""
        for message in self._source:
            self._copy(message)

    def _copy_to(self, stamp_ns: int) -> int:
        """Copy up to the image of a stamp; when it was received, nanoseconds."""
        for message in self._source:
            self._copy(message)
            stamp = header_stamp(message.cdr, message.kind, message.log_ns)
            if message.topic == self._camera and stamp == stamp_ns:
                return message.log_ns
        return stamp_ns

    def _copy(self, message: RawMessage) -> None:
        latched = message.topic.endswith("tf_static")
        self._writer.write_raw(message.topic, message.kind, message.log_ns, message.cdr, latched)

    def _put(self, topic: str, kind: str, log_ns: int, message: Any, latched: bool = False) -> None:
        cdr = self._messages.typestore.serialize_cdr(message, kind)
        self._writer.write_raw(topic, kind, log_ns, cdr, latched)
