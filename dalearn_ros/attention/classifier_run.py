"""Run folders of plain classifiers and regressors, with an attention branch or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dalearn_ros.attention.classifier import ImageAttention
from dalearn_ros.attention.classifier_settings import ImageSettings
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.settings import load_settings
from dalearn_ros.training.checkpoint import load_weights
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import read_run
from dalearn_ros.training.run_reading import described_run, finished_weights, reading_of

IMAGE_FORMAT = "image network run"
CLASSIFICATION, REGRESSION = "classification", "regression"


@dataclass(frozen=True)
class Make:
    """What a network of this kind is for; it stands in ``run.json`` as ``make``.

    Attributes:
        task: ``classification`` or ``regression``.
        names: Of the classes or values.
        channels: Of the images, 1 or 3.
        branch: Whether it has an attention branch.
        mean: Of each value in what was learnt from; a regressor answers (value - mean) / spread.
        spread: Likewise, above 0.
    """

    task: str
    names: tuple[str, ...]
    channels: int
    branch: bool
    mean: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()


@dataclass(frozen=True)
class ImageRun:
    """A classifier or regressor.

    Attributes:
        path: Its folder.
        settings: Of its training; those of network, input, split and branch are the network's.
        make: What it is for.
        network: In evaluation; :class:`ImageAttention`, or without a branch
            :class:`ImageClassifier`.
        header: Step, minutes and figures of the weights.
    """

    path: Path
    settings: ImageSettings
    make: Make
    network: nn.Module
    header: Mapping[str, Any]


def build_image_network(settings: ImageSettings, make: Make, seed: int) -> nn.Module:
    """A network with random weights that depend on the seed alone."""
    torch.manual_seed(seed)
    plain = ImageClassifier(settings.network, make.channels, len(make.names))
    found: nn.Module = plain
    if make.branch:
        found = ImageAttention(plain, settings.network, settings.split, settings.branch)
    return found.to(memory_format=torch.channels_last)


def is_image_run(path: Path) -> bool:
    """Whether a folder is a run of a plain classifier or regressor.

    Raises:
        ModelError: The folder's ``run.json`` is damaged.
    """
    description = read_run(path)
    return description is not None and description.get("format") == IMAGE_FORMAT


def open_image_run(path: Path) -> ImageRun:
    """Open the run folder of a plain classifier or regressor.

    Raises:
        ModelError: Not such a folder, not finished, or damaged.
    """
    hint = "Give the --out of 'dalearn retrain-attention --task classification'."
    description = described_run(path, IMAGE_FORMAT, hint)
    with reading_of(path):
        settings = load_settings(ImageSettings, None, description["settings"])
        make = load_settings(Make, None, description["make"])
    checkpoint = finished_weights(path, "retrain-attention")
    network = build_image_network(settings, make, 0)
    load_weights(network, dict(checkpoint.groups.get("network", {})), path / WEIGHTS)
    return ImageRun(path, settings, make, network.eval(), checkpoint.header)


def check_names(run: ImageRun, task: str, names: Sequence[str], source: Path) -> None:
    """Raise ModelError if a run is for another task, or for other classes or values than data."""
    if run.make.task != task:
        raise ModelError.at(run.path, "", f"a network for {task}", f"one for {run.make.task}")
    if run.make.names != tuple(names):
        expected = f"the names of {source} ({', '.join(names)})"
        raise ModelError.at(run.path, "", expected, ", ".join(run.make.names))
