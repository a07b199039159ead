"""The four losses on images: who contributes, who learns, and in which stage."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from helpers.tiny_images import SHAPES, TINY, write_images
from torch import Tensor
from torch.nn import functional

from dalearn_ros.adaptation import classifier as module
from dalearn_ros.adaptation.classifier import AdaptedClassifier, ClassifierAdaptation
from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings, check_classifier
from dalearn_ros.classification.folders import ImageSet, read_flat, read_labelled
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import load_settings

Sets = tuple[ImageSet, ImageSet, ImageSet]


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Sets:
    """Source, target, few-shot."""
    place = tmp_path_factory.mktemp("images")
    return (
        read_labelled(write_images(place / "a"), SHAPES, 16, 0),
        read_flat(write_images(place / "b", seed=1), 16, 0),
        read_labelled(write_images(place / "c", count=1, seed=2), SHAPES, 16, 0),
    )


def _settings(**adaptation: Any) -> AdaptClassifierSettings:
    off = {"shift": 0.0, "scale": 0.0, "aspect": 0.0, "turn_deg": 0.0, "shear": 0.0, "stroke": 0.0}
    none = {**off, "blur": 0.0, "contrast": 0.0, "noise": 0.0}
    changes = {**TINY, "augmentation": none, "adaptation": adaptation}
    return load_settings(AdaptClassifierSettings, None, changes)


def _ready(
    sets: Sets, settings: AdaptClassifierSettings, few_shot: bool = False, running: bool = True
) -> tuple[AdaptedClassifier, ClassifierAdaptation]:
    torch.manual_seed(0)
    network = ImageClassifier(settings.network, 1, 3)
    task = ClassifierAdaptation(settings, sets[0], sets[1], sets[2] if few_shot else None, 0)
    task.schedule.running = running
    return AdaptedClassifier(network, settings.adaptation.domain).train(), task


def _batch(task: ClassifierAdaptation, step: int = 0) -> dict[str, Any]:
    return next(iter(task.batches(step, step + 1)))


def test_the_total_is_the_weighted_sum(sets: Sets) -> None:
    settings = _settings(
        source_weight=2.0, few_shot_weight=3.0, domain={"weight": 0.5},
        self_training={"weight": 0.7, "fall_from": 0.9, "pseudo": {"threshold": 0.0}},
    )  # fmt: skip
    network, task = _ready(sets, settings, few_shot=True)
    terms = task.losses(network, _batch(task))
    total = 2.0 * terms["source"] + 3.0 * terms["few_shot"] + 0.5 * terms["domain"]
    assert terms["total"].item() == pytest.approx((total + 0.7 * terms["self_training"]).item())
    assert terms["pseudo_labelled"] == 1.0
    assert terms["domain"].item() == pytest.approx(0.69, abs=0.1)


def test_before_the_start_there_is_no_self_training(sets: Sets) -> None:
    network, task = _ready(sets, _settings(), running=False)
    assert "self_training" not in task.losses(network, _batch(task))


def test_rare_classes_come_as_often_as_common_ones(sets: Sets) -> None:
    rare = dataclasses.replace(sets[0], labels=torch.tensor([0] * 8 + [1] * 2 + [2] * 2))
    task = ClassifierAdaptation(_settings(), rare, sets[1], None, 0)
    labels = torch.cat([batch["label"] for batch in task.batches(0, 4)])  # 24: a round
    assert torch.bincount(labels).tolist() == [8, 8, 8]


def test_few_labelled_images_are_target_images_for_the_domain_loss(
    sets: Sets, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []

    def spy(logits: Tensor, is_target: Tensor) -> Tensor:
        seen.append(is_target)
        return logits.mean()

    monkeypatch.setattr(module, "domain_loss", spy)
    network, task = _ready(sets, _settings(), few_shot=True)
    task.losses(network, _batch(task))
    assert seen[0].tolist() == [False] * 6 + [True] * (6 + 2)


def test_pseudo_labels_are_the_answers_to_weakly_changed_images(sets: Sets) -> None:
    settings = _settings(self_training={"pseudo": {"threshold": 0.0, "scores_from": "network"}})
    network, task = _ready(sets, settings)
    batch = _batch(task)
    network.eval()
    images = batch["target"].float() / 255.0
    label = network.classifier(images).argmax(dim=1)  # nothing is changed at random here
    network.train()
    buffers = {name: value.clone() for name, value in network.named_buffers()}
    terms = task._self_training(network, network.classifier(images), batch["target"])
    expected = functional.cross_entropy(network.classifier(images), label)
    assert terms["self_training"].item() == pytest.approx(expected.item(), abs=1e-5)
    assert network.training
    counts = [n for n in buffers if n.endswith("num_batches_tracked")]
    after = dict(network.named_buffers())
    assert all(after[n] == buffers[n] + 2 for n in counts)  # the scores left no trace


def test_the_average_gives_the_scores_if_it_is_asked(sets: Sets) -> None:
    settings = _settings(self_training={"pseudo": {"threshold": 0.0}})
    network, task = _ready(sets, settings)
    teacher, _ = _ready(sets, settings)
    with torch.no_grad():
        teacher.classifier.head.bias.copy_(torch.tensor([0.0, 0.0, 50.0]))
    task.teacher = teacher.eval()
    batch = _batch(task)
    logits = torch.zeros(6, 3)
    logits[:, 2] = 100.0  # what the teacher says
    assert task._self_training(network, logits, batch["target"])["self_training"] < 1e-6


def test_the_second_stage_leaves_the_domain_classifier_alone(sets: Sets) -> None:
    settings = _settings(self_training={"stages": 2, "pseudo": {"threshold": 0.0}})
    network, task = _ready(sets, settings)
    assert network.domain is not None
    first = task.losses(network, _batch(task, 0))
    assert "self_training" not in first and "domain" in first
    second = task.losses(network, _batch(task, 1))
    assert set(second) == {*first, "self_training", "pseudo_labelled"}
    second["total"].backward()
    assert all(parameter.grad is None for parameter in network.domain.parameters())
    assert all(p.grad is not None for p in network.classifier.parameters())
    assert second["convergence"].item() == pytest.approx(first["source"].item())


def test_watching_starts_self_training_and_its_state_returns(sets: Sets) -> None:
    settings = _settings(self_training={"start": {"share": 0.3}})
    network, task = _ready(sets, settings, running=False)
    assert task.watch(1, 0.2, {"source": 1.0, "domain": 0.7}) == ""
    assert not task.schedule.running
    task.watch(2, 0.4, {"source": 1.0, "domain": 0.7})
    assert task.schedule.running
    other = _ready(sets, settings, running=False)[1]
    other.restore(task.state())
    assert other.state() == task.state()
    assert other.schedule.running


def test_without_a_domain_loss_there_is_no_domain_classifier(sets: Sets) -> None:
    network, task = _ready(sets, _settings(domain={"weight": 0.0}))
    assert network.domain is None
    assert "domain" not in task.losses(network, _batch(task))


@pytest.mark.parametrize(
    "changes,text",
    [
        ({"adaptation": {"domain": {"levels": "both"}}}, "has no subregions"),
        ({"network": {"widths": []}}, "at least one width"),
        ({"adaptation": {"self_training": {"pseudo": {"class_cap": 0}}}}, "a limit above 0"),
    ],
)
def test_settings_that_make_no_sense_are_sentences(changes: dict[str, Any], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        check_classifier(load_settings(AdaptClassifierSettings, None, changes))
