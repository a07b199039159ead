"""A run folder of an adapted classifier: source only, adapted, and what both score."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dalearn_ros.adaptation.classifier import AdaptedClassifier, ClassifierAdaptation
from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings, check_classifier
from dalearn_ros.classification.folders import (
    ImageSet,
    check_classes,
    class_names,
    read_flat,
    read_labelled,
)
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.classification.task import ClassificationTask, classify
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.training.checkpoint import load_checkpoint, load_weights
from dalearn_ros.training.loop import WEIGHTS, Trainer
from dalearn_ros.training.peers import ALONE
from dalearn_ros.training.run_folder import FORMAT_VERSION, claim_run

ADAPTED, SOURCE_ONLY, METRICS = "adapted", "source_only", "metrics.json"
_HANDFUL = 10  # images of a class below which nothing much can be learnt of the target
_PREFIX = "classifier."
Event = tuple[int, str, str]


@dataclass(frozen=True)
class Folders:
    """What is read.

    Attributes:
        source: Labelled images, a folder a class.
        target: Images; the names of its folders are not looked at.
        few_shot: A few labelled target images, or None.
        evaluate: Labelled target images for the score alone, opened after the training; or None.
    """

    source: Path
    target: Path
    few_shot: Path | None = None
    evaluate: Path | None = None


@dataclass(frozen=True)
class Data:
    """What is learnt from."""

    classes: tuple[str, ...]
    source: ImageSet
    target: ImageSet
    few_shot: ImageSet | None

    @property
    def channels(self) -> int:
        """1 or 3, of all images."""
        return int(self.source.images.shape[1])

    @property
    def sets(self) -> list[ImageSet]:
        """All that there are."""
        return [data for data in (self.source, self.target, self.few_shot) if data is not None]


def adapt_classifier(
    folders: Folders, run: Path, settings: AdaptClassifierSettings, seed: int, init: Path | None
) -> dict[str, Any]:
    """Train with source labels only and adapted, or go on with the run in the folder.

    Args:
        folders: What to learn from, and what to score on.
        run: The folder: ``source_only/``, ``adapted/`` and ``metrics.json``.
        settings: All settings.
        seed: Seed of weights, orders and changes.
        init: Weights file, or folder with one, that both start from.

    Returns:
        What ``metrics.json`` holds: ``accuracy`` and ``source_only_accuracy`` (None without
        ``folders.evaluate``), and what was read and done.

    Raises:
        InputError: The folder holds something else, or a run that differs.
        DatasetError: No images, or classes that do not fit.
        ModelError: ``init`` does not fit, or a loss is not finite.
        SettingsError: Settings that make no sense together.
    """
    for warning in check_classifier(settings):
        logging.getLogger(__name__).warning("%s", warning)
    data = read_data(folders, settings)
    claim_run(run, _description(folders, data, settings, seed, init))
    train_source_only(data, run / SOURCE_ONLY, settings, seed, init)
    events = train_adapted(data, run / ADAPTED, settings, seed, init)
    metrics = _metrics(folders, run, data, settings, events)
    write_json(run / METRICS, metrics)
    return metrics


def train_source_only(
    data: Data, run: Path, settings: AdaptClassifierSettings, seed: int, init: Path | None = None
) -> None:
    """Train on the source's labels alone, or go on; the weights are in ``run``."""
    run.mkdir(parents=True, exist_ok=True)
    network = make_classifier(settings, data, seed, init)
    task = ClassificationTask(settings, data.source, seed)
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


