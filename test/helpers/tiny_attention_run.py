"""Run folders of detectors with an attention branch that has learnt nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dalearn_ros.attention.run import LANDMARK_FORMAT, start_landmark_run
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.training.checkpoint import Checkpoint, save_checkpoint
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import FORMAT_VERSION, RUN_FILE


def write_attention(
    path: Path, detector_path: Path, decoding: Mapping[str, float] | None = None, **branch: Any
) -> Path:
    """The run folder of a detector with a new branch on it; returns ``path``.

    The branch's last layers are made larger than new ones are, so that its map tells one place of
    an image from another.

    Args:
        path: The new folder.
        detector_path: A finished run folder of 'dalearn train'.
        decoding: Settings of the detector's decoding that are to be others.
        branch: Settings of :class:`BranchSettings` that are not the defaults.
    """
    make = BranchSettings(**branch)
    run = start_landmark_run(detector_path, make, 3)
    network = run.network
    with torch.no_grad():
        network.branch.responses.weight.mul_(4.0)
        if not make.fixed_place:  # else it stays all ones
            network.branch.place.weight.mul_(20.0)
    settings = dump_settings(run.settings)
    settings["decoding"].update(decoding or {})
    description = {
        **run.description,
        "format": LANDMARK_FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": settings,
        "branch": dump_settings(make),
        "label_space": run.label_space.to_dict(),
    }
    write_json(path / RUN_FILE, description)
    weights = Checkpoint({"network": network.state_dict()}, dict(run.header))
    save_checkpoint(path / WEIGHTS, weights)
    return path
