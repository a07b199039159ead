"""Folders of small images of three shapes, and settings that learn them within a second or two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import yaml

Image = npt.NDArray[np.uint8]
SHAPES = ("bar", "cross", "dot")
TINY: dict[str, Any] = {
    "network": {"widths": [4, 8], "depth": 1, "features": 8, "dropout": 0.0},
    "input": {"size": 16},
    "batch": {"size": 6, "threads": 1},
    "loop": {"steps": 6, "warmup_steps": 1, "log_every": 1, "checkpoint_every": 2},
    "target": {"size": 6, "few_shot_size": 2},
    "adaptation": {
        "self_training": {"start": {"share": 0.3}, "pseudo": {"threshold": 0.2}},
    },
}


def draw_shape(name: str, size: int, random: np.random.Generator) -> Image:
    """(size, size) uint8: a bright shape somewhere near the middle of a dark noisy image."""
    image = random.integers(0, 30, (size, size)).astype(np.uint8)
    middle = size // 2 + int(random.integers(-1, 2))
    if name != "dot":
        image[middle - 1 : middle + 1, 2:-2] = 220
    if name == "cross":
        image[2:-2, middle - 1 : middle + 1] = 220
    if name == "dot":
        image[middle - 2 : middle + 2, middle - 2 : middle + 2] = 220
    return image


def write_images(
    path: Path, count: int = 4, size: int = 16, seed: int = 0, colour: bool = False
) -> Path:
    """``path/SHAPE/NUMBER.png``, ``count`` of each shape; the colour ones are blue."""
    random = np.random.default_rng(seed)
    for name in SHAPES:
        (path / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image = draw_shape(name, size, random)
            if colour:
                image = np.stack([image, image // 2, image // 3], axis=2)
            assert cv2.imwrite(str(path / name / f"{number}.png"), image)
    return path


def write_tiny(path: Path, changes: dict[str, Any] | None = None) -> Path:
    """The tiny settings, with other sections, as a YAML file."""
    path.write_text(yaml.safe_dump({**TINY, **(changes or {})}))
    return path
