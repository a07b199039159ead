"""A dataset of red squares and settings small enough to train on within a second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.store import DatasetWriter
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

SIZE = (128, 96)  # width, height
TINY: dict[str, Any] = {
    "network": {"widths": [4, 4, 8, 8, 8], "depths": [1, 1, 1, 1, 1], "head_channels": 8},
    "crops": {"width": 96, "height": 64},
    "batch": {"size": 2, "crops_per_image": 1, "workers": 0, "threads": 1},
    "loop": {"steps": 3, "warmup_steps": 1, "log_every": 1, "validate_every": 0},
    "validation": {"images": 2},
}


def tiny_settings(changes: Mapping[str, Mapping[str, Any]] | None = None) -> TrainSettings:
    """The tiny settings with changes, section by section."""
    return load_settings(TrainSettings, None, merged(changes))


def merged(changes: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """The tiny settings as plain values."""
    values = {key: dict(value) for key, value in TINY.items()}
    for key, value in (changes or {}).items():
        values[key] = {**values.get(key, {}), **value}
    return values


def write_config(path: Path, changes: Mapping[str, Mapping[str, Any]] | None = None) -> Path:
    """The tiny settings as a YAML file."""
    path.write_text(yaml.safe_dump(merged(changes)), encoding="utf-8")
    return path


def one_label(class_id: int, point: tuple[float, float], half_px: float = 8.0) -> Labels:
    """A square landmark about a point."""
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half_px
    return Labels(
        class_id=np.array([class_id]),
        point_px=np.array([point], float),
        outlines_px=Ragged.of([corners + np.array(point)], 2),
        range_m=np.array([20.0]),
        visible=np.ones(1),
        map_id=np.array(["7"]),
        covariance_px2=np.eye(2)[None] * 0.1,
        ignore=np.zeros(1, bool),
    )


def write_dataset(path: Path, count: int = 4, space: LabelSpace | None = None) -> Path:
    """``count`` images of noise, each with a red square labelled ``warning_sign``."""
    space = space or LabelSpace.load()
    random = np.random.default_rng(0)
    width, height = SIZE
    with DatasetWriter(path, space, {"test": True}) as writer:
        for number in range(count):
            image = random.integers(80, 160, (height, width, 3), dtype=np.uint8)
            u, v = 40 + 8 * number, 44
            image[v - 8 : v + 8, u - 8 : u + 8] = (20, 20, 230)
            labels = one_label(1, (u - 0.5, v - 0.5))
            meta = {"name": f"f{number}", "width": width, "height": height, "stamp_ns": number}
            writer.add(image, labels, meta)
    return path
