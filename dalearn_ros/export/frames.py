"""Evenly spaced images of datasets, for calibration and for measuring; read one at a time."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.calibration import labels_with_map_noise
from dalearn_ros.evaluation.replay import check_label_space
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels

_LOG = logging.getLogger(__name__)


class Frames:
    """So many images of some datasets, evenly spaced over all of them.

    Each is decoded once at the start: what cannot be read is left out, with a line in the log.

    Args:
        data: Datasets of one label space.
        count: At most so many images.
        label_space: The model's, which must be that of the datasets.

    Raises:
        ModelError: The datasets have other classes.
        DatasetError: No image can be read.
    """

    def __init__(self, data: Sequence[Dataset], count: int, label_space: LabelSpace) -> None:
        for dataset in data:
            check_label_space(label_space, dataset.label_space)
        places = [(dataset, index) for dataset in data for index in range(len(dataset))]
        chosen = np.linspace(0, len(places) - 1, min(count, len(places))).round().astype(int)
        self._places = [places[i] for i in chosen if _readable(*places[i])]
        if not self._places:
            where = ", ".join(str(dataset.path) for dataset in data)
            raise DatasetError.at(
                where, "", "images that can be read", f"{len(chosen)} that cannot"
            )

    def __len__(self) -> int:
        return len(self._places)

    def image(self, row: int) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 BGR.

        Raises:
            DatasetError: The file has gone since the start.
        """
        dataset, index = self._places[row]
        return dataset.image(index)

    def truth(self, row: int) -> tuple[Labels, npt.NDArray[np.bool_]]:
        """Labels of an image, and (N,) those whose point is a stand-in."""
        dataset, index = self._places[row]
        return labels_with_map_noise(dataset, index), dataset.approximate(index)


def _readable(dataset: Dataset, index: int) -> bool:
    try:
        dataset.image(index)
        dataset.labels(index)
    except DatasetError as error:
        _LOG.warning("left out: %s", error)
        return False
    return True
