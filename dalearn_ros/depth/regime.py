"""Both models' training regimes: batches, losses and validation for the training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from dalearn_ros.depth.local import DepthOutputs, LocalNetwork
from dalearn_ros.depth.losses import at_cells, at_places, distillation_loss, value_loss
from dalearn_ros.depth.network import DepthNetwork
from dalearn_ros.depth.samples import GlobalBatches, LocalBatches
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.detector.network import LandmarkNetwork
from dalearn_ros.training.loading import Batch, batch_loader, to_device
from dalearn_ros.training.peers import ALONE

Judge = Callable[[nn.Module], dict[str, float]]


class _DepthTask:
    """What both tasks share; see :class:`training.loop.Task`.

    Attributes:
        skipped: Sentences about images that could not be used.
    """

    def __init__(
        self, settings: DistillSettings, batches: LocalBatches | GlobalBatches, judge: Judge
    ) -> None:
        self.settings, self._batches, self._judge = settings, batches, judge
        self.skipped: set[str] = set()
        torch.set_num_threads(settings.batch.threads or ALONE.threads)

    def batches(self, start: int, stop: int) -> Iterable[Batch]:
        """The batches of the steps start..stop-1."""
        return batch_loader(self._batches, self.settings.batch.workers, start, stop)

    def parts(
        self, batch: Batch, count: int, device: torch.device
    ) -> Sequence[tuple[Batch, float]]:
        """The whole batch as one part: a head takes little memory."""
        self.skipped.update(batch["skipped"])
        return [(to_device(batch, device), 1.0)]

    def describe(self, batch: Batch) -> str:
        """The images of a batch."""
        return "; ".join(batch["names"])

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures on images with known distances; empty without any."""
        return self._judge(network)


class LocalTask(_DepthTask):
    """The local model from known distances (S4).

    Patches that do not count are not looked at: they would enter the statistics of a stem of its
    own.
    """

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """``value`` and ``variance`` as they enter ``total``, without their weights."""
        counts = batch["counts"]
        used = counts > 0.0
        if not bool(used.any()):
            used = torch.ones_like(used)
        said = network(batch["patches"][used], batch["location"][used])
        value, variance = value_loss(said, batch["log_depth"][used], counts[used])
        total = value + self.settings.weights.variance * variance
        return {
            "total": total,
            "value": value,
            "variance": variance,
            "convergence": value.detach(),
        }


class GlobalTask(_DepthTask):
    """The global model from the local one's answers, and from known distances by option (S5).

    Args:
        settings: All settings.
        batches: Crops.
        judge: Of a network.
        teacher: The local model; a snapshot in evaluation that never changes (S14); None: no
            distillation.
        original: The detector before anything learnt, to hold the features of a stem that learns;
            None: they are not held.
    """

    def __init__(
        self,
        settings: DistillSettings,
        batches: GlobalBatches,
        judge: Judge,
        teacher: LocalNetwork | None,
        original: LandmarkNetwork | None,
    ) -> None:
        super().__init__(settings, batches, judge)
        self.teacher = None if teacher is None else teacher.eval().requires_grad_(False)
        self.original = None if original is None else original.eval().requires_grad_(False)

    def losses(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """``teacher``, ``truth``, ``variance`` and ``hold``, those that are learnt from."""
        weights, terms = self.settings.weights, {}
        device = next(network.parameters()).device
        total = variance_total = torch.zeros((), device=device)
        if "target" in batch:
            value, variance = self._taught(network, batch["target"])
            terms["teacher"] = value
            total, variance_total = weights.teacher * value, weights.teacher * variance
        if "truth" in batch:
            part = batch["truth"]
            said = network(part["image"], part["location"])
            stride = part["image"].shape[1] // said.log_depth.shape[1]
            at = at_places(said, part["places"], stride)
            value, variance = value_loss(at, part["log_depth"], part["counts"])
            terms["truth"] = value
            total = total + weights.truth * value
            variance_total = variance_total + weights.truth * variance
        terms["variance"] = variance_total
        terms["convergence"] = total.detach()
        total = total + weights.variance * variance_total
        if self.original is not None:
            terms["hold"] = self._held(network, batch)
            total = total + self.settings.whole.hold_weight * terms["hold"]
        return {"total": total, **terms}

    def _taught(self, network: nn.Module, part: Batch) -> tuple[Tensor, Tensor]:
        assert self.teacher is not None
        with torch.no_grad():
            teacher = self.teacher.to(part["image"].device)
            taught = teacher(part["patches"].flatten(0, 1), part["patch_location"].flatten(0, 1))
            shape = part["cells"].shape
            taught = DepthOutputs(*(value.view(shape) for value in taught))
        said = at_cells(network(part["image"], part["location"]), part["cells"])
        return distillation_loss(said, taught, part["counts"], self.settings.weights)

    def _held(self, network: nn.Module, batch: Batch) -> Tensor:
        """Mean square of how far the detector's fused features moved, over their variance."""
        assert self.original is not None
        image = batch["target" if "target" in batch else "truth"]["image"]
        inner: Any = getattr(network, "network", network)  # under mixed precision it is wrapped
        assert isinstance(inner, DepthNetwork)
        with torch.no_grad():
            before = self.original.to(image.device).features(image)
        _, after = inner.features(image)
        return ((after - before) ** 2).mean() / before.var().clamp_min(1e-6)
