"""A first look at the target images by the start: where landmarks may be."""

from __future__ import annotations

import dataclasses

import numpy as np

from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.coding.decode import Candidates
from dalearn_ros.core.errors import DatasetError
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
    network: LandmarkNetwork, settings: AdaptSettings, space: LabelSpace, images: ImageList
) -> list[Labels]:
    """What a network claims to see in each image; nothing in those that are not looked at.

    Args:
        network: The start.
        settings: ``target.scan_images`` says how many are looked at, evenly over the list.
        space: Classes.
        images: Target images.

    Returns:
        For each image places for crops: points without outlines, all of one class, because crops
        are drawn evenly over classes, and a class that is only imagined is not to be sought out.
    """
    count = min(settings.target.scan_images, len(images))
    rows = np.unique(np.linspace(0, len(images) - 1, count).round().astype(int)).tolist()
    found = [Labels.empty() for _ in range(len(images))]
    backend = TorchBackend(network, metadata_of(settings, space, {}, {}))
    channels, multiple = settings.input.channels, settings.input.multiple
    for row in track(rows, label="look"):
        try:
            image = to_input(images.image(row), channels, multiple)
        except DatasetError:  # counted when it is drawn for a crop
            continue
        found[row] = _places(claimed(backend, image, settings.decoding, LEAST))
    return found


def _places(seen: Candidates) -> Labels:
    n = len(seen)
    return dataclasses.replace(
        Labels.empty(),
        class_id=np.ones(n, np.int64),
        point_px=seen.point_px,
        outlines_px=Ragged.of([np.zeros((0, 2))] * n, 2),
        range_m=np.full(n, np.nan),
        visible=np.ones(n),
        map_id=np.full(n, "", np.str_),
        covariance_px2=np.zeros((n, 2, 2)),
        ignore=np.zeros(n, np.bool_),
    )
