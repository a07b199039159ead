"""Labels that a map gives target images; they filter pseudo labels and are never learnt from."""

from __future__ import annotations

import hashlib

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.landmarks.types import Labels


def labels_by_content(data: Dataset, images: ImageList) -> tuple[list[Labels | None], int]:
    """Labels of those images of a list that a dataset has, too, whatever their files are called.

    Args:
        data: Such as ``dalearn label`` makes it from a map and poses.
        images: The target images.

    Returns:
        Labels of each image of the list, None for one that the dataset does not have; and how many
        it has.

    Raises:
        DatasetError: It has none of them, or its annotations are damaged.
    """
    rows = {}
    for index in range(len(data)):
        try:
            content = data.image_path(index).read_bytes()
        except OSError:  # nothing to match
            continue
        rows[hashlib.sha256(content).hexdigest()] = index
    found = [rows.get(images.digest(i)) for i in range(len(images))]
    matched = sum(row is not None for row in found)
    if not matched:
        expected = "labels of target images, matched by the bytes of the image files"
        hint = "Give the dataset's own folder as --target, too, or label the same bag."
        raise DatasetError.at(data.path, "", expected, f"{len(data)} other images", hint)
    return [None if row is None else data.labels(row) for row in found], matched
