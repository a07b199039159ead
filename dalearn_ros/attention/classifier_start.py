"""What a plain classifier or regressor learns from and begins with: data, make, network (A8)."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from dalearn_ros.attention.classifier import ImageAttention
from dalearn_ros.attention.classifier_data import Examples, names_of, read_examples
from dalearn_ros.attention.classifier_run import (
    CLASSIFICATION,
    ImageRun,
    Make,
    build_image_network,
    check_names,
    open_image_run,
)
from dalearn_ros.attention.classifier_settings import ImageSettings
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.settings import dump_settings, load_settings

OF_THE_START = ("network", "input")
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class ImageInputs:
    """What a plain network learns from.

    Attributes:
        task: ``classification`` or ``regression``.
        data: Folder to learn from; corrected maps belong to images in it.
        validation: Folder to judge on, and to see what breaks elsewhere; or None.
        init: Run folder of the start; None: random weights.
        edits: Folder of corrected maps; None: the network learns without.
    """

    task: str
    data: Path
    validation: Path | None = None
    init: Path | None = None
    edits: Path | None = None


def image_settings(init: Path | None, config: Path | None) -> ImageSettings:
    """Settings; network and input are the start's, and split and branch if it has a branch.

    Raises:
        SettingsError: A settings file that cannot be used.
        ModelError: ``init`` is no finished run of a classifier or regressor.
    """
    if init is None:
        return load_settings(ImageSettings, config)
    start = open_image_run(init)
    values = dump_settings(start.settings)
    names = (*OF_THE_START, "split", "branch") if start.make.branch else OF_THE_START
    return load_settings(ImageSettings, config, {name: values[name] for name in names})


def read_inputs(
    inputs: ImageInputs, settings: ImageSettings, start: ImageRun | None
) -> tuple[Examples, Examples | None]:
    """The images to learn from, and those to judge on.

    Raises:
        DatasetError: Images that cannot be read, or of other classes than the start's.
    """
    names = names_of(inputs.data, inputs.task)
    if start is not None:
        if inputs.task == CLASSIFICATION and set(names) <= set(start.make.names):
            names = start.make.names  # a class may lack a folder
        check_names(start, inputs.task, names, inputs.data)
    channels = settings.input.channels if start is None else start.make.channels
    data = read_examples(inputs.data, inputs.task, names, settings.input.size, channels)
    if inputs.validation is None:
        return data, None
    wanted = int(data.images.images.shape[1])
    found = read_examples(inputs.validation, inputs.task, names, settings.input.size, wanted)
    return data, found


def make_of(
    inputs: ImageInputs, settings: ImageSettings, data: Examples, start: ImageRun | None
) -> Make:
    """What the network is made for: the start's, or by the data.

    Raises:
        ModelError: The start has a branch, and the settings want the map of a network without one.
    """
    branch = settings.attention.source == "branch"
    if start is not None:
        if start.make.branch and not branch:
            expected = "a network without an attention branch, for attention.source 'cam'"
            hint = "It has a map of its own: use attention.source 'branch'."
            raise ModelError.at(start.path, "", expected, "one with a branch", hint)
        return dataclasses.replace(start.make, branch=branch)
    channels = int(data.images.images.shape[1])
    if inputs.task == CLASSIFICATION:
        return Make(inputs.task, data.names, channels, branch)
    values = data.truth.double()
    spread = values.std(dim=0, unbiased=False).clamp(min=_LEAST_SPREAD)
    scale = tuple(values.mean(dim=0).tolist()), tuple(spread.tolist())
    return Make(inputs.task, data.names, channels, branch, *scale)


def start_network(
    settings: ImageSettings, make: Make, start: ImageRun | None, seed: int
) -> tuple[ImageAttention, bool]:
    """The network, in a shell with a new branch where it has none, and whether that is new."""
    if start is None:
        shell = build_image_network(settings, dataclasses.replace(make, branch=True), seed)
        assert isinstance(shell, ImageAttention)
        return shell, True
    if isinstance(start.network, ImageAttention):
        return copy.deepcopy(start.network), False
    torch.manual_seed(seed)
    return shell_of(copy.deepcopy(start.network), settings), True


def shell_of(network: nn.Module, settings: ImageSettings) -> ImageAttention:
    """A plain network with a new, random attention branch around its parts."""
    assert isinstance(network, ImageClassifier)
    shell = ImageAttention(network, settings.network, settings.split, settings.branch)
    return shell.to(memory_format=torch.channels_last)
