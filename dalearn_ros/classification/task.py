"""The classifier's training regime: batches, loss and validation for the training loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from dalearn_ros.classification.augment import change, prepare
from dalearn_ros.classification.folders import ImageSet
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.classification.settings import ClassificationSettings
from dalearn_ros.core.rounds import Rounds
from dalearn_ros.core.shares import part_of
from dalearn_ros.training.loading import Batch

Counts = npt.NDArray[np.int64]
_AT_ONCE = 500  # images that are classified together


class ClassificationTask:
    """Learns labelled images; see :class:`training.step.Task`."""

    def __init__(
        self,
        settings: ClassificationSettings,
        data: ImageSet,
        seed: int,
        repeats: Counts | None = None,
    ) -> None:
        """Prepare it.

        Args:
            settings: Augmentation and batch.
            data: Labelled images.
            seed: Seed of the order.
            repeats: (n,) how often each image comes in a round; once if it is not given.
        """
        self.settings, self.data = settings, data
        rows = np.repeat(np.arange(len(data)), 1 if repeats is None else repeats)
        self._order = Rounds(rows, seed, "source")
        if settings.batch.threads:
            torch.set_num_threads(settings.batch.threads)

    def batches(self, start: int, stop: int) -> Iterator[Batch]:
        """``image`` (B, c, H, W) uint8 and ``label`` (B,) int64 of the steps start..stop-1."""
        for step in range(start, stop):
            yield self.labelled(step)

    def labelled(self, step: int) -> Batch:
        """Labelled images of a step."""
        size = self.settings.batch.size
        rows = self._order.take(step * size, (step + 1) * size)
        return {"image": self.data.images[rows], "label": self.data.labels[rows], "step": step}

    def parts(
        self, batch: Batch, count: int, device: torch.device
    ) -> Sequence[tuple[Batch, float]]:
        """A batch in nearly equal parts on a device, each with its share."""
        return split_batch(batch, count, device)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Cross entropy of changed images."""
        images = change(prepare(batch["image"]), self.settings.augmentation)
        loss = functional.cross_entropy(network(images), batch["label"])
        return {"total": loss, "source": loss, "convergence": loss}

    def describe(self, batch: Batch) -> str:
        """The step of a batch."""
        return f"batch {batch['step']}"

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Nothing: no labelled images are held back."""
        return {}


def split_batch(batch: Batch, count: int, device: torch.device) -> list[tuple[Batch, float]]:
    """A batch in nearly equal parts on a device.

    Args:
        batch: Tensors whose rows are samples, ``image`` among them, and other values for all.
        count: How many parts; fewer if that would leave one with less than two images.
        device: Where the tensors go.

    Returns:
        Each part with its share of the images.
    """
    size = len(batch["image"])
    count = max(1, min(count, size // 2))

    def piece(value: Any, number: int) -> Any:
        if not isinstance(value, Tensor):
            return value
        rows = part_of(len(value), number, count)
        return value[rows.start : rows.stop].to(device)

    return [
        (
            {key: piece(value, number) for key, value in batch.items()},
            len(part_of(size, number, count)) / size,
        )
        for number in range(count)
    ]


@torch.no_grad()
def classify(network: ImageClassifier, images: Tensor) -> Tensor:
    """(n, c, H, W) uint8 images to (n, classes) softmax values, on the CPU.

    Args:
        network: In evaluation mode.
        images: Of the network's size and channels.
    """
    device = next(network.parameters()).device
    pieces = images.split(_AT_ONCE)
    return torch.cat([network(prepare(p.to(device))).softmax(dim=1).cpu() for p in pieces])
