"""A first look at the target images by the start: where landmarks may be."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.files import atomic_file
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.detector.network import LandmarkNetwork
from dalearn_ros.detector.regime import metadata_of
from dalearn_ros.detector.validation import TorchBackend, claimed
from dalearn_ros.inference.preprocess import to_input
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

LEAST = 0.5  # the best vote of a place worth a crop


def scan(
    network: LandmarkNetwork,
    settings: AdaptSettings,
    space: LabelSpace,
    images: ImageList,
    kept: Path,
) -> list[Labels]:
    """What a network claims to see in each image; nothing in those that are not looked at.

    Args:
        network: The start.
        settings: ``target.scan_images`` says how many are looked at, evenly over the list.
        space: Classes.
        images: Target images.
        kept: A file for the answer, which a run that goes on finds there.

    Returns:
        For each image places for crops: points without outlines, all of one class, because crops
        are drawn evenly over classes, and a class that is only imagined is not to be sought out.
    """
    if not kept.is_file():
        rows, points = _look(network, settings, space, images)
        with atomic_file(kept) as temporary:
            np.savez(temporary, row=rows, point_px=points)
    with np.load(kept) as content:
        rows, points = content["row"], content["point_px"]
    return [_places(points[rows == number]) for number in range(len(images))]


def _look(
    network: LandmarkNetwork, settings: AdaptSettings, space: LabelSpace, images: ImageList
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """(n,) row of the image and (n, 2) point of each claim."""
    count = min(settings.target.scan_images, len(images))
    rows = np.unique(np.linspace(0, len(images) - 1, count).round().astype(int)).tolist()
    found: list[tuple[int, npt.NDArray[np.float64]]] = [(-1, np.zeros((0, 2)))]
    backend = TorchBackend(network, metadata_of(settings, space, {}, {}))
    channels, multiple = settings.input.channels, settings.input.multiple
    for row in track(rows, label="look"):
        try:
            image = to_input(images.image(row), channels, multiple)
        except DatasetError:  # counted when it is drawn for a crop
            continue
        found.append((row, claimed(backend, image, settings.decoding, LEAST).point_px))
    counts = [len(points) for _, points in found]
    owners = np.repeat(np.array([row for row, _ in found], np.int64), counts)
    return owners, np.concatenate([points for _, points in found])


def _places(point_px: npt.NDArray[np.float64]) -> Labels:
    n = len(point_px)
    return dataclasses.replace(
        Labels.empty(),
        class_id=np.ones(n, np.int64),
        point_px=point_px,
        outlines_px=Ragged.of([np.zeros((0, 2))] * n, 2),
        range_m=np.full(n, np.nan),
        visible=np.ones(n),
        map_id=np.full(n, "", np.str_),
        covariance_px2=np.zeros((n, 2, 2)),
        ignore=np.zeros(n, np.bool_),
    )
