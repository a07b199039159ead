"""A run folder of an adapted classifier: source only, adapted, and what both score."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from dalearn_ros.adaptation.classifier import AdaptedClassifier, ClassifierAdaptation
from dalearn_ros.adaptation.classifier_choice import Judgement, judge
from dalearn_ros.adaptation.classifier_data import Data, Folders, class_repeats, read_data
from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings, check_classifier
from dalearn_ros.classification.folders import ImageSet, read_labelled
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.classification.task import ClassificationTask, classify
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
)
from dalearn_ros.training.loop import WEIGHTS, Trainer
from dalearn_ros.training.peers import ALONE
from dalearn_ros.training.run_folder import FORMAT_VERSION, claim_run

ADAPTED, SOURCE_ONLY, METRICS = "adapted", "source_only", "metrics.json"
NAMES = (ADAPTED, SOURCE_ONLY)
_PREFIX = "classifier."
Event = tuple[int, str, str]


def adapt_classifier(
    folders: Folders,
    run: Path,
    settings: AdaptClassifierSettings,
    seed: int,
    init: Path | None = None,
    settings_file: str = "settings",
) -> dict[str, Any]:
    """Train with source labels only and adapted, or go on with the run in the folder.

    Args:
        folders: What to learn from, and what to score on.
        run: The folder: ``source_only/``, ``adapted/``, ``weights.safetensors`` with F and C of
            the one that is kept (U16), and ``metrics.json``.
        settings: All settings.
        seed: Seed of weights, orders and changes.
        init: Weights file, or folder with one, that both start from.
        settings_file: Where the settings are from, for the sentence of an error.

    Returns:
        What ``metrics.json`` holds: ``accuracy`` and ``source_only_accuracy`` (None without
        ``folders.evaluate``), and what was read and done.

    Raises:
        InputError: The folder holds something else, or a run that differs.
        DatasetError: No images, or classes that do not fit.
        ModelError: ``init`` does not fit, or a loss is not finite.
        SettingsError: Settings that make no sense together.
    """
    for warning in check_classifier(settings, settings_file):
        logging.getLogger(__name__).warning("%s", warning)
    data = read_data(folders, settings)
    claim_run(run, _description(folders, data, settings, seed, init))
    train_source_only(data, run / SOURCE_ONLY, settings, seed, init)
    events = train_adapted(data, run / ADAPTED, settings, seed, init)
    networks = {name: open_classifier(run / name, data, settings) for name in NAMES}
    adapted, alone = (networks[name] for name in NAMES)
    judgement = judge(adapted, alone, data.target.images, data.classes, settings, seed)
    kept = SOURCE_ONLY if judgement.refused else ADAPTED
    header = {"kept": kept, "classes": list(data.classes)}
    groups = {"network": dict(networks[kept].state_dict())}
    save_checkpoint(run / WEIGHTS, Checkpoint(groups, header))
    metrics = _metrics(folders, networks, data, settings, judgement)
    metrics["self_training"] = [{"step": s, "what": what, "why": why} for s, what, why in events]
    write_json(run / METRICS, metrics)
    return metrics


def train_source_only(
    data: Data, run: Path, settings: AdaptClassifierSettings, seed: int, init: Path | None = None
) -> None:
    """Train on the source's labels alone, or go on; the weights are in ``run``."""
    run.mkdir(parents=True, exist_ok=True)
    network = make_classifier(settings, data, seed, init)
    repeats = class_repeats(data.source, settings.oversampling)
    task = ClassificationTask(settings, data.source, seed, repeats)
    Trainer(network, task, settings.loop, run, ALONE, seed).run()


def train_adapted(
    data: Data, run: Path, settings: AdaptClassifierSettings, seed: int, init: Path | None = None
) -> list[Event]:
    """Train adapted, or go on; the weights are in ``run``.

    Returns:
        (step, what, why) of each switch of self-training.
    """
    run.mkdir(parents=True, exist_ok=True)
    classifier = make_classifier(settings, data, seed, init)
    torch.manual_seed(seed)  # of D's weights
    network = AdaptedClassifier(classifier, settings.adaptation.domain).to(ALONE.device)
    task = ClassifierAdaptation(settings, data.source, data.target, data.few_shot, seed)
    trainer = Trainer(network, task, settings.loop, run, ALONE, seed)
    average = trainer.average.network
    assert isinstance(average, AdaptedClassifier)
    task.teacher = average
    trainer.run()
    return task.schedule.events


