"""The cameras of a dataset's images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dalearn_ros.core.errors import DatasetError, InputError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.geometry.camera import Camera


def camera_of(meta: Mapping[str, Any], where: str) -> Camera:
    """The camera of an image of a dataset.

    Args:
        meta: As :meth:`Dataset.meta` gives it.
        where: The image, for the sentence of an error.

    Raises:
        DatasetError: The dataset knows no calibration for the image, or a damaged one.
    """
    hint = "Only images labelled from a bag with camera_info have one; distances need it."
    camera = meta.get("camera")
    if not isinstance(camera, Mapping) or "matrix" not in camera:
        raise DatasetError.at(where, "", "the camera's calibration", "none", hint)
    try:
        matrix, lens = np.array(camera["matrix"], float), np.array(camera["distortion"], float)
        size = int(meta["width"]), int(meta["height"])
        return Camera(*size, matrix, lens, str(camera["model"]), str(camera.get("name", "camera")))
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise DatasetError.at(where, "", "a calibration", f"another one ({error})", hint) from None


def common_focal_px(data: Sequence[Dataset], tolerance: float = 0.02) -> float:
    """The focal length that all cameras of datasets share.

    Args:
        data: The datasets.
        tolerance: Share of it by which cameras may differ.

    Returns:
        Pixels, the median over the images of √(fx fy); 0 if there are none, one has no calibration,
        or they differ by more.
    """
    found = []
    try:
        for dataset in data:
            for index in range(len(dataset)):
                camera = camera_of(dataset.meta(index), f"{dataset.path}, image {index}")
                found.append(camera.focal_px)
    except DatasetError:
        return 0.0
    if not found or max(found) > min(found) * (1.0 + tolerance):
        return 0.0
    return float(np.median(found))
