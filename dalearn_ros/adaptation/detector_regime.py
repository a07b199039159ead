"""The detector's adaptation for the training loop: four losses, pseudo labels and their watch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from dalearn_ros.adaptation.detector_network import AdaptNetwork, Answers
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.landmark_labels import (
    PseudoTargets,
    claims,
    masked_logits,
    pseudo_landmarks,
    pseudo_targets,
)
from dalearn_ros.adaptation.map_doubt import hold_against
from dalearn_ros.adaptation.masking import self_training_loss
from dalearn_ros.adaptation.pseudo_log import PseudoLog
from dalearn_ros.adaptation.schedule import Weights
from dalearn_ros.adaptation.selection import of_source
from dalearn_ros.adaptation.target_crops import AdaptBatches
from dalearn_ros.adaptation.task import Adaptation
from dalearn_ros.detector.calibrate import PREFIX, calibration_from
from dalearn_ros.detector.network import LandmarkNetwork, Outputs
from dalearn_ros.detector.regime import CropLoss
from dalearn_ros.inference.protocol import split_outputs
from dalearn_ros.training.loading import Batch, batch_loader

LEAST_CLAIM = 0.3  # the best vote of a landmark that counts as a sample at all


class AdaptTask(Adaptation):
    """Batches and losses of the detector's adaptation.

    Attributes:
        log: Every pseudo label.
        teacher: Gives the scores if they come from the average; the run sets it.
        skipped: Images that could not be read so far.
    """

    def __init__(
        self,
        settings: AdaptSettings,
        batches: AdaptBatches,
        log: PseudoLog,
        choose: Callable[[LandmarkNetwork, int], dict[str, float]],
    ) -> None:
        """Put it together.

        Args:
            settings: All of them.
            batches: Source, target and few-shot crops.
            log: Takes every pseudo label.
            choose: Called with a network and its step at each validation; returns figures
                (:class:`adaptation.selection.Choice`).
        """
        super().__init__(settings.adaptation)
        self.settings, self.log = settings, log
        self.teacher: AdaptNetwork | None = None
        self.skipped: set[str] = set()
        self._batches, self._choose, self._step = batches, choose, 0
        self._calibration: dict[str, float] = {}
        own = settings.loss.selection
        selection = dataclasses.replace(own, background=settings.target.background)
        # a decoded point says nothing of the votes' true errors
        loss = dataclasses.replace(settings.loss, selection=selection, variance_weight=0.0)
        self._loss_of = CropLoss(settings.grid, settings.crops, settings.loss)
        self._pseudo_loss_of = CropLoss(settings.grid, settings.crops, loss)

    def batches(self, start: int, stop: int) -> Iterable[Batch]:
        """The batches of the steps start..stop-1."""
        return batch_loader(self._batches, self.settings.batch.workers, start, stop)

    def terms(self, network: nn.Module, batch: Batch, weights: Weights) -> dict[str, Tensor]:
        """See :class:`adaptation.task.Adaptation`; domain losses of images and of subregions."""
        source, few, target = batch["source"], batch["few_shot"], batch["target"]
        images = [source["image"]]
        images += [] if few is None else [few["image"]]
        images += [] if target is None else [target["strong"]]
        answers: Answers = network(torch.cat(images))
        features, sizes = answers.features, [len(part) for part in images]
        pieces = answers.split(sizes)
        labelled = self._loss_of(pieces[0], source)
        terms = {"convergence": labelled["convergence"], "source": labelled["total"]}
        if few is not None:
            terms["few_shot"] = self._loss_of(pieces[1], few)["total"]
        if target is not None and weights.domain > 0.0:
            is_target = torch.arange(len(features), device=features.device) >= sizes[0]
            terms.update(self._inner(network).domain_losses(features, is_target, self._progress))
        if target is not None and weights.self_training > 0.0:
            terms["self_training"] = self._self_training(network, pieces[-1], target, batch["step"])
        self.skipped.update(source["skipped"])
        self.skipped.update([] if target is None else target["skipped"])
        return terms

    def pseudo_terms(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """See :class:`adaptation.task.Adaptation`."""
        strong = batch["target"]["strong"]
        (outputs,) = network(strong).split([len(strong)])
        loss = self._self_training(network, outputs, batch["target"], batch["step"])
        return {"self_training": loss}

    def _self_training(
        self, network: nn.Module, outputs: Outputs, target: Batch, step: int
    ) -> Tensor:
        """Class and place by pseudo labels; what is masked is in the mean of the class loss."""
        targets = self.pseudo_targets(network, target, step)
        device = outputs.class_logits.device
        batch = {
            "class_id": targets.class_id.to(device),
            "point_px": targets.point_px.to(device),
            "log_range": targets.log_range.to(device),
        }
        terms = self._pseudo_loss_of(outputs, batch)
        logits, label, role = masked_logits(outputs, targets)
        value = self.settings.adaptation.self_training.pseudo.mask_value
        masked = self_training_loss(logits, label.to(device), role.to(device), value)
        nodes = outputs.class_logits.shape[1]  # whose losses a subregion's sums up
        share = len(logits) / max(1.0, len(logits) + nodes * terms["cells"].item())
        return terms["total"] + share * (nodes * masked - terms["class"])

    @torch.no_grad()
    def pseudo_targets(self, network: nn.Module, target: Batch, step: int) -> PseudoTargets:
        """Pseudo labels of a batch, made afresh (U7), and logged."""
        settings = self.settings
        pseudo = settings.adaptation.self_training.pseudo
        answers = split_outputs([o.cpu().numpy() for o in self._scores(network, target["weak"])])
        found = claims(answers, settings.grid, settings.decoding, LEAST_CLAIM)
        by_map = keep_out = None
        if target["mapped"] is not None:
            near = settings.target.map_radius_px, settings.target.map_threshold
            pairs = zip(found, target["mapped"], strict=True)
            held = [hold_against(seen, mapped, *near) for seen, mapped in pairs]
            by_map, keep_out = [h[0] for h in held], [h[1] for h in held]
        calibration = calibration_from(self._calibration)
        chosen = pseudo_landmarks(found, pseudo, calibration, by_map)
        self.log.add(step, target, chosen)
        return pseudo_targets(
            answers,
            found,
            chosen,
            settings.grid,
            settings.decoding,
            settings.target.background_threshold,
            keep_out,
        )

    def _scores(self, network: nn.Module, images: Tensor) -> tuple[Tensor, ...]:
        average = self.settings.adaptation.self_training.pseudo.scores_from == "average"
        if average and self.teacher is not None:
            return self.teacher.detector.heads(images)
        detector = self._inner(network).detector
        detector.eval()
        try:
            return detector.heads(images)
        finally:
            detector.train()

    @staticmethod
    def _inner(network: nn.Module) -> AdaptNetwork:
        """The network itself, without what computes with 16 bits around it."""
        inner = network if isinstance(network, AdaptNetwork) else network.network
        assert isinstance(inner, AdaptNetwork)
        return inner

    def describe(self, batch: Batch) -> str:
        """The source images of a batch."""
        return "; ".join(batch["source"]["names"])

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Figures of a network on the way; its calibration on source images scores from now on."""
        assert isinstance(network, AdaptNetwork)
        figures = self._choose(network.detector, self._step)
        if self.settings.target.score == "calibrated":
            on_source = of_source(figures)
            self._calibration = {n: v for n, v in on_source.items() if n.startswith(PREFIX)}
        return figures

    def watch(self, step: int, progress: float, values: Mapping[str, float]) -> str:
        """Switch self-training; a reason to end if the pseudo labels have run away."""
        self._step = step
        return super().watch(step, progress, values) or self.log.collapsed()

    def state(self) -> dict[str, Any]:
        """That of every adaptation, calibration and log."""
        return {
            **super().state(),
            "step": self._step,
            "calibration": self._calibration,
            "skipped": sorted(self.skipped),
            "log": self.log.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` gave."""
        super().restore(state)
        self._step = int(state["step"])
        self._calibration = {name: float(v) for name, v in state["calibration"].items()}
        self.skipped.update(state["skipped"])
        self.log.restore(state["log"])
