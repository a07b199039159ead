"""The training regime of a detector with an attention branch (A3, A7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from dalearn_ros.attention.freezing import Frozen
from dalearn_ros.attention.losses import landmark_attention_loss, map_loss
from dalearn_ros.attention.network import Recognition
from dalearn_ros.attention.objective import Objective
from dalearn_ros.attention.retrain_settings import RetrainSettings
from dalearn_ros.attention.samples import MapCrops
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.calibrate import PREFIX
from dalearn_ros.detector.regime import CHOSEN, DetectorTask, validate
from dalearn_ros.training.loading import Batch

Recognise = Callable[[nn.Module, Tensor], Recognition]


def with_branch(network: nn.Module, image: Tensor) -> Recognition:
    """What a network with an attention branch recognises."""
    found: Recognition = network(image)
    return found


class AttentionTask(DetectorTask):
    """Learns recognition and attention of crops; see :class:`training.step.Task` and ``Watching``.

    Perception gets the branch's own map, never a corrected one.
    """

    def __init__(
        self,
        settings: RetrainSettings,
        crops: MapCrops,
        validation: Sequence[Dataset],
        seed: int,
        losses: Sequence[str],
        frozen: Frozen,
        recognise: Recognise,
        figures: Mapping[str, float],
    ) -> None:
        """Put it together.

        Args:
            settings: All of them.
            crops: Its batches.
            validation: For thresholds; empty: those of the start stay.
            seed: Of all draws.
            losses: Those that count.
            frozen: Parts of the network that do not learn.
            recognise: A pass through the network.
            figures: Of the start's validation.
        """
        super().__init__(settings, crops.data, validation, seed)
        self._batches = crops
        self._frozen, self._recognise = frozen, recognise
        self.objective = Objective(losses, settings.attention.gamma)
        self._norm = settings.attention.map_norm
        self._kept = {
            name: value
            for name, value in figures.items()
            if name in CHOSEN or name.startswith(PREFIX)
        }

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """L_att, L_per and L_map, their sum, and the terms of L_per."""
        self._frozen.hold()
        self.skipped.update(batch["skipped"])
        seen = self._recognise(network, batch["image"])
        perceived = self._loss_of(seen.answer, batch)
        weight = batch["weight"]
        terms = {
            "perception": perceived["total"],
            "map": map_loss(seen.attention, batch["wanted"], weight, self._norm),
        }
        if seen.scores.shape[1]:
            terms["attention"] = landmark_attention_loss(seen.scores, batch["occurs"])
        mapped = weight.flatten(1).any(dim=1).sum()
        found = self.objective.join(terms, perceived["convergence"], mapped)
        details = {name: perceived[name] for name in ("class", "localization", "cells")}
        return {**found, **details}

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures on the validation datasets; without any the thresholds of the start."""
        if not self.validation:
            return dict(self._kept)
        return validate(network, self.settings, self.label_space, self.validation)

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
