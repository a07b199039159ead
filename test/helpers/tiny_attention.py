"""Tiny image networks with an attention branch, as run folders without training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from dalearn_ros.attention.classifier_run import (
    CLASSIFICATION,
    IMAGE_FORMAT,
    Make,
    build_image_network,
)
from dalearn_ros.attention.classifier_settings import ImageSettings
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.training.checkpoint import Checkpoint, save_checkpoint
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import FORMAT_VERSION, RUN_FILE
from helpers.tiny_depth import merged

TINY: dict[str, Any] = {
    "network": {"widths": [4, 8], "depth": 1, "features": 8, "dropout": 0.0},
    "input": {"size": 16},
    "split": 1,
    "batch": {"size": 6, "threads": 1},
    "loop": {"steps": 6, "warmup_steps": 1, "log_every": 1, "checkpoint_every": 2},
}


def image_settings(changes: dict[str, Any] | None = None) -> ImageSettings:
    """The tiny settings with changes, key by key."""
    return load_settings(ImageSettings, None, merged(TINY, changes or {}))


def write_image_run(path: Path, make: Make | None = None, seed: int = 1) -> Path:
    """The run of a network with random weights; a classifier of three shapes by default."""
    make = make or Make(CLASSIFICATION, ("bar", "cross", "dot"), 3, True)
    settings = image_settings()
    network = build_image_network(settings, make, seed)
    path.mkdir(parents=True)
    marks = {"format": IMAGE_FORMAT, "format_version": FORMAT_VERSION}
    about = {"settings": dump_settings(settings), "make": dataclasses.asdict(make)}
    write_json(path / RUN_FILE, {**marks, **about})
    save_checkpoint(
        path / WEIGHTS, Checkpoint({"network": dict(network.state_dict())}, {"step": 0})
    )
    return path
