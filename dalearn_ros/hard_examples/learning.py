"""What the model learns from while it is hardened: hard images and earlier data (H8)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.calibrate import PREFIX
from dalearn_ros.detector.network import LandmarkNetwork
from dalearn_ros.detector.regime import CHOSEN, DetectorTask
from dalearn_ros.detector.samples import CropBatches
from dalearn_ros.detector.validation import LOWEST_SCORE, TorchBackend
from dalearn_ros.hard_examples.hunt import Detect, Hunt
from dalearn_ros.hard_examples.recognition import CONFIDENCE
from dalearn_ros.hard_examples.search_settings import (
    HardenSettings,
    known_outputs,
    wanted_outputs,
)
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.training.loading import Batch


class HardenTask(DetectorTask):
    """Batches of hard crops, then replayed ones; the search goes on in between.

    Attributes:
        network: The one that is asked for recognition accuracy: the running average of the
            weights, which is what is kept in the end. The run sets it.
    """

    def __init__(
        self,
        settings: HardenSettings,
        data: Sequence[Dataset],
        validation: Sequence[Dataset],
        seed: int,
        hunt: Hunt,
        metadata: ModelMetadata,
        figures: Mapping[str, float],
    ) -> None:
        """Put it together.

        Args:
            settings: All of them.
            data: Earlier data.
            validation: For thresholds; empty: those of the start stay.
            seed: Of all draws.
            hunt: The search.
            metadata: Of the start, with its thresholds.
            figures: Of the start's validation.
        """
        super().__init__(settings, data, validation, seed)
        self.network: LandmarkNetwork | None = None
        self._own, self._data, self._seed, self._hunt = settings, data, seed, hunt
        self._metadata = metadata
        self._kept = {
            name: value
            for name, value in figures.items()
            if name in CHOSEN or name.startswith(PREFIX)
        }
        self._built = (-1, -1)  # hard images that are in the batches, and how many are not new
        self._mixed: list[CropBatches] = []
        self._earlier: CropBatches | None = None

    def batches(self, start: int, stop: int) -> Iterable[Batch]:
        """The batches of the steps start..stop-1, each made when it is asked for."""
        for step in range(start, stop):
            self.search(step)
            yield self._batch(step)

    def search(self, step: int) -> None:
        """Find what must be there before a gradient step."""
        wanted = wanted_outputs(self._own, step)
        if len(self._hunt.found) < wanted and not self._hunt.over:
            assert self.network is not None
            detect = detect_with(self.network, self._metadata, self._own.accuracy.measure)
            self._hunt.until(wanted, step, detect)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures on the validation datasets; without any the thresholds of the start."""
        return super().validate(network) if self.validation else dict(self._kept)

    def _batch(self, step: int) -> Batch:
        there = len(self._hunt.found)
        state = there, min(known_outputs(self._own, step), there)
        if self._built != state:
            self._mixed = self._build(state[1])
            self._built = state
        return joined([batches[step] for batches in self._mixed])

    def _build(self, known: int) -> list[CropBatches]:
        """Batches of what is there now; ``known`` hard images were there at the last update."""
        own, size = self._own, self._own.batch.size
        replayed = min(size - 1, round(size * own.update.replay))
        hard = self._hunt.found.dataset()
        drawn = repeats_of(known, len(hard), own.update.newest)
        sized = _sized(own, size - replayed)
        found = [CropBatches([hard], sized, _stream(self._seed), repeats=drawn)]
        return [*found, self._replay(replayed)] if replayed else found

    def _replay(self, size: int) -> CropBatches:
        """Batches of earlier data, kept with their decoded images as long as they stay alike."""
        if self._earlier is None or self._own.update.replayed == "sources":
            sized, repeats = _sized(self._own, size), self._repeats()
            self._earlier = CropBatches(self._data, sized, self._seed, repeats=repeats)
        return self._earlier

    def _repeats(self) -> npt.NDArray[np.int64] | None:
        """How often each earlier image is drawn in a round; None: once."""
        how, total = self._own.update, sum(len(dataset) for dataset in self._data)
        if how.replayed == "all":
            return None
        repeats = np.zeros(total, np.int64)
        if how.replayed == "some":
            count = min(how.replay_images, total)
            repeats[generator(self._seed, "replay").permutation(total)[:count]] = 1
        else:
            frames = self._hunt.sources.frames
            repeats[[frames[one.row][2] for one in self._hunt.found.found]] = 1
        return repeats


def repeats_of(known: int, count: int, newest: float) -> npt.NDArray[np.int64]:
    """How often each hard image is drawn in a round, so that the new ones have their share.

    Args:
        known: The first so many are not new.
        count: How many there are.
        newest: Share of the draws that are of the new ones, 0 up to 1; they have it to a whole
            number of draws each, and are drawn at least as often as the others.

    Returns:
        (count,).
    """
    repeats, new = np.ones(count, np.int64), count - known
    if known and new:
        repeats[known:] = max(1, round(newest / (1.0 - newest) * known / new))
    return repeats


def detect_with(network: LandmarkNetwork, metadata: ModelMetadata, measure: str) -> Detect:
    """What a network sees in an image.

    For the mean confidence every landmark counts that is seen at all, with however low a score;
    for the correct rate those that the model would report.
    """
    over = {"score_threshold": LOWEST_SCORE} if measure == CONFIDENCE else {}
    return LandmarkDetector(TorchBackend(network, metadata), over).detect


def joined(parts: Sequence[Batch]) -> Batch:
    """Batches as one: tensors and lists one after the other."""
    return {
        key: torch.cat([part[key] for part in parts])
        if isinstance(value, torch.Tensor)
        else [entry for part in parts for entry in part[key]]
        for key, value in parts[0].items()
    }


def _sized(settings: HardenSettings, size: int) -> HardenSettings:
    return dataclasses.replace(settings, batch=dataclasses.replace(settings.batch, size=size))


def _stream(seed: int) -> int:
    """A seed of its own for the hard crops, so that they are not cut as the replayed ones are."""
    return int(generator(seed, "hard").integers(2**31))
