"""Run folders of networks with an attention branch: opening them, and starting from one without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dalearn_ros.attention.network import LandmarkAttention
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.core.settings import load_settings
from dalearn_ros.detector.regime import build_network
from dalearn_ros.detector.run import open_run
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.training.checkpoint import load_weights
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import RUN_FILE, read_run
from dalearn_ros.training.run_reading import described_run, finished_weights, reading_of

LANDMARK_FORMAT = "landmark-detector run with an attention branch"


@dataclass(frozen=True)
class LandmarkRun:
    """A landmark detector with an attention branch.

    Attributes:
        path: Its folder.
        settings: The detector's.
        label_space: Its classes.
        network: In evaluation; with the run's averaged weights, or with a new branch.
        branch: Make of the branch.
        header: Step, minutes and figures of the weights.
        description: What ``run.json`` says.
        is_new: Whether the branch has learnt nothing yet.
    """

    path: Path
    settings: TrainSettings
    label_space: LabelSpace
    network: LandmarkAttention
    branch: BranchSettings
    header: Mapping[str, Any]
    description: Mapping[str, Any]
    is_new: bool


def has_attention(path: Path) -> bool:
    """Whether a run folder's detector has an attention branch.

    Raises:
        ModelError: The folder's ``run.json`` is damaged.
    """
    description = read_run(path)
    return description is not None and description.get("format") == LANDMARK_FORMAT


def open_landmark_run(path: Path) -> LandmarkRun:
    """Open the run folder of a detector with an attention branch.

    Raises:
        ModelError: Not such a folder, not finished, or damaged.
    """
    hint = "'dalearn retrain-attention' gives a detector one."
    description = described_run(path, LANDMARK_FORMAT, hint)
    with reading_of(path):
        settings = load_settings(TrainSettings, None, description["settings"])
        branch = load_settings(BranchSettings, None, description["branch"])
        space = LabelSpace.from_dict(description["label_space"], str(path / RUN_FILE))
    checkpoint = finished_weights(path, "retrain-attention")
    network = LandmarkAttention(build_network(settings, space, 0), branch)
    load_weights(network, dict(checkpoint.groups.get("network", {})), path / WEIGHTS)
    header = checkpoint.header
    return LandmarkRun(path, settings, space, network.eval(), branch, header, description, False)


def start_landmark_run(path: Path, branch: BranchSettings, seed: int) -> LandmarkRun:
    """The run to go on from: one with an attention branch, or one that gets a new one here.

    Args:
        path: A run folder, of either kind.
        branch: Make of a new branch; a run that has one keeps its own.
        seed: Of a new branch's weights.

    Raises:
        ModelError: Not a run folder, not finished, or damaged.
    """
    if has_attention(path):
        return open_landmark_run(path)
    run = open_run(path)
    torch.manual_seed(seed)
    network = LandmarkAttention(run.network, branch).to(memory_format=torch.channels_last)
    found = run.path, run.settings, run.label_space, network.eval(), branch
    return LandmarkRun(*found, run.header, run.description, True)