def make_classifier(
    settings: AdaptClassifierSettings, data: Data, seed: int, init: Path | None
) -> ImageClassifier:
    """A network with random weights that depend on the seed alone, or with those of a file.

    Raises:
        ModelError: The weights are of another network.
    """
    torch.manual_seed(seed)
    network = ImageClassifier(settings.network, data.channels, len(data.classes))
    if init is not None:
        load_classifier(network, init)
    return network.to(ALONE.device).to(memory_format=torch.channels_last)


def load_classifier(network: ImageClassifier, path: Path) -> None:
    """Put the weights of a run or of a file into a network; those of D are not needed.

    Raises:
        ModelError: There are none, or they are of another network.
    """
    inside = (path / WEIGHTS, path)
    file = next((place for place in inside if place.is_file()), path / WEIGHTS)
    state = dict(load_checkpoint(file).groups.get("network", {}))
    both = any(name.startswith(_PREFIX) for name in state)
    if both:
        state = {n[len(_PREFIX) :]: v for n, v in state.items() if n.startswith(_PREFIX)}
    load_weights(network, state, file)


def open_classifier(run: Path, data: Data, settings: AdaptClassifierSettings) -> ImageClassifier:
    """The network of a run, in evaluation mode."""
    return make_classifier(settings, data, 0, run).eval()


def score(
    network: ImageClassifier, labelled: ImageSet, classes: Sequence[str]
) -> tuple[float, dict[str, float]]:
    """Share of labelled images that is right, of all and {name: of those of a class}."""
    right = classify(network, labelled.images).argmax(dim=1) == labelled.labels
    shares = {
        name: float(right[labelled.labels == number].float().mean())
        for number, name in enumerate(classes)
        if bool((labelled.labels == number).any())
    }
    return float(right.float().mean()), shares


def _metrics(
    folders: Folders,
    networks: Mapping[str, ImageClassifier],
    data: Data,
    settings: AdaptClassifierSettings,
    judgement: Judgement,
) -> dict[str, Any]:
    """``accuracy`` is that of the network that is kept."""
    kept = SOURCE_ONLY if judgement.refused else ADAPTED
    found: dict[str, Any] = {"accuracy": None, "source_only_accuracy": None}
    sets = data.sets
    if folders.evaluate is not None:
        labelled = read_labelled(folders.evaluate, data.classes, settings.input.size, data.channels)
        sets.append(labelled)
        found["evaluated_images"] = len(labelled)
        for name, network in networks.items():
            found[f"{name}_accuracy"], found[f"{name}_per_class"] = score(
                network, labelled, data.classes
            )
        found["accuracy"] = found[f"{kept}_accuracy"]
    return {
        **found,
        "kept": kept,
        "refused": judgement.refused,
        "agreement": judgement.agreement,
        "source_only_agreement": judgement.source_only_agreement,
        "classes": list(data.classes),
        "source_images": len(data.source),
        "target_images": len(data.target),
        "target_repeated": data.target.repeated,
        "unreadable": [sentence for one in sets for sentence in one.unreadable],
        "left_out": data.left_out,
    }


def _description(
    folders: Folders, data: Data, settings: AdaptClassifierSettings, seed: int, init: Path | None
) -> dict[str, Any]:
    names = ("source", "target", "few_shot")
    paths = (folders.source, folders.target, folders.few_shot)
    sets = (data.source, data.target, data.few_shot)
    return {
        "format": "classifier adaptation run",
        "format_version": FORMAT_VERSION,
        "settings": dump_settings(settings),
        "classes": list(data.classes),
        "seed": seed,
        "init": None if init is None else str(init),
        **{
            name: None
            if one is None
            else {"path": str(path), "images": len(one), "content": one.fingerprint}
            for name, path, one in zip(names, paths, sets, strict=True)
        },
    }
