"""The training loop that every learning stage uses."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.progress import track
from dalearn_ros.core.settings import field
from dalearn_ros.training.average import WeightAverage
from dalearn_ros.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from dalearn_ros.training.convergence import Convergence
from dalearn_ros.training.interrupt import Interrupt
from dalearn_ros.training.log import RunLog

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class LoopSettings:
    """How long and how fast to learn."""

    steps: int = field(3000, "Steps of the schedule.", minimum=1, maximum=100_000_000)
    max_minutes: float | None = field(
        None,
        "Time limit; the learning rate then follows whichever of steps and time is ahead.",
        unit="min",
        minimum=0.01,
        maximum=100_000.0,
    )
    learning_rate: float = field(0.002, "Largest learning rate (AdamW).", minimum=1e-7, maximum=1.0)
    final_rate: float = field(
        0.01, "Last learning rate as a share of it.", minimum=0.0, maximum=1.0
    )
    warmup_steps: int = field(
        100, "Steps from zero to the largest rate.", minimum=0, maximum=1_000_000
    )
    weight_decay: float = field(
        0.02, "Weight decay of matrices and kernels.", minimum=0.0, maximum=1.0
    )
    gradient_clip: float = field(5.0, "Largest norm of the gradient.", minimum=1e-3, maximum=1e6)
    average_decay: float = field(
        0.998, "Decay of the running average of the weights.", minimum=0.0, maximum=0.99999
    )
    log_every: int = field(20, "Steps between log entries.", minimum=1, maximum=1_000_000)
    checkpoint_every: int = field(200, "Steps between checkpoints.", minimum=1, maximum=1_000_000)
    validate_every: int = field(
        1000, "Steps between validations; 0: only at the end.", minimum=0, maximum=1_000_000
    )
    window: int = field(
        200, "Steps of a window of the convergence test.", minimum=1, maximum=1_000_000
    )
    patience: int = field(
        0, "Windows without progress until training stops; 0: never.", minimum=0, maximum=100_000
    )
    tolerance: float = field(
        0.002, "Share by which a window must improve.", minimum=0.0, maximum=1.0
    )


class Task(Protocol):
    """What is learnt: batches, losses and a validation."""

    def batches(self, start: int, stop: int) -> Iterable[Any]:
        """The batches of the steps start..stop-1; the same step always gives the same batch."""
        ...

    def losses(self, network: nn.Module, batch: Any) -> dict[str, Tensor]:
        """Named losses of a batch; ``total`` is minimised and ``convergence`` watched."""
        ...

    def describe(self, batch: Any) -> str:
        """What is in a batch, for the sentence of an error."""
        ...

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Named figures of the averaged network; empty if there is nothing to validate on."""
        ...


@dataclass(frozen=True)
class TrainResult:
    """How a training ended.

    Attributes:
        steps: Steps done, those before a resumption included.
        minutes: Time spent.
        reason: ``steps``, ``time`` or ``converged``.
        figures: The last validation.
    """

    steps: int
    minutes: float
    reason: str
    figures: dict[str, float]


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


