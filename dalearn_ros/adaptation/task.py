"""What all adaptations have in common: four losses by the schedule's weights, in one or two stages.

The two stages of U10 are steps of their own: the even ones take all losses but that of pseudo
labels, the odd ones that loss alone, with scores of the weights as they are then.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from dalearn_ros.adaptation.schedule import Schedule, Weights
from dalearn_ros.adaptation.settings import AdaptationSettings
from dalearn_ros.training.loading import Batch, to_device

DOMAIN = "domain"  # what the names of domain losses begin with


class Adaptation(ABC):
    """Losses and state; see :class:`training.step.Task` and ``Watching``.

    Attributes:
        schedule: Weights of the losses; it switches self-training on and off.
    """

    def __init__(self, settings: AdaptationSettings) -> None:
        self.schedule = Schedule(settings)
        self._progress = 0.0
        self._latest: dict[str, Tensor] = {}  # of the last step of the first stage

    @abstractmethod
    def terms(self, network: nn.Module, batch: Batch, weights: Weights) -> dict[str, Tensor]:
        """The losses of a batch without their weights; of those of weight 0 only ``source``.

        Returns:
            ``convergence``, ``source``, and as they apply ``few_shot``, ``domain...`` and
            ``self_training``; others are only logged.
        """

    @abstractmethod
    def pseudo_terms(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """``self_training`` of a batch alone; others are only logged."""

    def parts(
        self, batch: Batch, count: int, device: torch.device
    ) -> Sequence[tuple[Batch, float]]:
        """The whole batch on a device: domains are compared within it, so it is never cut."""
        return [(to_device(batch, device), 1.0)]

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """The losses of a batch, with ``total`` by the weights of the schedule.

        In steps of the second stage, the losses of the first are those of the step before.
        """
        weights = self.schedule.weights(self._progress)
        if self.schedule.settings.self_training.stages == 2 and self.schedule.running:
            if batch["step"] % 2:
                found = self.pseudo_terms(network, batch)
                total = weights.self_training * found["self_training"]
                before = {name: value.to(total.device) for name, value in self._latest.items()}
                return {"total": total, **before, **found}
            weights = weights._replace(self_training=0.0)
        found = self.terms(network, batch, weights)
        total = weights.source * found["source"]
        if "few_shot" in found:
            total = total + weights.few_shot * found["few_shot"]
        domain = [value for name, value in found.items() if name.startswith(DOMAIN)]
        if domain:
            total = total + weights.domain * sum(domain[1:], domain[0])
        if "self_training" in found:
            total = total + weights.self_training * found["self_training"]
        self._latest = {name: value.detach() for name, value in found.items()}
        return {"total": total, **found}

    def watch(self, step: int, progress: float, values: Mapping[str, float]) -> str:
        """Switch self-training; never a reason to end."""
        self._progress = progress
        domain = [value for name, value in values.items() if name.startswith(DOMAIN)]
        mean = sum(domain) / len(domain) if domain else 0.0
        self.schedule.update(step, progress, values["source"], mean)
        return ""

    def state(self) -> dict[str, Any]:
        """Schedule, progress and the last losses."""
        return {
            "schedule": self.schedule.state(),
            "progress": self._progress,
            "latest": {name: float(value) for name, value in self._latest.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` gave."""
        self.schedule.restore(state["schedule"])
        self._progress = float(state["progress"])
        self._latest = {name: torch.tensor(value) for name, value in state["latest"].items()}
