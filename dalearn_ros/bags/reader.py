"""Frames out of a rosbag2: image, calibration, mounting, pose and depth, matched by stamp."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from dalearn_ros.bags.calibration import Calibration, calibration_at, read_calibrations
from dalearn_ros.bags.images import ImageFault
from dalearn_ros.bags.mounting import fixed_mounting
from dalearn_ros.bags.pictures import fit_depth, picture_of, with_depth
from dalearn_ros.bags.placing import placed
from dalearn_ros.bags.poses import (
    choose_pose_topic,
    read_odometry,
    read_trajectory,
    read_transforms,
    stamp_ns,
)
from dalearn_ros.bags.storage import Bag
from dalearn_ros.bags.topics import COMPRESSED, choose_camera_topic, find_depth_topics
from dalearn_ros.core.closing import Closing
from dalearn_ros.core.errors import BagError, PoseError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.camera_info import is_rectified
from dalearn_ros.geometry.tf_buffer import TransformBuffer
from dalearn_ros.geometry.trajectory import MAX_GAP_NS, Trajectory
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.types import Frame


class BagReader(Closing):
    """Reads frames from a bag folder or a single ``.mcap``/``.db3`` file; a context manager.

    Args:
        path: The bag.
        base_frame: Frame of the vehicle (REP 105).
        max_gap_ns: Poses further apart are not interpolated between (D5).
        time_offset_ns: How much later than their stamps the images were taken: poses are looked up
            at stamp + offset, the frames keep their stamps.
        rectified: Whether the images are rectified (P) or raw (K, D); None: rectified where their
            topic is named ``image_rect*``.
        readout_s: Rolling shutter: seconds from the first row that is read to the last, negative
            where that is the bottom row; the stamp is the time of the first. 0: global shutter.
        map_frame: Frame of the map, in which poses are wanted.

    Attributes:
        skipped: Reason → number of frames left out or without a pose by the last :meth:`frames`
            (``image:truncated``, ``image:duplicate``, ``pose:gap``, ...).
        faults: Reason → what was wrong with the first image that was left out for it.

    Raises:
        BagError: No such bag, truncated, or empty.
    """

    def __init__(
        self,
        path: Path | str,
        base_frame: str = "base_link",
        max_gap_ns: int = MAX_GAP_NS,
        time_offset_ns: int = 0,
        rectified: bool | None = None,
        readout_s: float = 0.0,
        map_frame: str = "map",
    ) -> None:
        self.bag = Bag(path)
        self.path = self.bag.path
        self.base_frame = base_frame
        self.max_gap_ns = max_gap_ns
        self.time_offset_ns = time_offset_ns
        self.rectified = rectified
        self.readout_s = readout_s
        self.map_frame = map_frame
        self.skipped: Counter[str] = Counter()
        self.faults: dict[str, str] = {}
        self._calibrations: dict[str, list[Calibration]] = {}

    def close(self) -> None:
        """Close the files."""
        self.bag.close()

    @property
    def topics(self) -> dict[str, str]:
        """Topic → message type."""
        return self.bag.topics

    @property
    def name(self) -> str:
        """The drive's name: that of the bag's folder, or of the folder that holds ``bag``."""
        path = self.path.resolve()
        return path.parent.name if path.name == "bag" else path.stem

    @property
    def condition(self) -> str:
        """Weather and light that the bag's metadata names (``condition``); empty if none."""
        return self.bag.custom.get("condition", "")

    def transforms(self) -> TransformBuffer:
        """``/tf`` and ``/tf_static`` of the whole bag."""
        return read_transforms(self.bag, self.max_gap_ns)

    def pose_topic(self, topic: str | None = None) -> str:
        """The topic to take poses from, as :func:`choose_pose_topic` picks it.

        Raises:
            BagError: No such topic, or no clear choice.
        """
        return choose_pose_topic(self.bag, topic, self.map_frame)

    def trajectory(self, topic: str | None = None) -> Trajectory:
        """Poses of the vehicle in the map, from a topic or that of :meth:`pose_topic`.

        Raises:
            BagError: No such topic, no poses, no clear choice, or frames that TF does not join.
        """
        frames = self.map_frame, self.base_frame
        return read_trajectory(self.bag, self.pose_topic(topic), self.max_gap_ns, *frames)

    def odometry(self, topic: str) -> Trajectory:
        """Poses of the vehicle in the odometry's own frame.

        Raises:
            BagError: No odometry on that topic.
        """
        return read_odometry(self.bag, topic, self.max_gap_ns, self.base_frame)

    def camera_topic(self, topic: str | None = None) -> str:
        """The image topic to read: the named one, else the only colour camera's.

        Where a camera comes raw and compressed, the compressed one is taken.

        Raises:
            BagError: None, several, or not an image topic.
        """
        return choose_camera_topic(self.bag, topic)

    def depth_topics(self) -> list[str]:
        """Image topics that hold depth, by the encoding of their first message."""
        return find_depth_topics(self.bag)

    def camera(self, camera_topic: str | None = None) -> Camera:
        """The first calibration of a camera, from the CameraInfo of its name or the only one.

        Raises:
            BagError: The bag has no CameraInfo for it, or it is not calibrated.
        """
        return self.calibrations(self.camera_topic(camera_topic))[0].camera

    def calibrations(self, camera_topic: str) -> list[Calibration]:
        """All that a camera has over the drive, by time; mostly one.

        Raises:
            BagError: The bag has no CameraInfo for it, or it is not calibrated.
        """
        if camera_topic not in self._calibrations:
            named = is_rectified(camera_topic)
            rectified = named if self.rectified is None else self.rectified
            self._calibrations[camera_topic] = read_calibrations(self.bag, camera_topic, rectified)
        return self._calibrations[camera_topic]

    def base_from_camera(self, camera_frame: str) -> Transform:
        """Mounting of the camera's optical frame, from ``/tf_static``, or ``/tf`` if it is fixed.

        Raises:
            BagError: The transform tree lacks one of the frames (it is named), or the camera moves.
        """
        try:
            return fixed_mounting(self.transforms(), self.base_frame, camera_frame)
        except PoseError as error:
            expected = f"the mounting {self.base_frame} <- {camera_frame} on /tf_static"
            raise BagError.at(self.path, "", expected, str(error).rstrip(".")) from None

    def frames(
        self,
        camera_topic: str | None = None,
        pose_topic: str | None = None,
        *,
        decode: bool = True,
        depth: bool = True,
    ) -> Iterator[Frame]:
        """Frames in the order of the bag; a bad image is skipped and counted in ``skipped``.

        Each has the calibration that was the latest at its stamp.

        Args:
            camera_topic: Images to read; None takes the only camera.
            pose_topic: Poses to interpolate at each stamp; None attaches none. A frame at whose
                stamp there is no usable pose comes with ``pose=None`` and is counted (D5).
            decode: Decode the images. If False, a frame whose ``encoded`` is a whole JPEG of the
                camera's size has a black ``image`` that takes no memory.
            depth: Attach the depth image of the same stamp where the bag has one.

        Yields:
            Frames; ``name`` is the stamp in nanoseconds.

        Raises:
            BagError: No camera, no calibration, no mounting, or a damaged file.
        """
        self.skipped = Counter()
        topic = self.camera_topic(camera_topic)
        calibrations = self.calibrations(topic)
        base_from_optical = self.base_from_camera(calibrations[0].camera.name)
        poses = None if pose_topic is None else self.trajectory(pose_topic)
        compressed = self.topics[topic] == COMPRESSED
        depth_topics = self.depth_topics() if depth else []
        depth_topic = depth_topics[0] if len(depth_topics) == 1 else ""
        seen: set[int] = set()
        for message, depth_m in with_depth(self.bag, topic, depth_topic, self.skipped):
            when = stamp_ns(message.header)
            if when in seen:  # a frame is known by its stamp
                self.skipped["image:duplicate"] += 1
                continue
            calibration = calibration_at(calibrations, when)
            camera = calibration.camera
            try:
                image, encoded = picture_of(message, compressed, camera, decode)
            except ImageFault as fault:
                self.skipped[f"image:{fault.reason}"] += 1
                self.faults.setdefault(f"image:{fault.reason}", str(fault))
                continue
            seen.add(when)
            if depth_m is not None:
                depth_m = fit_depth(depth_m, camera.width, camera.height)
                if depth_m is None:
                    self.skipped["depth:size"] += 1
            mounting = base_from_optical @ calibration.optical_from_camera
            frame = Frame(image, when, camera, mounting, None, depth_m, f"{when:019d}", encoded)
            if poses is not None:
                try:
                    frame = placed(frame, poses, self.time_offset_ns, self.readout_s)
                except PoseError as error:
                    self.skipped[f"pose:{error.reason}"] += 1
            yield frame

    def frames_of(
        self,
        camera_topics: Sequence[str],
        pose_topic: str | None = None,
        *,
        decode: bool = True,
        depth: bool = True,
    ) -> Iterator[Frame]:
        """Frames of several cameras, one camera after the other, each as :meth:`frames` gives them.

        With more than one camera, each frame's ``name`` ends with that of its camera; ``skipped``
        counts those of all.
        """
        skipped: Counter[str] = Counter()
        for topic in camera_topics:
            for frame in self.frames(topic, pose_topic, decode=decode, depth=depth):
                if len(camera_topics) > 1:
                    label = frame.camera.name.replace("/", "_")
                    frame = dataclasses.replace(frame, name=f"{frame.name}_{label}")
                yield frame
            skipped.update(self.skipped)
        self.skipped = skipped

    def count(self, camera_topic: str | None = None) -> int:
        """Number of images on the camera's topic."""
        return self.bag.counts[self.camera_topic(camera_topic)]
