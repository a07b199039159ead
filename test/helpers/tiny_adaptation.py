"""Two tiny cities, and settings with which a detector goes from one to the other in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from dalearn_ros.core.settings import dump_settings
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.detector.run import train_detector
from dalearn_ros.landmarks.catalogue import LabelSpace
from helpers.tiny_training import SIZE, one_label, tiny_settings

NO_FILTER = dict.fromkeys(("max_noise", "max_blur_px", "max_bright", "max_dark", "min_change"))
ADAPT: dict[str, Any] = {
    "batch": {"size": 2, "crops_per_image": 1, "workers": 0, "threads": 1},
    "crops": {"width": 96, "height": 64},
    "loop": {"steps": 4, "warmup_steps": 1, "log_every": 1, "validate_every": 2},
    "validation": {"images": 2},
    "adaptation": {"self_training": {"start": {"share": 0.0}, "pseudo": {"threshold": 0.5}}},
    "target": {"crops": 2},
    "choice": {"images": 2},
    "filter": NO_FILTER,
}


def write_adapt_config(path: Path, changes: Mapping[str, Any] | None = None) -> Path:
    """The tiny settings with changed sections as a YAML file."""
    path.write_text(yaml.safe_dump({**ADAPT, **(changes or {})}), encoding="utf-8")
    return path


def picture(seed: int, light: int = 120) -> tuple[np.ndarray, tuple[float, float]]:
    """Noise about a grey level with a red square in it, and the square's centre."""
    random = np.random.default_rng(seed)
    width, height = SIZE
    image = random.integers(light - 40, light + 40, (height, width, 3), dtype=np.uint8)
    u, v = (int(random.integers(24, limit - 24)) for limit in SIZE)
    image[v - 8 : v + 8, u - 8 : u + 8] = (20, 20, 230)
    return image, (u - 0.5, v - 0.5)


def png(image: np.ndarray) -> bytes:
    """A picture as a file, in the bytes that datasets and bags keep."""
    return bytes(cv2.imencode(".png", image)[1].tobytes())


def write_city(path: Path, seeds: range, light: int = 120, as_png: bool = False) -> Path:
    """A dataset of these pictures, the squares labelled as warning signs."""
    with DatasetWriter(path, LabelSpace.load(), {"test": True}) as writer:
        for seed in seeds:
            image, point = picture(seed, light)
            meta = {"name": f"f{seed}", "width": SIZE[0], "height": SIZE[1], "stamp_ns": seed}
            writer.add(png(image) if as_png else image, one_label(1, point), meta)
    return path


def write_start(path: Path, source: Path, steps: int = 60) -> Path:
    """A run that has learnt red squares well enough to claim some."""
    loop = {"steps": steps, "learning_rate": 0.02, "average_decay": 0.9, "log_every": 50}
    settings = tiny_settings({"loop": loop, "batch": {"size": 4}})
    assert dump_settings(settings)["loop"]["steps"] == steps
    train_detector([Dataset.open(source)], [], path, settings, 1)
    return path
