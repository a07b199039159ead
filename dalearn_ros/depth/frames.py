"""Images with their cameras, and where in them the distance is known."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.rounds import Rounds
from dalearn_ros.datasets.cameras import camera_of
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.settings import DistillSettings, TruthSettings
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.landmarks.types import DISTANCE_KINDS, Distances, Labels
from dalearn_ros.training.image_cache import ImageCache, free_bytes

_TRIES = 10
_NEW = "Label the drive again with `dalearn label --distances all`."


@dataclass(frozen=True)
class CameraImage:
    """One image.

    Attributes:
        image: (H, W, C) uint8 as received.
        camera: Its camera.
        name: For people.
        index: Its number in its dataset.
        labels: Landmarks; none where truth is not asked for.
        known: Known distances; none where truth is not asked for.
    """

    image: npt.NDArray[np.uint8]
    camera: Camera
    name: str
    index: int
    labels: Labels
    known: Distances


def known_distances(dataset: Dataset, index: int, settings: TruthSettings) -> Distances:
    """The distances of an image that are to be learnt from or judged by; may be none.

    Raises:
        DatasetError: Their file is damaged.
    """
    found = dataset.distances(index)
    if found is None:
        return Distances.empty()
    wanted = [DISTANCE_KINDS.index(kind) for kind in settings.kinds]
    good = np.isin(found.kind, wanted)
    good &= (found.depth_m >= settings.least_m) & (found.depth_m <= settings.greatest_m)
    return found.select(good)


def check_cameras(data: Sequence[Dataset]) -> None:
    """Raise DatasetError if the first image of a dataset has no calibration."""
    for dataset in data:
        if len(dataset):
            camera_of(dataset.meta(0), f"{dataset.path}, image 0")


def check_validation(data: Sequence[Dataset], settings: DistillSettings) -> None:
    """See that there is something to judge by, if anything is to be judged on.

    Raises:
        DatasetError: No calibration, or no image has a known distance of any kind in the range.
    """
    if data:
        check_cameras(data)
        check_distances(data, dataclasses.replace(settings.truth, kinds=DISTANCE_KINDS))


def check_distances(data: Sequence[Dataset], settings: TruthSettings) -> None:
    """See that there is something to learn from.

    Raises:
        DatasetError: No image of all the datasets has a known distance of the kinds that are asked.
    """
    for dataset in data:
        for index in range(len(dataset)):
            try:
                if len(known_distances(dataset, index, settings)):
                    return
            except DatasetError:  # damaged; learning passes it over and counts it
                continue
    found = "none in any image"
    expected = f"known distances ({', '.join(settings.kinds)})"
    named = ", ".join(str(dataset.path) for dataset in data) or "--data"
    raise DatasetError.at(named, "", expected, found, _NEW)


def draw_places(
    known: Distances, count: int, draw: str, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Rows of places.

    ``even``: all alike. ``balanced``: each kind as often; within a kind, places are grouped by half
    octaves of their distance, and a group is drawn with the root of its size: rare distances more
    often than they occur, and not as often as common ones, so that what cannot be told is guessed
    at about the distance that is usual.

    Args:
        known: Of one image, at least one.
        count: How many; a place may come twice.
        draw: As in :class:`TruthSettings`.
        random: Source of randomness.

    Returns:
        (count,) rows.
    """
    if draw == "even":
        return random.integers(0, len(known), count)
    near = np.floor(np.log2(known.depth_m) * 2.0).astype(np.int64) + 100
    group = known.kind.astype(np.int64) * 1000 + near
    groups, member, sizes = np.unique(group, return_inverse=True, return_counts=True)
    of_kind = np.bincount(groups // 1000, np.sqrt(sizes), minlength=len(DISTANCE_KINDS))
    weight = 1.0 / (np.sqrt(sizes[member.ravel()]) * of_kind[known.kind])
    return random.choice(len(known), count, p=weight / weight.sum())


class Frames:
    """Draws images of datasets: every image once per round, in a random order.

    Args:
        data: The datasets; each image needs a camera.
        seed: Of the order.
        stream: Its name among the streams of random numbers.
        cache_mb: Memory for decoded images; None: a quarter of what is free.
        truth: Which known distances to read; None: neither these nor labels are looked at.

    Raises:
        DatasetError: There is no image, or the first has no calibration.
    """

    def __init__(
        self,
        data: Sequence[Dataset],
        seed: int,
        stream: str,
        cache_mb: int | None = None,
        truth: TruthSettings | None = None,
    ) -> None:
        self.data, self.truth = data, truth
        self.rows = [(d, i) for d in range(len(data)) for i in range(len(data[d]))]
        if not self.rows:
            raise DatasetError("--data: there is no image to learn from.")
        check_cameras(data)
        sizes = [_bytes(data[d].meta(i)) for d, i in self.rows]
        limit = free_bytes() // 4 if cache_mb is None else cache_mb * 1_000_000
        self._cache = ImageCache(sizes, limit)
        self._cameras: dict[str, Camera] = {}
        self._order = Rounds(np.arange(len(self.rows)), seed, stream)

    def draw(self, number: int, skipped: list[str]) -> CameraImage:
        """The image of a number, counted from 0 without end.

        Args:
            number: Which.
            skipped: Gets the names of images that cannot be used; the next one takes their place.

        Raises:
            DatasetError: Ten in a row cannot be used.
        """
        last = ""
        for attempt in range(_TRIES):
            try:
                return self.get(self._order[number + attempt])
            except DatasetError as error:
                last = str(error)
                logging.getLogger(__name__).warning("skipped: %s", error)
                skipped.append(last)
        raise DatasetError(f"{_TRIES} images in a row cannot be used, the last: {last}")

    def get(self, row: int) -> CameraImage:
        """The image of a row of all datasets.

        Raises:
            DatasetError: It or its truth cannot be read, it has no calibration, or not its camera's
                size.
        """
        which, index = self.rows[row]
        dataset = self.data[which]
        name = f"{dataset.path}, image {index}"
        camera = self._camera(dataset.meta(index), name)
        image = self._cache.get(row)
        if image is None:
            image = dataset.image(index)
            self._cache.put(row, image)
        if image.shape[:2] != (camera.height, camera.width):
            found = f"{image.shape[1]}x{image.shape[0]}"
            expected = f"the camera's size, {camera.width}x{camera.height}"
            raise DatasetError.at(name, "", expected, found)
        labels, known = Labels.empty(), Distances.empty()
        if self.truth is not None:
            labels = dataset.labels(index)
            known = known_distances(dataset, index, self.truth)
        return CameraImage(image, camera, name, index, labels, known)

    def _camera(self, meta: Mapping[str, Any], name: str) -> Camera:
        """The camera of an image; one object for all images of a camera, whose lens is kept."""
        key = json.dumps([meta.get(part) for part in ("camera", "width", "height")])
        if key not in self._cameras:
            self._cameras[key] = camera_of(meta, name)
        return self._cameras[key]


def _bytes(meta: Mapping[str, Any]) -> int:
    try:
        return max(0, int(meta["width"]) * int(meta["height"]) * 3)
    except (KeyError, TypeError, ValueError):
        return 0
