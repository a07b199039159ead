"""The steps for each frame of a drive: detect, score, localize as the vehicle's node does."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError, PoseError
from dalearn_ros.evaluation.calibration import with_map_noise
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.matching import Matching
from dalearn_ros.evaluation.outputs import Outcome, Sink
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.inference.detector import Answer, LandmarkDetector
from dalearn_ros.inference.zoom import ZoomDetector, boxes_of
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Frame, Labels, Observations
from dalearn_ros.localization.drive_health import DriveHealth
from dalearn_ros.localization.window_images import CameraImage
from dalearn_ros.localization.window_localizer import WindowLocalizer

CAMERA = "camera"


class Detector(Protocol):
    """What sees landmarks in an image."""

    last_timing_ms: dict[str, float]

    @property
    def label_space(self) -> LabelSpace:
        """The classes it knows."""
        ...

    def detect(self, image_bgr: npt.NDArray[Any], stamp_ns: int = 0) -> Observations:
        """Observations in the pixels of the image (H, W, 3)."""
        ...


class DriveRun:
    """The steps for each frame of a drive.

    Args:
        collected: Gets what is found.
        labeller: Truth.
        detector: What is evaluated.
        options: Settings.
        prior: Poses that the localizer is given; None: nothing is localized.
        odometry: Poses odom_from_base; None: each image is localized by itself.
        sinks: Get what became of each image, in the order of the bag.
    """

    def __init__(
        self,
        collected: Collector,
        labeller: Labeller,
        detector: Detector,
        options: DriveOptions,
        prior: Trajectory | None,
        odometry: Trajectory | None,
        sinks: Sequence[Sink] = (),
    ) -> None:
        self.sinks = sinks
        self.collected, self.labeller, self.detector = collected, labeller, detector
        self.settings, self.offset_ns = options.localizer, options.time_offset_ns
        self.prior, self.odometry = prior, odometry
        self._localizer: tuple[Camera, WindowLocalizer] | None = None
        self._stamps: list[int] = []

    @property
    def drive_s(self) -> float:
        """From the first to the last evaluated frame."""
        return (max(self._stamps) - min(self._stamps)) * 1e-9 if self._stamps else 0.0

    def frame(self, frame: Frame, is_true: bool) -> None:
        """One frame; one that has no pose or that the detector refuses is not scored.

        Args:
            frame: With the pose that truth is projected from.
            is_true: Whether that is the true one, so that localization can be scored.
        """
        if frame.pose is None and not self.sinks:
            return  # the reader has counted it
        try:
            places = self._places(frame)
            image, stamp = frame.image, frame.stamp_ns
            answer, timing = timed(self.detector, image, stamp, places, frame.camera)
        except InputError:
            if frame.pose is not None:
                self.collected.skip("detector")
            return
        seen = answer.observations
        outcome = Outcome(frame, seen)
        if frame.pose is not None:
            stamps = [*self._stamps, frame.stamp_ns]
            self._stamps = [min(stamps), max(stamps)]
            truth, found = self._score(frame, answer, timing)
            pose = self._locate(frame, seen) if is_true and self.prior is not None else None
            outcome = Outcome(frame, seen, truth, found, pose)
        for sink in self.sinks:
            sink.add(outcome)

    def _score(
        self, frame: Frame, answer: Answer, timing: dict[str, float]
    ) -> tuple[Labels, Matching]:
        """Truth of a frame with a pose, and what was found of it."""
        truth = self.labeller.label(frame).labels
        sigma_m = self.settings.map_sigma_m
        found = self.collected.add(
            with_map_noise(truth, float(frame.camera.matrix[0, 0]), sigma_m),
            answer.observations,
            (frame.camera.width, frame.camera.height),
            timing_ms=timing,
            image=frame.encoded if frame.encoded is not None else frame.image,
            name=frame.name,
            attention=answer.attention,
        )
        return truth, found

    def _places(self, frame: Frame) -> npt.NDArray[np.float64] | None:
        """Where to look closer: the boxes of the map's landmarks as the prior pose sees them."""
        if not isinstance(self.detector, ZoomDetector) or self.prior is None:
            return None
        try:
            prior = self.prior.at(frame.stamp_ns + self.offset_ns)
        except PoseError:
            return None
        expected = self.labeller.label(dataclasses.replace(frame, pose=prior, depth_m=None))
        return boxes_of(expected.labels.outlines_px)

    def _locate(self, frame: Frame, seen: Observations) -> Pose | None:
        """The vehicle's pose from what was seen; None if there is none."""
        assert frame.pose is not None and self.prior is not None
        try:
            prior = self.prior.at(frame.stamp_ns + self.offset_ns)
        except PoseError as error:
            self.collected.add_pose(None, frame.pose, None, f"no prior: {error.reason}")
            return None
        localizer, driven = self._localizer_of(frame), self._driven(frame.stamp_ns)
        started = time.perf_counter()
        result = localizer.update([CameraImage(CAMERA, seen, driven)], prior)
        self.collected.clock.add({"localize": (time.perf_counter() - started) * 1e3})
        if self.collected.health is None:
            self.collected.health = DriveHealth(self.labeller.map)
        place = {CAMERA: (frame.camera, frame.base_from_camera)}
        self.collected.health.add({CAMERA: seen}, place, result, prior, driven)
        self.collected.add_pose(result.pose, frame.pose, prior, result.reason)
        return result.pose

    def _localizer_of(self, frame: Frame) -> WindowLocalizer:
        """That of the frame's calibration; with another one it starts anew."""
        if self._localizer is None or self._localizer[0] is not frame.camera:
            place = {CAMERA: (frame.camera, frame.base_from_camera)}
            space = self.labeller.label_space
            made = WindowLocalizer(self.labeller.map, place, self.settings, space)
            self._localizer = frame.camera, made
        return self._localizer[1]

    def _driven(self, stamp_ns: int) -> Transform | None:
        """Odometry at an image's time, if there is any."""
        if self.odometry is None:
            return None
        try:
            return self.odometry.at(stamp_ns + self.offset_ns).map_from_base
        except PoseError:
            return None


def timed(
    detector: Detector,
    image: npt.NDArray[np.uint8],
    stamp_ns: int,
    places: npt.NDArray[np.float64] | None = None,
    camera: Camera | None = None,
) -> tuple[Answer, dict[str, float]]:
    """What is seen in an image, and the milliseconds of each stage.

    With it comes the attention map of a model that has one, which costs a copy of some thousand
    cells; a detector that looks closer gives none.

    Args:
        detector: What sees.
        image: (H, W, 3) BGR.
        stamp_ns: Of the image.
        places: Where a detector that looks closer should do so; None: nowhere.
        camera: Of the image, for the distances of a model with depth; None: it is not known.
    """
    started = time.perf_counter()
    if isinstance(detector, ZoomDetector):
        answer = Answer(detector.detect(image, stamp_ns, places, camera), None)
    elif isinstance(detector, LandmarkDetector):
        answer = detector.answer(image, stamp_ns, camera, attention=True)
    else:
        answer = Answer(detector.detect(image, stamp_ns), None)
    timing = {**detector.last_timing_ms, "total": (time.perf_counter() - started) * 1e3}
    if "inference" in timing:
        timing.setdefault("session_run", timing["inference"])
    return answer, timing