class Trainer:
    """One training run in a folder; it goes on where the folder's checkpoint ended."""

    def __init__(self, network: nn.Module, task: Task, settings: LoopSettings, run: Path) -> None:
        """Prepare, and load the run's checkpoint if there is one.

        Raises:
            ModelError: The folder's checkpoint is damaged or from another network.
        """
        self.network, self.task, self.settings, self.run_path = network, task, settings, run
        self.average = WeightAverage(network, settings.average_decay)
        self.optimizer = make_optimizer(network, settings)
        self.convergence = Convergence(settings.window, settings.patience, settings.tolerance)
        self.step, self.seconds = 0, 0.0
        self.reason = ""
        path = run / CHECKPOINT
        if path.is_file():
            self._restore(load_checkpoint(path), path)

    def run(self) -> TrainResult:
        """Train to the end of the schedule, the time limit or convergence.

        On an interrupt the last state is saved before it goes on.

        Raises:
            ModelError: A loss is not finite. The last good checkpoint stays; the sentence names
                the step and the batch.
        """
        log = RunLog(self.run_path)
        try:
            if not self.reason:
                self._learn(log)
            figures = self._finish(log)
        finally:
            log.close()
        return TrainResult(self.step, self.seconds / 60.0, self.reason, figures)

    def progress(self) -> float:
        """Share of the schedule that is done, by steps or by time, whichever is ahead."""
        done = self.step / self.settings.steps
        limit = self.settings.max_minutes
        return done if limit is None else max(done, self.seconds / 60.0 / limit)

    def _learn(self, log: RunLog) -> None:
        settings = self.settings
        batches = self.task.batches(self.step, settings.steps)
        bar = track(batches, total=settings.steps - self.step, label="train")
        try:
            with Interrupt() as interrupt:
                for batch in self._timed(bar):
                    values = self._one_step(batch)
                    self._log(log, values)
                    if self._ended(values["convergence"]):
                        break
                    interrupt.check()
                    if self.step % settings.checkpoint_every == 0:
                        self.save()
                    if settings.validate_every and self.step % settings.validate_every == 0:
                        log.figures(self.step, self.seconds, self._validate())
        except KeyboardInterrupt:
            self.save()
            raise

    def _log(self, log: RunLog, values: dict[str, float]) -> None:
        if self.step % self.settings.log_every == 0 or self.step == 1:
            rate = self.optimizer.param_groups[0]["lr"]
            log.losses(self.step, self.seconds, {**values, "learning_rate": rate})

    def _ended(self, convergence: float) -> bool:
        """Is it converged, or at the end of its steps or time? The reason is kept."""
        if self.convergence.update(convergence):
            self.reason = "converged"
        elif self.progress() >= 1.0:
            self.reason = "steps" if self.step >= self.settings.steps else "time"
        return bool(self.reason)

    def _timed(self, batches: Iterable[Any]) -> Iterator[Any]:
        last = time.monotonic()
        for batch in batches:
            yield batch
            now = time.monotonic()
            self.seconds += now - last
            last = now

    def _one_step(self, batch: Any) -> dict[str, float]:
        rate = learning_rate(self.settings, self.progress(), self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.network.train()
        losses = self.task.losses(self.network, batch)
        values = {name: float(value.detach()) for name, value in losses.items()}
        if not math.isfinite(values["total"]):
            raise ModelError(
                f"training: the loss is not finite at step {self.step + 1} "
                f"({self.task.describe(batch)}). The last good state is "
                f"{self.run_path / CHECKPOINT}; lower loop.learning_rate or look at that batch."
            )
        self.optimizer.zero_grad(set_to_none=True)
        losses["total"].backward()
        clip = self.settings.gradient_clip
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), clip)
        if bool(torch.isfinite(norm)):
            self.optimizer.step()
        self.average.update(self.network, self.step)
        self.step += 1
        return {**values, "gradient": float(norm)}

    def _validate(self) -> dict[str, float]:
        return self.task.validate(self.average.network)

    def _finish(self, log: RunLog) -> dict[str, float]:
        self.save()
        figures = self._validate()
        log.figures(self.step, self.seconds, figures)
        groups = {"network": dict(self.average.network.state_dict())}
        header = {"step": self.step, "minutes": self.seconds / 60.0, "figures": figures}
        save_checkpoint(self.run_path / WEIGHTS, Checkpoint(groups, header))
        return figures

    def save(self) -> None:
        """Write the checkpoint from which the run can go on."""
        groups = {
            "network": dict(self.network.state_dict()),
            "average": dict(self.average.network.state_dict()),
            "optimizer": optimizer_tensors(self.optimizer),
        }
        watch = self.convergence
        best = watch.best if math.isfinite(watch.best) else None
        header = {
            "step": self.step,
            "seconds": self.seconds,
            "reason": self.reason,
            "best": best,
            "stale": watch.stale,
            "pending": watch.pending,
        }
        save_checkpoint(self.run_path / CHECKPOINT, Checkpoint(groups, header))

    def _restore(self, checkpoint: Checkpoint, path: Path) -> None:
        load_weights(self.network, dict(checkpoint.groups["network"]), path)
        load_weights(self.average.network, dict(checkpoint.groups["average"]), path)
        restore_optimizer(self.optimizer, dict(checkpoint.groups.get("optimizer", {})))
        header = checkpoint.header
        self.step, self.seconds = int(header["step"]), float(header["seconds"])
        self.reason = str(header["reason"])
        self.convergence.best = math.inf if header["best"] is None else float(header["best"])
        self.convergence.stale = int(header["stale"])
        self.convergence.pending = [float(value) for value in header["pending"]]
