"""Label a drive: bag + map become a dataset with an audit (D2 to D5)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.clouds import CloudReader, choose_cloud_topic, cloud_topics
from dalearn_ros.bags.pictures import no_frame_error
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.storage import Bag
from dalearn_ros.core.errors import BagError
from dalearn_ros.core.files import refuse_existing, write_json
from dalearn_ros.core.progress import track
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.datasets.split import tile_of
from dalearn_ros.datasets.store import DatasetWriter
from dalearn_ros.labels.area_frames import index_frame, indexer_of
from dalearn_ros.labels.audit import Audit, audit_page
from dalearn_ros.labels.comparison import compare_cameras, write_rows
from dalearn_ros.labels.distances import DistanceFinder, road_of
from dalearn_ros.labels.gallery import Gallery
from dalearn_ros.labels.heights import grounded, level
from dalearn_ros.labels.project import FrameLabels, Labeller
from dalearn_ros.labels.residuals import PairCollector
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.landmarks.types import Distances, Frame, Observations
from dalearn_ros.maps import load_map
from dalearn_ros.maps.load import map_digest

PICTURES = 8
Detect = Callable[[npt.NDArray[np.uint8], int], Observations]


@dataclass(frozen=True)
class Extras:
    """What else may go into the labels of a drive and their audit.

    Attributes:
        cloud_topic: LiDAR clouds that hide what lies behind them; None takes the only cloud of the
            bag, ``none`` none.
        ground: Ground model of a map without heights: ``trajectory`` or ``plane``.
        detect: BGR image and stamp → observations, to audit the labels against; None: no audit.
        model: Name of that detector, kept in ``dataset.json``.
        time_offset_ns: How much later than their stamps the images were taken.
        rectified: As for :class:`BagReader`.
        readout_s: The same: how long a rolling shutter reads an image, seconds.
        map_frame: The same: name of the map's frame in the bag.
        base_frame: The same: name of the vehicle's frame.
        areas: Write an index image of every frame too (see :mod:`labels.areas`).
        distances: True distances to keep with each image: ``none``, ``map`` (landmarks and the
            driven road) or ``all`` (LiDAR and depth images, too).
    """

    cloud_topic: str | None = None
    ground: str = "trajectory"
    detect: Detect | None = None
    model: str = ""
    time_offset_ns: int = 0
    rectified: bool | None = None
    readout_s: float = 0.0
    map_frame: str = "map"
    base_frame: str = "base_link"
    areas: bool = False
    distances: str = "none"


def label_bag(
    bag: Path,
    map_path: Path,
    out: Path,
    pose_topic: str | None = None,
    camera_topic: str | Sequence[str] | None = None,
    settings: LabelSettings | None = None,
    extras: Extras = Extras(),
) -> dict[str, Any]:
    """Label every frame of a drive that has a usable pose.

    JPEG images are stored byte for byte. A frame without a usable pose or with a broken image is
    left out and counted by reason.

    Args:
        bag: The bag.
        map_path: The map, in the frame of the poses.
        out: The new dataset.
        pose_topic: Poses to use; None picks as :meth:`BagReader.pose_topic` says.
        camera_topic: Images to use, one topic or several; None takes the only camera. With
            several, the audit compares each camera with the detector by itself.
        settings: What counts as a label.
        extras: LiDAR, ground model, and a detector to audit the labels against.

    Returns:
        The audit's summary, which also stands in ``OUT/audit.json``.

    Raises:
        InputError: Bag, map or output are not what they should be, no frame could be labelled, or
            none sees a landmark.
    """
    refuse_existing(out)
    settings = settings or LabelSettings()
    landmarks = load_map(map_path)
    opened = BagReader(
        bag,
        base_frame=extras.base_frame,
        map_frame=extras.map_frame,
        time_offset_ns=extras.time_offset_ns,
        rectified=extras.rectified,
        readout_s=extras.readout_s,
    )
    with opened as reader, contextlib.ExitStack() as stack:
        poses = reader.pose_topic(pose_topic)
        named = [camera_topic] if camera_topic is None or isinstance(camera_topic, str) else None
        topics = [reader.camera_topic(name) for name in named or dict.fromkeys(camera_topic or ())]
        count = sum(map(reader.count, topics))
        names = _camera_names(reader, topics)
        clouds = {name: _clouds(reader, poses, extras.cloud_topic, stack) for name in names}
        flat = landmarks.report.flat
        if flat:
            landmarks, flat = grounded(landmarks, reader.trajectory(poses), extras.ground)
        labeller = Labeller(landmarks, settings)
        audit = Audit(labeller.label_space, notes=[*landmarks.report.notes])
        if extras.detect is not None:
            audit.against = {name: PairCollector() for name in names}
        finder = None
        if extras.distances != "none":
            road = road_of(reader.trajectory(poses), flat)
            finder = DistanceFinder(labeller, road, extras.distances == "all")
        run = _Run(labeller, audit, clouds, flat, extras.detect, finder)
        indexer = None
        if extras.areas:
            driven = reader.trajectory(poses).positions
            indexer = indexer_of(map_path, driven, labeller.label_space)
        source = {
            "kind": "bag and map", "bag": str(bag.resolve()), "map": str(map_path.resolve()),
            "map_sha256": map_digest(map_path),
            "pose_topic": poses, "camera_topic": ",".join(topics),
            "map_frame": extras.map_frame, "base_frame": extras.base_frame,
            "time_offset_s": extras.time_offset_ns * 1e-9, "readout_s": extras.readout_s,
            "settings": dump_settings(settings), "audit_model": extras.model,
        }  # fmt: skip
        best = Gallery(PICTURES, count)
        with DatasetWriter(out, labeller.label_space, source) as writer:
            decode = extras.detect is not None or extras.areas
            frames = reader.frames_of(topics, poses, decode=decode)
            for frame in track(frames, count, "label"):
                if frame.pose is None:
                    continue
                result, distances = run.label(frame)
                index = None
                if indexer is not None:
                    index = index_frame(indexer, level(frame) if flat else frame, result.labels)
                meta = meta_of(frame, reader.name, reader.condition)
                writer.add(_image(frame), result.labels, meta, areas=index, distances=distances)
                best.offer(audit.frames, frame, result)
            audit.frames_skipped.update(reader.skipped)
            if not len(writer):
                raise no_frame_error(bag, reader.skipped, reader.faults, poses)
            summary = run.summary(reader.bag)
            if not summary["labels"] and not summary["labels_ignored"]:
                expected = f"landmarks of {map_path} in view"
                hint = f"Ask 'dalearn doctor --bag {bag} --map {map_path}' why."
                raise BagError.at(bag, "", expected, "none in any frame", hint)
            pictures = best.write(writer.folder / "audit", labeller)
            if run.rows:
                write_rows(writer.folder / "audit" / "landmarks.csv", run.rows)
            write_json(writer.folder / "audit.json", summary)
            page = audit_page(summary, pictures, f"Labels of {reader.name}")
            (writer.folder / "audit.html").write_text(page, encoding="utf-8")
    return summary


class _Run:
    """The steps for each frame, and what the audit says at the end."""

    def __init__(
        self,
        labeller: Labeller,
        audit: Audit,
        clouds: Mapping[str, CloudReader | None],
        flat: bool,
        detect: Detect | None,
        finder: DistanceFinder | None,
    ) -> None:
        self.labeller, self.audit, self.clouds = labeller, audit, clouds
        self.flat, self.detect, self.finder = flat, detect, finder
        self.rows: list[dict[str, str | int | float]] = []

    def label(self, frame: Frame) -> tuple[FrameLabels, Distances | None]:
        placed = level(frame) if self.flat else frame
        clouds = self.clouds[frame.camera.name]
        # Clouds are cut out with the true pose; in the optical frame both are the same.
        cloud = None if clouds is None else clouds.at(frame)
        result = self.labeller.label(placed, cloud)
        self.audit.add(result)
        if self.detect is not None:
            seen = self.detect(frame.image, frame.stamp_ns)
            self.audit.against[frame.camera.name].add(placed, result.labels, seen)
        if self.finder is None:
            return result, None
        return result, self.finder.of(placed, result.labels, cloud)

    def summary(self, bag: Bag) -> dict[str, Any]:
        for clouds in self.clouds.values():
            self.audit.clouds.update({} if clouds is None else clouds.counts)
        if not any(self.clouds.values()) and len(cloud_topics(bag)) > 1:
            self.audit.notes.append(
                "The bag has several point clouds; none was used. --cloud-topic names one."
            )
        summary = self.audit.summary(len(self.labeller.map))
        if self.finder is not None:
            summary["distances"] = dict(sorted(self.finder.counts.items()))
        if self.audit.against:
            found, self.rows = compare_cameras(self.audit.against, self.audit.label_space)
            summary["against_detections"] = found
        return summary


def _camera_names(reader: BagReader, topics: Sequence[str]) -> list[str]:
    """Name of each topic's camera: that of its optical frame.

    Raises:
        BagError: Two of them have one name: their frames and residuals could not be told apart.
    """
    names = [reader.camera(topic).name for topic in topics]
    for i, name in enumerate(names):
        if name in names[:i]:
            same = f"both {topics[names.index(name)]} and {topics[i]} are of frame '{name}'"
            hint = "Is it one camera twice? Name each once, or label them in two runs."
            raise BagError.at(reader.path, "", "cameras with different frame_ids", same, hint)
    return names


def _clouds(
    reader: BagReader, poses: str, topic: str | None, stack: contextlib.ExitStack
) -> CloudReader | None:
    """The clouds to hide landmarks with, closed with the stack; None if there are none."""
    chosen = None if topic == "none" else choose_cloud_topic(reader.bag, topic)
    if chosen is None:
        return None
    trajectory, transforms = reader.trajectory(poses), reader.transforms()
    return stack.enter_context(
        CloudReader(reader.path, chosen, trajectory, transforms, reader.base_frame)
    )


def meta_of(frame: Frame, drive: str, condition: str = "") -> dict[str, Any]:
    """What the dataset keeps about a frame: size, stamp, drive, tile, camera and its place.

    The condition (weather and light) is kept where it is known.
    """
    assert frame.pose is not None
    camera = frame.camera
    map_from_camera = frame.pose.map_from_base @ frame.base_from_camera
    return {
        "name": f"{drive}_{frame.name}",
        "width": camera.width,
        "height": camera.height,
        "stamp_ns": frame.stamp_ns,
        "drive": drive,
        "tile": tile_of(frame.pose.map_from_base.translation),
        "camera": {
            "matrix": camera.matrix,
            "distortion": camera.distortion,
            "model": camera.model,
            "name": camera.name,
        },
        "map_from_camera": map_from_camera.matrix,
        **({"condition": condition} if condition else {}),
    }


def _image(frame: Frame) -> Any:
    jpeg = frame.encoded is not None and frame.encoded[:2] == b"\xff\xd8"
    png = frame.encoded is not None and frame.encoded[:4] == b"\x89PNG"
    return frame.encoded if jpeg or png else frame.image
