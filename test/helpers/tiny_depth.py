"""Images of a road whose rows tell the distance, and settings that learn it in a second or two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dalearn_ros.core.settings import load_settings, merged
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.detector.run import train_detector
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Distances
from helpers.tiny_training import one_label, tiny_settings

CAMERA = Camera(160, 96, np.array([[120.0, 0, 79.5], [0, 120.0, 31.5], [0, 0, 1.0]]))
HEIGHT_M = 1.5
TINY: dict[str, Any] = {
    "patch": {"size_px": 32, "focal_px": 120.0},
    "sampling": {"per_crop": 6},
    "local": {
        "width": 8,
        "images": 2,
        "patches": 4,
        "loop": {"steps": 3, "warmup_steps": 1, "log_every": 1, "validate_every": 0},
    },
    "whole": {"channels": 8},
    "crops": {"width": 96, "height": 64},
    "batch": {"size": 2, "crops_per_image": 1, "workers": 0, "threads": 1, "cache_mb": 1},
    "loop": {"steps": 3, "warmup_steps": 1, "log_every": 1, "checkpoint_every": 1},
    "judge": {"images": 2, "places": 8},
}


def depth_settings(changes: dict[str, Any] | None = None) -> DistillSettings:
    """The tiny settings with changes, key by key."""
    return load_settings(DistillSettings, None, merged(TINY, changes or {}))


def write_config(path: Path, changes: dict[str, Any] | None = None) -> Path:
    """The tiny settings as a YAML file."""
    path.write_text(yaml.safe_dump(merged(TINY, changes or {})), encoding="utf-8")
    return path


def road_depth_m(pixels: np.ndarray, camera: Camera = CAMERA) -> np.ndarray:
    """z of a flat road 1.5 m below the camera at pixels (N, 2) below the horizon."""
    return camera.matrix[1, 1] * HEIGHT_M / (pixels[:, 1] - camera.matrix[1, 2])


def write_roads(
    path: Path, count: int = 4, camera: Camera | None = CAMERA, distances: bool = True
) -> Dataset:
    """``count`` images of noise that gets brighter downwards, and distances of the road."""
    random = np.random.default_rng(0)
    with DatasetWriter(path, LabelSpace.load(), {"test": True}) as writer:
        for number in range(count):
            rows = np.linspace(40, 160, CAMERA.height)[:, None, None]
            noise = random.integers(0, 60, (CAMERA.height, CAMERA.width, 3))
            pixels = np.column_stack([random.uniform(0, 159, 40), random.uniform(40, 95, 40)])
            known = Distances(pixels, road_depth_m(pixels), np.repeat([1, 3], 20).astype(np.uint8))
            meta: dict[str, Any] = {"name": f"f{number}", "width": 160, "height": 96}
            if camera is not None:
                meta["camera"] = {
                    "matrix": camera.matrix,
                    "distortion": camera.distortion,
                    "model": camera.model,
                    "name": camera.name,
                }
            image = (rows + noise).astype(np.uint8)
            labels = one_label(1, (60.0, 50.0))
            writer.add(image, labels, meta, distances=known if distances else None)
    return Dataset.open(path)


def write_detector(path: Path, data: Dataset, seed: int = 1) -> Path:
    """The run of a tiny detector after three steps."""
    train_detector([data], [], path, tiny_settings(), seed)
    return path
