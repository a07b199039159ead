"""Label a drive: bag + map become a dataset with an audit (D2 to D5)."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import cv2

from dalearn_ros.bags.images import ImageFault, decode_compressed
from dalearn_ros.bags.poses import choose_pose_topic
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.core.errors import BagError
from dalearn_ros.core.files import refuse_existing, write_json
from dalearn_ros.core.progress import track
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.datasets.split import tile_of
from dalearn_ros.datasets.store import DatasetWriter
from dalearn_ros.labels.audit import Audit, audit_page
from dalearn_ros.labels.overlay import draw_labels
from dalearn_ros.labels.project import FrameLabels, Labeller, LabelSettings
from dalearn_ros.landmarks.types import Frame
from dalearn_ros.maps import load_map

PICTURES = 8


def label_bag(
    bag: Path,
    map_path: Path,
    out: Path,
    pose_topic: str | None = None,
    camera_topic: str | None = None,
    settings: LabelSettings | None = None,
) -> dict[str, Any]:
    """Label every frame of a drive that has a usable pose.

    JPEG images are stored byte for byte. A frame without a usable pose or with a broken image is
    left out and counted by reason.

    Args:
        bag: The bag.
        map_path: The map, in the frame of the poses.
        out: The new dataset.
        pose_topic: Poses to use; None picks as :func:`choose_pose_topic` says.
        camera_topic: Images to use; None takes the only camera.
        settings: What counts as a label.

    Returns:
        The audit's summary, which also stands in ``OUT/audit.json``.

    Raises:
        InputError: Bag, map or output are not what they should be, or no frame could be labelled.
    """
    refuse_existing(out)
    settings = settings or LabelSettings()
    landmarks = load_map(map_path)
    labeller = Labeller(landmarks, settings)
    audit = Audit(labeller.label_space)
    with BagReader(bag) as reader:
        poses = choose_pose_topic(reader.bag, pose_topic)
        camera = reader.camera_topic(camera_topic)
        source = {
            "kind": "bag and map", "bag": str(bag), "map": str(map_path), "pose_topic": poses,
            "camera_topic": camera, "settings": dump_settings(settings),
        }  # fmt: skip
        best = _Gallery(PICTURES, reader.count(camera))
        with DatasetWriter(out, labeller.label_space, source) as writer:
            frames = reader.frames(camera, poses, decode=False)
            for frame in track(frames, reader.count(camera), "label"):
                if frame.pose is None:
                    continue
                result = labeller.label(frame)
                writer.add(_image(frame), result.labels, meta_of(frame, reader.name))
                audit.add(result)
                best.offer(audit.frames, frame, result)
            audit.frames_skipped.update(reader.skipped)
            if not len(writer):
                reasons = ", ".join(f"{v} {k}" for k, v in reader.skipped.items()) or "no image"
                hint = "Do the poses cover the images' time?"
                raise BagError.at(bag, "", "frames with an image and a pose", reasons, hint)
            summary = audit.summary(len(landmarks))
            pictures = best.write(writer.folder / "audit", labeller)
            write_json(writer.folder / "audit.json", summary)
            page = audit_page(summary, pictures, f"Labels of {reader.name}")
            (writer.folder / "audit.html").write_text(page, encoding="utf-8")
    return summary


def meta_of(frame: Frame, drive: str) -> dict[str, Any]:
    """What the dataset keeps about a frame: size, stamp, drive, tile, camera and its place."""
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
    }


def _image(frame: Frame) -> Any:
    jpeg = frame.encoded is not None and frame.encoded[:2] == b"\xff\xd8"
    png = frame.encoded is not None and frame.encoded[:4] == b"\x89PNG"
    return frame.encoded if jpeg or png else frame.image


class _Gallery:
    """Keeps, for each of some equal stretches of the drive, the frame with the most labels."""

    def __init__(self, count: int, frames: int) -> None:
        self.stretch = max(1, -(-frames // count))
        self.kept: dict[int, tuple[int, Frame, FrameLabels]] = {}

    def offer(self, number: int, frame: Frame, result: FrameLabels) -> None:
        place, good = number // self.stretch, int((~result.labels.ignore).sum())
        if place not in self.kept or good > self.kept[place][0]:
            self.kept[place] = (good, dataclasses.replace(frame, depth_m=None), result)

    def write(self, folder: Path, labeller: Labeller) -> list[str]:
        """Draw the pictures; their paths relative to the dataset."""
        folder.mkdir()
        names = []
        for place, (_, frame, result) in sorted(self.kept.items()):
            try:
                image = frame.image if frame.encoded is None else decode_compressed(frame.encoded)
            except ImageFault:
                continue
            picture = draw_labels(image, result.labels, labeller.label_space)
            name = f"{place:02d}_{frame.name}.jpg"
            _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
            (folder / name).write_bytes(encoded.tobytes())  # imwrite is silent about a full disk
            names.append(f"{folder.name}/{name}")
        return names
