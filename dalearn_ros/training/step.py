"""One step of the optimiser: gradients of the parts of a batch, summed over the processes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from dalearn_ros.core.randomness import generator
from dalearn_ros.training.peers import ALONE, Peers
from dalearn_ros.training.precision import mixed_precision
from dalearn_ros.training.settings import LoopSettings


class Task(Protocol):
    """What is learnt: batches, losses and a validation."""

    def batches(self, start: int, stop: int) -> Iterable[Any]:
        """The batches of the steps start..stop-1; the same step always gives the same batch."""
        ...

    def parts(self, batch: Any, count: int, device: torch.device) -> Sequence[tuple[Any, float]]:
        """A batch in parts on a device, each with its share of the step's whole batch."""
        ...

    def losses(self, network: nn.Module, batch: Any) -> dict[str, Tensor]:
        """Named losses of a part; ``total`` is minimised and ``convergence`` watched."""
        ...

    def describe(self, batch: Any) -> str:
        """What is in a batch, for the sentence of an error."""
        ...

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Named figures of the averaged network; empty if there is nothing to validate on."""
        ...


@runtime_checkable
class Watching(Protocol):
    """A task that keeps a state of its own from step to step."""

    def watch(self, step: int, progress: float, values: Mapping[str, float]) -> str:
        """Take in the losses of a step; a reason to end the training now, or an empty text."""
        ...

    def state(self) -> dict[str, Any]:
        """What changes from step to step, as JSON values; it is kept in the checkpoint."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` gave."""
        ...


def learning_rate(settings: LoopSettings, progress: float, step: int) -> float:
    """Linear warm-up, then half a cosine down to ``final_rate``.

    Args:
        settings: The schedule.
        progress: 0 at the start to 1 at the end.
        step: Steps done, for the warm-up.
    """
    warm = min(1.0, (step + 1) / max(1, settings.warmup_steps))
    fall = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))
    return settings.learning_rate * warm * (settings.final_rate + (1 - settings.final_rate) * fall)


def make_optimizer(network: nn.Module, settings: LoopSettings) -> torch.optim.AdamW:
    """AdamW; biases and normalisation are not decayed."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    free = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


class Stepper:
    """Takes steps with one network.

    The gradient of a step is the mean of its parts' gradients, weighted by their numbers of
    images; a part is what one process takes through the network at once. Batch normalisation
    therefore sees a part, not the batch, and a loss that is a mean over landmarks is one over a
    part's landmarks; all else is as with the whole batch. The running statistics are averaged over
    the processes. Losses that draw numbers draw the same ones for the same part of the same step.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        settings: LoopSettings,
        peers: Peers = ALONE,
        seed: int = 0,
    ) -> None:
        self.network, self.task, self.settings = network, task, settings
        self.peers, self.seed = peers, seed
        self.device = next(network.parameters()).device
        self.optimizer = make_optimizer(network, settings)
        self.model, self.scaler = mixed_precision(
            network, self.device, settings.mixed_precision, settings.mixed_precision_cpu
        )

    def gradients(self, batch: Any, step: int) -> dict[str, float]:
        """Put the gradients of a batch into the network; returns the losses of the whole step."""
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        count = self.settings.accumulate
        for number, (part, share) in enumerate(self.task.parts(batch, count, self.device)):
            stream = generator(self.seed, "losses", step, self.peers.rank * count + number)
            torch.manual_seed(int(stream.integers(1 << 62)))
            losses = self.task.losses(self.model, part)
            self.scaler.scale(losses["total"] * share).backward()
            for name, value in losses.items():
                part_value = value.detach().float() * share
                sums[name] = sums[name] + part_value if name in sums else part_value
        self._exchange(list(sums.values()))
        return dict(zip(sums, torch.stack(list(sums.values())).tolist(), strict=True))

    def apply(self, rate: float) -> float:
        """Change the weights by the gradients; returns the gradients' norm.

        A norm that is not finite changes nothing.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.scaler.unscale_(self.optimizer)
        clip = self.settings.gradient_clip
        norm = float(torch.nn.utils.clip_grad_norm_(self.network.parameters(), clip))
        if math.isfinite(norm) or self.scaler.is_enabled():  # which then lowers its scale
            self.scaler.step(self.optimizer)
            self.scaler.update()
        return norm

    def _exchange(self, losses: list[Tensor]) -> None:
        if self.peers.count == 1:
            return
        statistics = [b for b in self.network.buffers() if b.is_floating_point()]
        torch._foreach_div_(statistics, float(self.peers.count))
        for parameter in self.network.parameters():
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        self.peers.add_up([*gradients, *statistics, *losses])
