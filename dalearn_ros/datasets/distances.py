"""Known distances of an image, kept beside it as ``distances/NAME.npz``."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.landmarks.types import DISTANCE_KINDS, Distances

DISTANCES = "distances"


def write_distances(file: Path, distances: Distances) -> None:
    """Keep distances of one image; the folder is made if need be."""
    file.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        file,
        pixels=distances.pixels.astype(np.float32),
        depth_m=distances.depth_m.astype(np.float32),
        kind=distances.kind,
    )


def read_distances(file: Path) -> Distances:
    """Read distances of one image.

    Raises:
        DatasetError: The file is missing, damaged, or its arrays do not belong together.
    """
    expected = "arrays pixels (P, 2), depth_m (P,) above 0, kind (P,)"
    try:
        with np.load(file, allow_pickle=False) as content:
            pixels, depth_m, kind = (content[name] for name in ("pixels", "depth_m", "kind"))
        good = pixels.ndim == 2 and pixels.shape[1] == 2 and depth_m.ndim == kind.ndim == 1
        good = good and len(pixels) == len(depth_m) == len(kind)
        good = good and np.isfinite(pixels).all() and (kind < len(DISTANCE_KINDS)).all()
        if not (good and np.isfinite(depth_m).all() and (depth_m > 0.0).all()):
            raise ValueError("other shapes or values")
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError.at(file, "", expected, f"{type(error).__name__}: {error}") from None
    return Distances(pixels.astype(np.float64), depth_m.astype(np.float64), kind.astype(np.uint8))
