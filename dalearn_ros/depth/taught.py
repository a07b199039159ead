"""What a depth head was taught with, as its run folder says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from dalearn_ros.coding.location import LOCATION
from dalearn_ros.coding.metadata import DepthMetadata
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.settings import load_settings
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.training.checkpoint import load_checkpoint, load_weights
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import RUN_FILE, read_run
from dalearn_ros.training.run_reading import reading_of

DEPTH = "depth"  # key of run.json and group of the weights of a run with a depth head


@dataclass(frozen=True)
class Taught:
    """What a depth head was taught with.

    Attributes:
        settings: Of the distillation.
        location: Name of the location function; None: it is told no location.
        focal_px: Of the cameras of ``--data``, taken for those that the detector learnt from; 0:
            not known, or several.
    """

    settings: DistillSettings
    location: str | None
    focal_px: float

    def metadata(self, stride: int) -> DepthMetadata:
        """What a model file says of it.

        Args:
            stride: Pixels of the image for a cell.
        """
        reach = self.settings.truth.least_m, self.settings.truth.greatest_m
        return DepthMetadata(LOCATION, stride, *reach, self.focal_px)


def has_depth(path: Path) -> bool:
    """Whether a run folder's detector has a depth head.

    Raises:
        ModelError: The folder's ``run.json`` is damaged.
    """
    description = read_run(path)
    return description is not None and DEPTH in description


def has_portable_depth(path: Path) -> bool:
    """Whether it has one that is told the location, so that any camera can use it.

    Raises:
        ModelError: The folder's ``run.json`` is damaged.
    """
    return has_depth(path) and taught_of(path).location is not None


def taught_of(path: Path) -> Taught:
    """What the depth head of a run folder was taught with.

    Raises:
        ModelError: The run has none, its ``run.json`` is damaged, or the head was taught with
            another location function than this version has (S11).
    """
    own = (read_run(path) or {}).get(DEPTH)
    if not isinstance(own, Mapping):
        hint = (
            "'dalearn distill' gives a detector one; 'dalearn retrain-attention' keeps it while "
            "the features do not learn."
        )
        raise ModelError.at(path, "", "a run with a depth head", "one without", hint)
    with reading_of(path):
        settings = load_settings(DistillSettings, None, own["settings"])
        taught = Taught(settings, own["location"], float(own.get("focal_px", 0.0)))
    check_location(taught.location, path / RUN_FILE)
    return taught


def load_head(head: nn.Module, path: Path) -> None:
    """Put the weights of a run folder's depth head into one.

    Raises:
        ModelError: They are missing, damaged, or belong to a head of another shape.
    """
    weights = path / WEIGHTS
    found = load_checkpoint(weights).groups.get(DEPTH)
    if found is None:
        raise ModelError(
            f"{path}: the run is not finished, its weights lack the depth head; give the command "
            "that began it once more."
        )
    load_weights(head, dict(found), weights)


def location_name(settings: DistillSettings) -> str | None:
    """Name of the location function that the settings use; None: none."""
    return LOCATION if settings.location else None


def check_location(found: Any, source: Path) -> None:
    """Raise ModelError if a model was taught with another location function (S11)."""
    if found not in (None, LOCATION):
        hint = "Its numbers mean something else here; distil it again with this version."
        raise ModelError.at(source, "key 'location'", f"'{LOCATION}'", repr(found), hint)
