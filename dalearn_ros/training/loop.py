"""The training loop that every learning stage uses."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.progress import track
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
from dalearn_ros.training.peers import ALONE, Peers
from dalearn_ros.training.settings import LoopSettings
from dalearn_ros.training.step import Stepper, Task, Watching, learning_rate

CHECKPOINT = "checkpoint.safetensors"
WEIGHTS = "weights.safetensors"
_UNUSABLE = 50  # steps in a row whose gradient is not finite


@dataclass(frozen=True)
class TrainResult:
    """How a training ended.

    Attributes:
        steps: Steps done, those before a resumption included.
        minutes: Time spent.
        reason: ``steps``, ``time``, ``converged``, or what a watching task said.
        figures: The last validation.
    """

    steps: int
    minutes: float
    reason: str
    figures: dict[str, float]


class Trainer:
    """One training run in a folder; it goes on where the folder's checkpoint ended."""

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        settings: LoopSettings,
        run: Path,
        peers: Peers = ALONE,
        seed: int = 0,
    ) -> None:
        """Prepare, and load the run's checkpoint if there is one.

        Args:
            network: Learns, on the device where it is.
            task: What it learns.
            settings: Length, rate and the like.
            run: The folder; the first process writes it and tells the others what it holds.
            peers: The processes that learn together.
            seed: Of what losses draw.

        Raises:
            ModelError: The folder's checkpoint is damaged or from another network.
        """
        self.network, self.task, self.settings, self.run_path = network, task, settings, run
        self.peers = peers
        self.average = WeightAverage(network, settings.average_decay, settings.average_ramp)
        self.stepper = Stepper(network, task, settings, peers, seed)
        self.convergence = Convergence(settings.window, settings.patience, settings.tolerance)
        self.step, self.seconds = 0, 0.0
        self.reason = ""
        self._unusable, self._whole, self._due = 0, True, False
        path = run / CHECKPOINT
        found = peers.first(lambda: load_checkpoint(path) if path.is_file() else None)
        if found is not None:
            self._restore(found, path)

    def run(self) -> TrainResult:
        """Train to the end of the schedule, the time limit or convergence.

        On an interrupt between two steps the last state is saved before it goes on; one in the
        middle of a step leaves the last checkpoint.

        Raises:
            ModelError: A loss is not finite, or the gradients of many steps are not. The last good
                checkpoint stays; the sentence names the step and the batch.
        """
        log = RunLog(self.run_path) if self.peers.rank == 0 else None
        try:
            if not self.reason:
                self._learn(log)
            figures = self._finish(log)
        finally:
            if log is not None:
                log.close()
        return TrainResult(self.step, self.seconds / 60.0, self.reason, figures)

    def progress(self) -> float:
        """Share of the schedule that is done, by steps or by time, whichever is ahead."""
        done = self.step / self.settings.steps
        limit = self.settings.max_minutes
        return done if limit is None else max(done, self.seconds / 60.0 / limit)

    def _learn(self, log: RunLog | None) -> None:
        settings, start = self.settings, time.monotonic() - self.seconds
        if self._due:
            self._validate(log)
        batches = self.task.batches(self.step, settings.steps)
        bar = track(batches, settings.steps, "train", self.step) if log else batches
        try:
            with Interrupt(repeated=self.peers.count > 1) as interrupt:
                for batch in bar:
                    values = self._one_step(batch)
                    clock = time.monotonic() - start
                    self.seconds, interrupt.asked = self.peers.agree(clock, interrupt.asked)
                    self._log(log, values)
                    ended = self._ended(values)
                    every = settings.validate_every
                    self._due = every > 0 and self.step % every == 0
                    interrupt.check()
                    if ended:
                        break
                    if self._due:
                        self._validate(log)
                    if self.step % settings.checkpoint_every == 0:
                        self.save()
        except KeyboardInterrupt:
            if self._whole:
                self.save()
            raise

    def _log(self, log: RunLog | None, values: dict[str, float]) -> None:
        if log is not None and (self.step % self.settings.log_every == 0 or self.step == 1):
            log.losses(self.step, self.seconds, values)

    def _ended(self, values: dict[str, float]) -> bool:
        """Is it converged, or at the end of its steps or time? The reason is kept."""
        converged = self.convergence.update(values["convergence"])
        if isinstance(self.task, Watching):
            self.reason = self.task.watch(self.step, self.progress(), values)
        if self.reason:
            return True
        if converged:
            self.reason = "converged"
        elif self.progress() >= 1.0:
            self.reason = "steps" if self.step >= self.settings.steps else "time"
        return bool(self.reason)

    def _one_step(self, batch: Any) -> dict[str, float]:
        self._whole = False  # until weights, optimizer and average belong together again
        values = self.stepper.gradients(batch, self.step)
        if not math.isfinite(values["total"]):
            self._give_up("the loss is not finite", batch)
        rate = learning_rate(self.settings, self.progress(), self.step)
        norm = self.stepper.apply(rate)
        self._unusable = 0 if math.isfinite(norm) else self._unusable + 1
        if self._unusable >= _UNUSABLE:
            self._give_up(f"the gradients of {_UNUSABLE} steps are not finite", batch)
        self.average.update(self.network, self.step)
        self.step += 1
        self._whole = True
        return {**values, "gradient": norm, "learning_rate": rate}

    def _give_up(self, what: str, batch: Any) -> None:
        names = "; ".join(self.peers.gather(self.task.describe(batch)))
        path = self.run_path / CHECKPOINT
        kept = "No state was saved yet"
        if path.is_file():
            kept = f"The last good state is {path}; a new run can begin there with --init"
        error = ModelError(
            f"training: {what} at step {self.step + 1} ({names}). {kept}. "
            "Lower loop.learning_rate or look at that batch."
        )

        def fail() -> None:
            raise error

        self.peers.first(fail)  # every process is here, and one says it

    def _validate(self, log: RunLog | None) -> dict[str, float]:
        figures = self.peers.first(lambda: self.task.validate(self.average.network))
        if log is not None:
            log.figures(self.step, self.seconds, figures)
        self._due = False
        return figures

    def _finish(self, log: RunLog | None) -> dict[str, float]:
        self.save()
        figures = self._validate(log)
        groups = {"network": dict(self.average.network.state_dict())}
        header = {"step": self.step, "minutes": self.seconds / 60.0, "figures": figures}
        weights = Checkpoint(groups, header)
        self.peers.first(lambda: save_checkpoint(self.run_path / WEIGHTS, weights))
        return figures

    def save(self) -> None:
        """Write the checkpoint from which the run can go on; only the first process does."""
        if self.peers.rank:
            return
        groups = {
            "network": dict(self.network.state_dict()),
            "average": dict(self.average.network.state_dict()),
            "optimizer": optimizer_tensors(self.stepper.optimizer),
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
            "unusable": self._unusable,
            "due": self._due,  # interrupted between a step and its validation
            "scaler": self.stepper.scaler.state_dict(),
            "task": self.task.state() if isinstance(self.task, Watching) else None,
        }
        save_checkpoint(self.run_path / CHECKPOINT, Checkpoint(groups, header))

    def _restore(self, checkpoint: Checkpoint, path: Path) -> None:
        load_weights(self.network, dict(checkpoint.groups.get("network", {})), path)
        load_weights(self.average.network, dict(checkpoint.groups.get("average", {})), path)
        restore_optimizer(self.stepper.optimizer, dict(checkpoint.groups.get("optimizer", {})))
        header = checkpoint.header
        try:
            self.step, self.seconds = int(header["step"]), float(header["seconds"])
            self.reason = str(header["reason"])
            self.convergence.best = math.inf if header["best"] is None else float(header["best"])
            self.convergence.stale = int(header["stale"])
            self.convergence.pending = [float(value) for value in header["pending"]]
            if isinstance(self.task, Watching):
                self.task.restore(header["task"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path}: is no checkpoint of a run ({error!r}).") from None
        self._unusable, self._due = int(header.get("unusable", 0)), bool(header.get("due", False))
        if header.get("scaler") and self.stepper.scaler.is_enabled():
            self.stepper.scaler.load_state_dict(header["scaler"])
