"""Images with their index images, out of datasets, bags with a map, and plain folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.reader import BagReader
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.area_mapping import AreaMapping
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.hard_examples.index_images import read_areas_png
from dalearn_ros.labels.area_frames import index_frame, indexer_of
from dalearn_ros.labels.area_settings import AREAS
from dalearn_ros.labels.heights import grounded, level
from dalearn_ros.labels.project import Labeller
from dalearn_ros.maps import load_map

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One image.

    Attributes:
        name: What to call it.
        image: (H, W, 3) uint8 BGR.
        index: (H, W) uint8, places in ``areas``; None: nothing but the whole image is known.
        areas: Names of the areas.
    """

    name: str
    image: Image
    index: Image | None
    areas: tuple[str, ...] = AREAS


def evenly(count: int, frames: int | None) -> set[int]:
    """At most so many row numbers of ``count``, evenly spread; None: all."""
    if frames is None or frames >= count:
        return set(range(count))
    return {int(row) for row in np.linspace(0, count - 1, frames).round()}


def of_dataset(path: Path, frames: int | None, left_out: Counter[str]) -> Iterator[Picture]:
    """Images of a dataset with the index images beside them.

    Args:
        path: The dataset.
        frames: At most so many, evenly spread; None: all.
        left_out: Gets the reasons of images that cannot be read.

    Raises:
        DatasetError: No dataset, or an index image that does not fit its image.
    """
    dataset = Dataset.open(path)
    sidecar = dataset.areas
    for row in sorted(evenly(len(dataset), frames)):
        try:
            image = dataset.image(row)
        except DatasetError:
            left_out["unreadable"] += 1
            continue
        index = sidecar.read(dataset.image_path(row), image.shape)
        yield Picture(dataset.image_path(row).stem, image, index, sidecar.names)


def of_folder(
    path: Path,
    frames: int | None,
    left_out: Counter[str],
    areas: Path | None = None,
    mapping: AreaMapping | None = None,
) -> Iterator[Picture]:
    """Images of a folder (or one image file) with PNG files of their names in another.

    Args:
        path: Folder of images.
        frames: At most so many, evenly spread; None: all.
        left_out: Gets the reasons of images that cannot be read.
        areas: Folder of index images or segmentations; images without one count as a whole only.
        mapping: For segmentations.

    Raises:
        DatasetError: No image, or an index image that does not fit its image.
    """
    images = ImageList.open([path])
    left_out.update({reason: len(names) for reason, names in images.left_out.items()})
    names = AREAS if mapping is None else mapping.names
    for row in sorted(evenly(len(images), frames)):
        try:
            image = images.image(row)
        except DatasetError:
            left_out["undecodable"] += 1
            continue
        name = images.path(row).stem
        file = None if areas is None else areas / f"{name}.png"
        known = file is not None and file.is_file()
        index = read_areas_png(file, image.shape, mapping) if known and file else None
        yield Picture(name, image, index, names)


def of_bag(
    bag: Path,
    map_path: Path,
    frames: int | None,
    left_out: Counter[str],
    pose_topic: str | None = None,
    camera_topic: str | None = None,
) -> Iterator[Picture]:
    """Frames of a bag with index images from the map, and from depth images where it has some.

    Args:
        bag: The bag.
        map_path: Its map.
        frames: At most so many, evenly spread; None: all.
        left_out: Gets the reasons of frames without a pose or with a broken image.
        pose_topic: As for ``dalearn label``.
        camera_topic: None: the only camera.

    Raises:
        BagError: No such bag, camera or pose.
        MapError: No such map.
    """
    landmarks = load_map(map_path)
    with BagReader(bag) as reader:
        poses, topic = reader.pose_topic(pose_topic), reader.camera_topic(camera_topic)
        trajectory = reader.trajectory(poses)
        landmarks, flat = grounded(landmarks, trajectory, "trajectory")
        labeller, indexer = Labeller(landmarks), indexer_of(map_path, trajectory.positions)
        chosen = evenly(reader.count(topic), frames)
        for number, frame in enumerate(reader.frames(topic, poses)):
            if number not in chosen or frame.pose is None:
                continue
            placed = level(frame) if flat else frame
            labels = labeller.label(placed).labels
            index = index_frame(indexer, placed, labels)
            yield Picture(f"{reader.name}_{frame.name}", frame.image, index)
        left_out.update(reader.skipped)
