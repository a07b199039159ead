"""A drive or a dataset through the detector and the localizer, without ROS, scored on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from dalearn_ros.bags.pictures import OF_DEPTH, no_frame_error
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.core.errors import BagError, DatasetError, InputError, ModelError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.cameras import camera_of
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.calibration import labels_with_map_noise
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.detection import MATCH_PX
from dalearn_ros.evaluation.drive import Detector, DriveRun, timed
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.outputs import Sink, open_outputs
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.trajectory import Trajectory
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.zoom import ZoomDetector
from dalearn_ros.labels.project import Labeller
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps import load_map

TRUTH_TOPIC = "/ground_truth/pose"
PRIOR_TOPIC = "/localization/prior"
ODOMETRY_TOPIC = "/odometry"


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
    check_label_space(detector.label_space, labeller.label_space, (source or {}).get("model"))
    opened = BagReader(
        bag,
        base_frame=options.base_frame,
        map_frame=options.map_frame,
        time_offset_ns=options.time_offset_ns,
    )
    options.outputs.check()
    with opened as reader:
        truth_topic, is_true = _truth_topic(reader, options.truth_topic)
        prior = _prior(reader, options.prior_topic) if is_true else None
        if prior is None and isinstance(detector, ZoomDetector):
            hint = "Give --prior-topic, or leave --zoom away."
            expected = "prior poses to look closer by, beside true ones"
            raise BagError.at(bag, "", expected, ", ".join(sorted(reader.topics)), hint)
        odometry = None if prior is None else _odometry(reader, options.odometry_topic)
        told = {**(source or {}), "truth": truth_topic}
        if prior is not None:
            told["odometry"] = "none" if odometry is None else odometry.source
        collected = Collector(
            labeller.label_space,
            match_px=options.match_px,
            landmarks=landmarks,
            title=f"Evaluation of {reader.name}",
            source=told,
            drive=reader.name,
            condition=reader.condition,
        )
        collected.score_threshold = _threshold(detector)
        camera = reader.camera_topic(options.camera_topic)
        with _outputs(reader, camera, detector, options) as sinks:
            run = DriveRun(collected, labeller, detector, options, prior, odometry, sinks)
            frames = reader.frames(camera, truth_topic)
            started = time.perf_counter()
            for frame in track(frames, reader.count(camera), "evaluate"):
                run.frame(frame, is_true)
            collected.span(run.drive_s, time.perf_counter() - started)
            for reason, count in reader.skipped.items():
                if reason.startswith(OF_DEPTH):  # the frame itself was evaluated
                    collected.depth_skipped[reason] += count
                else:
                    collected.skip(reason, count)
            if not collected.detection.frames:  # then nothing is written
                raise no_frame_error(bag, collected.frames_skipped, reader.faults, truth_topic)
    return collected


def _outputs(
    reader: BagReader, camera: str, detector: Detector, options: DriveOptions
) -> AbstractContextManager[list[Sink]]:
    """What is written beside the figures, open."""
    seconds = reader.bag.duration_ns * 1e-9
    threshold = _threshold(detector)
    return open_outputs(
        options.outputs,
        reader.path,
        camera,
        detector.label_space,
        rate_hz=reader.count(camera) / seconds if seconds > 0.0 else 1.0,
        threshold=threshold if math.isfinite(threshold) else 0.0,
        map_frame=options.map_frame,
    )


def _threshold(detector: Detector) -> float:
    """The lowest score of its claims; NaN if it does not say."""
    if isinstance(detector, (LandmarkDetector, ZoomDetector)):
        return float(detector.metadata.decoding.score_threshold)
    return math.nan


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
    check_label_space(detector.label_space, dataset.label_space, (source or {}).get("model"))
    collected = Collector(
        dataset.label_space,
        match_px=match_px,
        title=f"Evaluation of {data.resolve().name}",
        source=source,
    )
    collected.score_threshold = _threshold(detector)
    for index in track(range(len(dataset)), len(dataset), "evaluate"):
        meta = dataset.meta(index)
        try:
            image = dataset.image(index)
        except DatasetError:
            collected.skip("image:unreadable")
            continue
        try:
            camera = _camera(detector, meta, (image.shape[1], image.shape[0]))
            stamp = int(meta.get("stamp_ns") or 0)
            answer, timing = timed(detector, image, stamp, camera=camera)
        except InputError:
            collected.skip("detector")
            continue
        collected.add(
            labels_with_map_noise(dataset, index),
            answer.observations,
            (image.shape[1], image.shape[0]),
            approximate=dataset.approximate(index),
            timing_ms=timing,
            image=dataset.image_path(index).read_bytes,
            name=Path(str(meta["file_name"])).stem,
            attention=answer.attention,
            drive=str(meta.get("drive") or ""),
            condition=str(meta.get("condition") or ""),
        )
    if not collected.detection.frames:
        raise DatasetError.at(data, "", "images that can be read", f"{len(dataset)} that cannot")
    return collected


def _camera(detector: Detector, meta: Mapping[str, Any], size: tuple[int, int]) -> Camera | None:
    """The calibration of an image, if the detector has depth to make of it and it can be used."""
    if not isinstance(detector, LandmarkDetector) or detector.metadata.depth is None:
        return None
    try:
        camera = camera_of(meta, str(meta["file_name"]))
    except DatasetError:
        return None
    return camera if (camera.width, camera.height) == size else None


def check_label_space(model: LabelSpace, data: LabelSpace, name: Path | str | None = None) -> None:
    """Raise ModelError if model and truth do not mean the same by a class id.

    Args:
        model: Of the model.
        data: Of the truth.
        name: Of the model's file, for the sentence.
    """
    if model.digest != data.digest:
        expected = "the classes " + ", ".join(data.names[1:])
        hint = "It was taught other classes than the map's: evaluate it with labels of its own."
        raise ModelError.at(name or "model", "", expected, ", ".join(model.names[1:]), hint)


def _truth_topic(reader: BagReader, topic: str | None) -> tuple[str, bool]:
    """The topic to project the map with, and whether it counts as the true pose."""
    if topic is not None:
        return reader.pose_topic(topic), True
    if reader.bag.counts.get(TRUTH_TOPIC):  # a topic may be recorded without a message
        return TRUTH_TOPIC, True
    return reader.pose_topic(), False


def _prior(reader: BagReader, topic: str | None) -> Trajectory | None:
    if topic is None and not reader.bag.counts.get(PRIOR_TOPIC):
        return None
    return reader.trajectory(topic or PRIOR_TOPIC)


def _odometry(reader: BagReader, topic: str | None) -> Trajectory | None:
    """The named odometry, or that of the usual topic if there is one that can be used."""
    if topic is not None:
        return reader.odometry(topic)
    try:
        return reader.odometry(ODOMETRY_TOPIC)
    except BagError:
        return None
