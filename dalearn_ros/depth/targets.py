"""Unlabelled images with their cameras: datasets, and bags whose images are extracted once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dalearn_ros.bags.calibration import calibration_at
from dalearn_ros.bags.images import ImageFault
from dalearn_ros.bags.pictures import picture_of, with_depth
from dalearn_ros.bags.poses import stamp_ns
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.topics import COMPRESSED
from dalearn_ros.core.errors import BagError, DatasetError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels

LEFT_OUT = "left_out"  # of a dataset's source: reason → how many images of the bag
_FILES = (".mcap", ".db3")
_FILE_STARTS = (b"\xff\xd8", b"\x89PNG")  # what a dataset keeps byte for byte


def open_targets(
    paths: Sequence[Path],
    folder: Path,
    label_space: LabelSpace,
    topic: str | None = None,
    rectified: bool | None = None,
) -> list[Dataset]:
    """Open unlabelled images.

    Args:
        paths: Datasets (labels are not looked at) or bags with camera_info.
        folder: Gets a dataset without labels for each bag; one that is there is taken.
        label_space: Named in those datasets.
        topic: Images of a bag; None: its only camera.
        rectified: As for :class:`BagReader`.

    Raises:
        BagError: No images, or no calibration for them.
        DatasetError: Neither a dataset nor a bag: the camera of its images is not known.
    """
    found = []
    for path in paths:
        if (path / "dataset.json").is_file():
            found.append(Dataset.open(path))
        elif (path / "metadata.yaml").is_file() or path.suffix in _FILES:
            found.append(_of_bag(path, folder, label_space, topic, rectified))
        else:
            expected = "a dataset or a bag, whose camera is known"
            hint = "Distances need the calibration of the camera that took the images."
            raise DatasetError.at(path, "", expected, "something else", hint)
    return found


def left_behind(targets: Sequence[Dataset]) -> set[str]:
    """Sentences about the images of bags that could not be used."""
    return {
        f"{data.source['bag']}: {count} {reason}"
        for data in targets
        for reason, count in data.source.get(LEFT_OUT, {}).items()
    }


def _of_bag(
    path: Path, folder: Path, space: LabelSpace, topic: str | None, rectified: bool | None
) -> Dataset:
    with BagReader(path, rectified=rectified) as reader:
        chosen = reader.camera_topic(topic)
        calibrations = reader.calibrations(chosen)
        bag = reader.bag
        facts = [bag.start_ns, bag.duration_ns, sorted(bag.counts.items()), chosen, rectified]
        own = (
            folder / f"{reader.name}_{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]}"
        )
        if (own / "dataset.json").is_file():
            return Dataset.open(own)
        source = {"kind": "bag without labels", "bag": str(path.resolve()), "camera_topic": chosen}
        seen: set[int] = set()
        with DatasetWriter(own, space, source) as writer:
            messages = with_depth(bag, chosen, "", reader.skipped)
            for message, _ in track(messages, reader.count(chosen), "extract"):
                when = stamp_ns(message.header)
                camera = calibration_at(calibrations, when).camera
                try:
                    compressed = reader.topics[chosen] == COMPRESSED
                    image, encoded = picture_of(message, compressed, camera, False)
                except ImageFault as fault:
                    reader.skipped[f"image:{fault.reason}"] += 1
                    continue
                if when in seen:
                    reader.skipped["image:duplicate"] += 1
                    continue
                seen.add(when)
                file = encoded is not None and encoded.startswith(_FILE_STARTS)
                given: Any = encoded if file else image
                writer.add(given, Labels.empty(), _meta(when, reader.name, camera))
            reasons = ", ".join(f"{n} {why}" for why, n in reader.skipped.items())
            if not len(writer):
                raise BagError.at(path, chosen, "images", reasons or "none")
            if len(writer) == 1 and reader.skipped["image:duplicate"]:
                hint = "Its driver seems not to write header.stamp."
                raise BagError.at(path, chosen, "images with stamps of their own", reasons, hint)
            writer.source[LEFT_OUT] = dict(reader.skipped)
    return Dataset.open(own)


def _meta(when: int, drive: str, camera: Any) -> dict[str, Any]:
    return {
        "name": f"{drive}_{when:019d}",
        "width": camera.width,
        "height": camera.height,
        "stamp_ns": when,
        "drive": drive,
        "camera": {
            "matrix": camera.matrix,
            "distortion": camera.distortion,
            "model": camera.model,
            "name": camera.name,
        },
    }