def read_data(folders: Folders, settings: AdaptClassifierSettings) -> Data:
    """Read all that is learnt from; of ``folders.evaluate`` only the folders' names.

    Raises:
        DatasetError: No images, classes that do not fit, or a target that is the source.
    """
    classes = class_names(folders.source)
    if len(classes) < 2:
        raise DatasetError.at(folders.source, "", "at least two classes", f"only {classes[0]}")
    for path in (folders.few_shot, folders.evaluate):
        if path is not None:
            check_classes(path, class_names(path), classes, folders.source)
    size, channels = settings.input.size, settings.input.channels
    source = read_labelled(folders.source, classes, size, channels)
    empty = [n for i, n in enumerate(classes) if not bool((source.labels == i).any())]
    if empty:
        raise DatasetError.at(folders.source, empty[0], "images of this class", "no readable one")
    target = read_flat(folders.target, size, channels)
    if set(source.digests) == set(target.digests):
        raise DatasetError(
            f"{folders.target}: holds the same images as {folders.source}; there is nothing to "
            "adapt to."
        )
    few_shot = None
    if folders.few_shot is not None:
        few_shot = read_labelled(folders.few_shot, classes, size, channels)
    sets = [data for data in (source, target, few_shot) if data is not None]
    wanted = max(int(data.images.shape[1]) for data in sets)
    if len(target) < _HANDFUL * len(classes):
        logging.getLogger(__name__).warning(
            "%s: only %d images for %d classes; do not expect much.",
            folders.target, len(target), len(classes),
        )  # fmt: skip
    return Data(
        classes,
        source.with_channels(wanted),
        target.with_channels(wanted),
        None if few_shot is None else few_shot.with_channels(wanted),
    )


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
    """Put the weights of a run, its adapted ones if it has them, or of a file into a network.

    Raises:
        ModelError: There are none, or they are of another network.
    """
    inside = (path / ADAPTED / WEIGHTS, path / WEIGHTS, path)
    file = next((place for place in inside if place.is_file()), path / WEIGHTS)
    state = dict(load_checkpoint(file).groups.get("network", {}))
    both = any(name.startswith(_PREFIX) for name in state)
    if both:
        state = {n[len(_PREFIX) :]: v for n, v in state.items() if n.startswith(_PREFIX)}
    load_weights(network, state, file)


def score_run(
    run: Path, data: Data, settings: AdaptClassifierSettings, labelled: ImageSet
) -> dict[str, Any]:
    """``accuracy`` on labelled images, and ``per_class`` {name: share that is right}.

    Args:
        run: A folder with weights.
        data: What they were learnt from.
        settings: Of their training.
        labelled: Images with labels.
    """
    network = make_classifier(settings, data, 0, run).eval()
    right = classify(network, labelled.images).argmax(dim=1) == labelled.labels
    shares = {
        name: float(right[labelled.labels == number].float().mean())
        for number, name in enumerate(data.classes)
        if bool((labelled.labels == number).any())
    }
    return {"accuracy": float(right.float().mean()), "per_class": shares}


def _metrics(
    folders: Folders,
    run: Path,
    data: Data,
    settings: AdaptClassifierSettings,
    events: Sequence[Event],
) -> dict[str, Any]:
    found: dict[str, Any] = {"accuracy": None, "source_only_accuracy": None}
    sets = data.sets
    if folders.evaluate is not None:
        labelled = read_labelled(folders.evaluate, data.classes, settings.input.size, data.channels)
        sets.append(labelled)
        scores = {
            name: score_run(run / name, data, settings, labelled) for name in (ADAPTED, SOURCE_ONLY)
        }
        found["accuracy"] = scores[ADAPTED]["accuracy"]
        found["source_only_accuracy"] = scores[SOURCE_ONLY]["accuracy"]
        found["per_class"] = scores[ADAPTED]["per_class"]
        found["source_only_per_class"] = scores[SOURCE_ONLY]["per_class"]
        found["evaluated_images"] = len(labelled)
    return {
        **found,
        "classes": list(data.classes),
        "source_images": len(data.source),
        "target_images": len(data.target),
        "target_repeated": data.target.repeated,
        "unreadable": [sentence for one in sets for sentence in one.unreadable],
        "self_training": [{"step": step, "what": what, "why": why} for step, what, why in events],
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
            else {"path": str(path), "images": len(one), "content": one.digest}
            for name, path, one in zip(names, paths, sets, strict=True)
        },
    }
