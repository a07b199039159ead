"""Batches of the detector's crops with the corrected maps cut along."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.cells import WantedMap, crop_cells
from dalearn_ros.attention.misrecognised import classes_present
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.samples import CropBatches
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.training.peers import ALONE, Peers


class MapCrops(CropBatches):
    """Batches as :class:`CropBatches` makes them, with what the attention branch learns from.

    ``occurs`` (B, M): which landmark classes the crop shows, 1, 0, or NaN where that is not known;
    ``wanted`` (B, h, w): the map M'; ``weight`` (B, h, w): 1 where there is an M', else 0.
    """

    def __init__(
        self,
        data: Sequence[Dataset],
        settings: TrainSettings,
        seed: int,
        maps: Mapping[int, WantedMap],
        repeat: int = 1,
        peers: Peers = ALONE,
    ) -> None:
        """Draw from datasets.

        Args:
            data: Datasets of one label space.
            settings: Crops, colours, targets, batch.
            seed: Seed of all draws.
            maps: Number of an image among those of all datasets, one after the other, to its M'.
            repeat: How often an image with an M' comes in a round.
            peers: The processes that share each batch.

        Raises:
            DatasetError: There is no image, or the label spaces differ.
        """
        repeats = np.ones(sum(len(one) for one in data), np.int64)
        repeats[sorted(maps)] = repeat
        super().__init__(data, settings, seed, peers, repeats)
        self.maps = maps
        self._cells = settings.grid.shape(settings.crops.width, settings.crops.height)

    def along(self, frame: int, mapping: PixelMap, labels: Labels) -> dict[str, npt.NDArray[Any]]:
        """``occurs``, ``wanted`` and ``weight`` of a crop."""
        crops, grid = self.settings.crops, self.settings.grid
        size = np.array([crops.width, crops.height])
        with np.errstate(invalid="ignore"):  # NaN: not inside
            inside = (labels.point_px >= -0.5) & (labels.point_px < size - 0.5)
        shown = dataclasses.replace(labels, ignore=labels.ignore | ~inside.all(axis=1))
        found = {"occurs": classes_present(shown, len(self.data[0].label_space) - 1)}
        wanted = self.maps.get(frame)
        if wanted is None:
            nothing = np.zeros(self._cells, np.float32)
            return {**found, "wanted": nothing, "weight": nothing}
        values, weight = crop_cells(wanted, mapping, self._cells, grid.cell_px)
        return {**found, "wanted": values, "weight": weight}
