"""A drive or a dataset through the detector and the localizer, without ROS, scored on the way."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.pictures import no_frame_error
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.core.errors import BagError, DatasetError, InputError, ModelError, PoseError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.calibration import labels_with_map_noise, with_map_noise
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.detection import MATCH_PX
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.inference.zoom import ZoomDetector, boxes_of
from dalearn_ros.labels.project import Labeller
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Frame, Observations
from dalearn_ros.localization.localizer import Localizer
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.maps import load_map

TRUTH_TOPIC = "/ground_truth/pose"
PRIOR_TOPIC = "/localization/prior"


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


@dataclass(frozen=True)
class DriveOptions:
    """What to take from a bag.

    Attributes:
        truth_topic: True poses. None takes ``/ground_truth/pose``; a bag without it is labelled
            with the pose that ``label`` would take, and localization is not scored.
        prior_topic: Poses that the localizer is given; None takes ``/localization/prior``.
        camera_topic: Images; None takes the only camera.
        match_px: Tolerance of the main figures, pixels.
        time_offset_ns: How much later than their stamps the images were taken.
        labels: What counts as truth.
        localizer: How observations become a pose.
        map_frame: Name of the map's frame in the bag.
        base_frame: Name of the vehicle's frame in the bag.
    """

    truth_topic: str | None = None
    prior_topic: str | None = None
    camera_topic: str | None = None
    match_px: float = MATCH_PX
    time_offset_ns: int = 0
    labels: LabelSettings = LabelSettings()  # noqa: RUF009  it is frozen
    localizer: LocalizerSettings = LocalizerSettings()  # noqa: RUF009  it is frozen
    map_frame: str = "map"
    base_frame: str = "base_link"


def evaluate_bag(
    bag: Path,
    map_path: Path,
    detector: Detector,
    options: DriveOptions | None = None,
    source: Mapping[str, Any] | None = None,
) -> Collector:
    """Replay a drive: detect, localize, score; a bad frame is skipped and counted.

    Args:
        bag: The bag.
        map_path: Its map; truth is the map projected with the true pose.
        detector: What is evaluated.
        options: Topics and settings.
        source: Shown in the report.

    Returns:
        All that was gathered, ready to be written.

    Raises:
        InputError: Bag or map are not what they should be, or no frame could be evaluated.
    """
    options = options or DriveOptions()
    landmarks = load_map(map_path)
    labeller = Labeller(landmarks, options.labels)
    check_label_space(detector.label_space, labeller.label_space)
    opened = BagReader(
        bag,
        base_frame=options.base_frame,
        map_frame=options.map_frame,
        time_offset_ns=options.time_offset_ns,
    )
    with opened as reader:
        truth_topic, is_true = _truth_topic(reader, options.truth_topic)
        prior = _prior(reader, options.prior_topic) if is_true else None
        if prior is None and isinstance(detector, ZoomDetector):
            hint = "Give --prior-topic, or leave --zoom away."
            expected = "prior poses to look closer by, beside true ones"
            raise BagError.at(bag, "", expected, ", ".join(sorted(reader.topics)), hint)
        collected = Collector(
            labeller.label_space,
            match_px=options.match_px,
            landmarks=landmarks,
            title=f"Evaluation of {reader.name}",
            source={**(source or {}), "truth": truth_topic},
        )
        camera = reader.camera_topic(options.camera_topic)
        run = _Drive(collected, labeller, detector, options, prior)
        frames = reader.frames(camera, truth_topic)
        started = time.perf_counter()
        for frame in track(frames, reader.count(camera), "evaluate"):
            run.frame(frame, is_true)
        collected.span(run.drive_s, time.perf_counter() - started)
        for reason, count in reader.skipped.items():
            collected.skip(reason, count)
    if not collected.detection.frames:
        raise no_frame_error(bag, collected.frames_skipped, reader.faults, truth_topic)
    return collected


def evaluate_dataset(
    data: Path,
    detector: Detector,
    match_px: float = MATCH_PX,
    source: Mapping[str, Any] | None = None,
) -> Collector:
    """Score the detector on every image of a dataset; localization stays unknown.

    Raises:
        InputError: There is no dataset, its classes differ from the model's, or no image of it can
            be read.
    """
    dataset = Dataset.open(data)
    check_label_space(detector.label_space, dataset.label_space)
    collected = Collector(
        dataset.label_space,
        match_px=match_px,
        title=f"Evaluation of {data.resolve().name}",
        source=source,
    )
    for index in track(range(len(dataset)), len(dataset), "evaluate"):
        meta = dataset.meta(index)
        try:
            image = dataset.image(index)
        except DatasetError:
            collected.skip("image:unreadable")
            continue
        seen, timing = _detect(detector, image, int(meta.get("stamp_ns") or 0))
        collected.add(
            labels_with_map_noise(dataset, index),
            seen,
            (image.shape[1], image.shape[0]),
            approximate=dataset.approximate(index),
            timing_ms=timing,
            image=dataset.image_path(index).read_bytes,
            name=Path(str(meta["file_name"])).stem,
        )
    if not collected.detection.frames:
        raise DatasetError.at(data, "", "images that can be read", f"{len(dataset)} that cannot")
    return collected


def check_label_space(model: LabelSpace, data: LabelSpace) -> None:
    """Raise ModelError if model and truth do not mean the same by a class id."""
    if model.digest != data.digest:
        expected = "the classes " + ", ".join(data.names[1:])
        raise ModelError.at("model", "", expected, ", ".join(model.names[1:]))


class _Drive:
    """The steps for each frame of a drive."""

    def __init__(
        self,
        collected: Collector,
        labeller: Labeller,
        detector: Detector,
        options: DriveOptions,
        prior: Trajectory | None,
    ) -> None:
        self.collected, self.labeller, self.detector = collected, labeller, detector
        self.settings, self.offset_ns = options.localizer, options.time_offset_ns
        self.prior = prior
        self.localizer: Localizer | None = None
        self._stamps: list[int] = []

    @property
    def drive_s(self) -> float:
        """From the first to the last evaluated frame."""
        return (self._stamps[-1] - self._stamps[0]) * 1e-9 if self._stamps else 0.0

    def frame(self, frame: Frame, is_true: bool) -> None:
        if frame.pose is None:
            return  # the reader has counted it
        try:
            places = self._places(frame)
            seen, timing = _detect(self.detector, frame.image, frame.stamp_ns, places)
        except InputError:
            self.collected.skip("detector")
            return
        self._stamps = [*self._stamps[:1], frame.stamp_ns]
        truth = self.labeller.label(frame).labels
        sigma_m = self.settings.map_sigma_m
        self.collected.add(
            with_map_noise(truth, float(frame.camera.matrix[0, 0]), sigma_m),
            seen,
            (frame.camera.width, frame.camera.height),
            timing_ms=timing,
            image=frame.encoded if frame.encoded is not None else frame.image,
            name=frame.name,
        )
        if is_true and self.prior is not None:
            self._locate(frame, seen)

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

    def _locate(self, frame: Frame, seen: Observations) -> None:
        assert frame.pose is not None and self.prior is not None
        try:
            prior = self.prior.at(frame.stamp_ns + self.offset_ns)
        except PoseError as error:
            self.collected.add_pose(None, frame.pose, None, f"no prior: {error.reason}")
            return
        if self.localizer is None or self.localizer.camera is not frame.camera:
            self.localizer = Localizer(
                self.labeller.map, frame.camera, frame.base_from_camera, self.settings,
                self.labeller.label_space,
            )  # fmt: skip
        started = time.perf_counter()
        result = self.localizer.update(seen, prior)
        self.collected.clock.add({"localize": (time.perf_counter() - started) * 1e3})
        self.collected.add_pose(result.pose, frame.pose, prior, result.reason)


def _detect(
    detector: Detector,
    image: npt.NDArray[np.uint8],
    stamp_ns: int,
    places: npt.NDArray[np.float64] | None = None,
) -> tuple[Observations, dict[str, float]]:
    started = time.perf_counter()
    if isinstance(detector, ZoomDetector):
        seen = detector.detect(image, stamp_ns, places)
    else:
        seen = detector.detect(image, stamp_ns)
    timing = {**detector.last_timing_ms, "total": (time.perf_counter() - started) * 1e3}
    if "inference" in timing:
        timing.setdefault("session_run", timing["inference"])
    return seen, timing


def _truth_topic(reader: BagReader, topic: str | None) -> tuple[str, bool]:
    """The topic to project the map with, and whether it counts as the true pose."""
    if topic is not None:
        return reader.pose_topic(topic), True
    if TRUTH_TOPIC in reader.topics:
        return TRUTH_TOPIC, True
    return reader.pose_topic(), False


def _prior(reader: BagReader, topic: str | None) -> Trajectory | None:
    if topic is None and PRIOR_TOPIC not in reader.topics:
        return None
    return reader.trajectory(topic or PRIOR_TOPIC)
