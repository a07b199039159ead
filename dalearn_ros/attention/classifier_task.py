"""The training regime of a plain classifier or regressor with an attention branch (A3, A7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from dalearn_ros.attention.classifier_data import Examples
from dalearn_ros.attention.classifier_run import CLASSIFICATION, Make
from dalearn_ros.attention.classifier_settings import ImageSettings
from dalearn_ros.attention.freezing import Frozen
from dalearn_ros.attention.losses import class_attention_loss, map_loss, value_attention_loss
from dalearn_ros.attention.network import Recognition
from dalearn_ros.attention.objective import Objective
from dalearn_ros.attention.regime import Recognise
from dalearn_ros.classification.augment import change_together, prepare
from dalearn_ros.classification.task import ClassificationTask
from dalearn_ros.training.loading import Batch

Array = npt.NDArray[np.float32]
_AT_ONCE = 500  # images that are answered together
_LEAST = 1e-6


class ImageTask(ClassificationTask):
    """Learns recognition and attention of images; see :class:`training.step.Task`, ``Watching``.

    A corrected map moves as its image does. Perception gets the branch's own map.
    """

    def __init__(
        self,
        settings: ImageSettings,
        make: Make,
        data: Examples,
        validation: Examples | None,
        maps: Mapping[int, Array],
        seed: int,
        losses: Sequence[str],
        frozen: Frozen,
        recognise: Recognise,
    ) -> None:
        """Put it together.

        Args:
            settings: All of them.
            make: What the network is for.
            data: Images and truth.
            validation: To judge on.
            maps: Number of an image to the map (h, w) that it should get.
            seed: Seed of the order.
            losses: Those that count.
            frozen: Parts of the network that do not learn.
            recognise: A pass through the network.
        """
        repeats = np.ones(len(data), np.int64)
        repeats[sorted(maps)] = settings.attention.repeat
        super().__init__(settings, data.images, seed, repeats)
        self._own, self._make, self._validation = settings, make, validation
        self._truth = scaled(data.truth, make)
        self._maps = _stacked(maps, len(data))
        self._frozen, self._recognise = frozen, recognise
        self.objective = Objective(losses, settings.attention.gamma)

    def labelled(self, step: int) -> Batch:
        """Images of a step with their truth, and ``maps`` (B, 2, h, w): M' where known, known."""
        size = self.settings.batch.size
        rows = self._order.take(step * size, (step + 1) * size)
        found: Batch = {"image": self.data.images[rows], "truth": self._truth[rows], "step": step}
        return {**found, "maps": self._maps[rows]}

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """L_att, L_per and L_map, and their sum."""
        self._frozen.hold()
        images, maps = prepare(batch["image"]), batch["maps"]
        flipped = torch.rand(len(images), 1, 1, 1, device=images.device) < self._own.mirror
        images = torch.where(flipped, images.flip(3), images)
        maps = torch.where(flipped, maps.flip(3), maps)
        images, maps = change_together(images, maps, self.settings.augmentation)
        seen = self._recognise(network, images)
        terms = {"perception": self._loss(seen.answer, batch["truth"])}
        if seen.scores.shape[1]:
            terms["attention"] = self._loss(seen.scores, batch["truth"])
        known = maps[:, 1]
        weight = (known > 0.5).to(known.dtype)
        cells = seen.attention.shape[2:]
        wanted = maps[:, 0] / known.clamp(min=_LEAST)
        if weight.shape[1:] != cells:  # there is no map at all
            wanted = weight = weight.new_zeros(len(images), *cells)
        terms["map"] = map_loss(seen.attention, wanted, weight, self._own.attention.map_norm)
        mapped = weight.flatten(1).any(dim=1).sum()
        return self.objective.join(terms, terms["perception"].detach(), mapped)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """``accuracy`` or, of values, ``error`` (mean, absolute); empty without validation data."""
        if self._validation is None:
            return {}
        answers = answered(network, self._validation.images.images)
        truth = self._validation.truth
        if self._make.task == CLASSIFICATION:
            return {"accuracy": float((answers.argmax(dim=1) == truth).float().mean())}
        return {"error": float((unscaled(answers, self._make) - truth).abs().mean())}

    def watch(self, step: int, progress: float, values: Mapping[str, float]) -> str:
        """Keep the balance of the losses."""
        self.objective.watch(values)
        return ""

    def state(self) -> dict[str, Any]:
        """Of the balance, as JSON values."""
        return self.objective.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` gave."""
        self.objective.restore(state)

    def _loss(self, answer: Tensor, truth: Tensor) -> Tensor:
        if self._make.task == CLASSIFICATION:
            return class_attention_loss(answer, truth)
        return value_attention_loss(answer, truth)


def scaled(truth: Tensor, make: Make) -> Tensor:
    """Values in their units as the network answers them; classes as they are."""
    if make.task == CLASSIFICATION:
        return truth
    return (truth - torch.tensor(make.mean)) / torch.tensor(make.spread)


def unscaled(answers: Tensor, make: Make) -> Tensor:
    """The inverse of :func:`scaled`."""
    return answers * torch.tensor(make.spread) + torch.tensor(make.mean)


@torch.no_grad()
def answered(network: nn.Module, images: Tensor) -> Tensor:
    """(n, c, H, W) uint8 images to the answers (n, K) of a network in evaluation, on the CPU."""
    device = next(network.parameters()).device
    found = [network(prepare(piece.to(device))) for piece in torch.split(images, _AT_ONCE)]
    return torch.cat([(f.answer if isinstance(f, Recognition) else f).cpu() for f in found])


def _stacked(maps: Mapping[int, Array], count: int) -> Tensor:
    """(count, 2, h, w): the map where there is one, and 1 where there is, else 0."""
    first = next(iter(maps.values()), np.zeros((1, 1), np.float32))
    found = torch.zeros(count, 2, *first.shape)
    for number, one in maps.items():
        found[number, 0], found[number, 1] = torch.from_numpy(one), 1.0
    return found
