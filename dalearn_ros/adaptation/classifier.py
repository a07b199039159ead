"""A plain classifier adapted on the training loop: the same four losses, a sample an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dalearn_ros.adaptation.classifier_data import class_repeats
from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings
from dalearn_ros.adaptation.domain import DomainClassifier, domain_loss
from dalearn_ros.adaptation.masking import self_training_loss
from dalearn_ros.adaptation.pseudo_labels import Role, apply_caps, choose_roles
from dalearn_ros.adaptation.schedule import Weights
from dalearn_ros.adaptation.settings import DomainSettings
from dalearn_ros.adaptation.task import Adaptation
from dalearn_ros.classification.augment import change, prepare
from dalearn_ros.classification.folders import ImageSet
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.classification.task import ClassificationTask
from dalearn_ros.core.rounds import Rounds
from dalearn_ros.training.loading import Batch


class Answers(NamedTuple):
    """What the networks say of n images.

    Attributes:
        classes: (n, C) logits of C.
        domains: (n,) logits of D; zeros without D.
    """

    classes: Tensor
    domains: Tensor


class AdaptedClassifier(nn.Module):
    """F and C of a plain classifier, and D beside them (U1).

    Attributes:
        classifier: F and C; what is used after learning (U16).
        domain: D for the features of an image; None without a domain loss.
    """

    def __init__(self, classifier: ImageClassifier, settings: DomainSettings) -> None:
        super().__init__()
        self.classifier = classifier
        wanted = settings.weight > 0.0
        self.domain = DomainClassifier(classifier.channels, settings) if wanted else None

    def forward(self, images: Tensor, progress: float) -> Answers:
        """(n, c, H, W) of 0 to 1, at a progress of 0 to 1."""
        features = self.classifier.features(images)
        classes = self.classifier.head(features)
        if self.domain is None:
            return Answers(classes, features.new_zeros(len(features)))
        return Answers(classes, self.domain(features, progress))


class ClassifierAdaptation(Adaptation):
    """Batches and losses of a classifier's adaptation.

    Attributes:
        teacher: Gives the scores if they come from the average; the run sets it.
    """

    def __init__(
        self,
        settings: AdaptClassifierSettings,
        source: ImageSet,
        target: ImageSet,
        few_shot: ImageSet | None,
        seed: int,
    ) -> None:
        """Prepare it.

        Args:
            settings: All of them.
            source: Labelled images.
            target: Images whose labels are not looked at.
            few_shot: A few labelled target images, or none.
            seed: Seed of the orders.
        """
        super().__init__(settings.adaptation)
        self.settings = settings
        self.teacher: AdaptedClassifier | None = None
        repeats = class_repeats(source, settings.oversampling)
        self._source = ClassificationTask(settings, source, seed, repeats)
        self._target, self._few_shot = target, few_shot
        self._order = Rounds(np.arange(len(target)), seed, "target")
        self._few_order: Rounds | None = None
        if few_shot is not None:
            repeats = class_repeats(few_shot, settings.oversampling)
            self._few_order = Rounds(np.repeat(np.arange(len(few_shot)), repeats), seed, "few")

    def batches(self, start: int, stop: int) -> Iterator[Batch]:
        """The batches of the steps start..stop-1: those of the source, and more.

        ``target`` (n, c, H, W) uint8; ``few_shot`` likewise and ``few_shot_label`` (n,), or None.
        """
        size, few = self.settings.target.size, self.settings.target.few_shot_size
        for step in range(start, stop):
            rows = self._order.take(step * size, (step + 1) * size)
            batch = {**self._source.labelled(step), "target": self._target.images[rows]}
            if self._few_shot is not None and self._few_order is not None:
                rows = self._few_order.take(step * few, (step + 1) * few)
                batch["few_shot"] = self._few_shot.images[rows]
                batch["few_shot_label"] = self._few_shot.labels[rows]
            yield batch

    def terms(self, network: nn.Module, batch: Batch, weights: Weights) -> dict[str, Tensor]:
        """See :class:`adaptation.task.Adaptation`; ``pseudo_labelled`` is a share of the target."""
        images = [prepare(batch[k]) for k in ("image", "target", "few_shot") if k in batch]
        strong = change(torch.cat(images), self.settings.augmentation)
        answers: Answers = network(strong, self._progress)
        source, target, *few = answers.classes.split([len(part) for part in images])
        loss = functional.cross_entropy(source, batch["label"])
        terms = {"convergence": loss, "source": loss}
        if few:
            terms["few_shot"] = functional.cross_entropy(few[0], batch["few_shot_label"])
        if weights.domain > 0.0:
            is_target = torch.arange(len(strong), device=strong.device) >= len(source)
            terms["domain"] = domain_loss(answers.domains, is_target)
        if weights.self_training > 0.0:
            terms.update(self._self_training(network, target, batch["target"]))
        return terms

    def pseudo_terms(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """See :class:`adaptation.task.Adaptation`; D is left out."""
        strong = change(prepare(batch["target"]), self.settings.augmentation)
        answers: Answers = network(strong, self._progress)
        return self._self_training(network, answers.classes, batch["target"])

    def _self_training(
        self, network: nn.Module, logits: Tensor, images: Tensor
    ) -> dict[str, Tensor]:
        """Loss of the strongly changed images by pseudo labels of the weakly changed ones (U6)."""
        pseudo = self.settings.adaptation.self_training.pseudo
        score, label = self._scores(network, images).max(dim=1)
        role = apply_caps(score, label, choose_roles(score, pseudo), len(score), pseudo)
        loss = self_training_loss(logits, label, role, pseudo.mask_value)
        return {"self_training": loss, "pseudo_labelled": (role == Role.LABEL).float().mean()}

    @torch.no_grad()
    def _scores(self, network: nn.Module, images: Tensor) -> Tensor:
        """(n, C) softmax values of weakly changed images, made afresh in every step (U7)."""
        weak = change(prepare(images), self.settings.augmentation, self.settings.target.weak)
        average = self.settings.adaptation.self_training.pseudo.scores_from == "average"
        if average and self.teacher is not None:
            return self.teacher.classifier(weak).softmax(dim=1)
        network.eval()
        try:
            return network(weak, self._progress).classes.softmax(dim=1)
        finally:
            network.train()

    def describe(self, batch: Batch) -> str:
        """The step of a batch."""
        return self._source.describe(batch)

    def validate(self, network: nn.Module) -> dict[str, float]:
        """Nothing: the target has no labels."""
        return {}
