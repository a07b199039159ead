"""Labels that a map gives images by a pose as rough as a drive's prior, out of true labels."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.world.errors_model import (
    SIGMA_HEADING_RAD,
    SIGMA_LATERAL_M,
    SIGMA_LONGITUDINAL_M,
)


def mapped_landmarks(data: Sequence[Dataset], images: ImageList, seed: int) -> list[Labels]:
    """For each image of a list its labels as seen from a pose with the prior's errors.

    Args:
        data: Datasets of the world, which hold all of the images.
        images: The list.
        seed: Of the errors.
    """
    found = {}
    for dataset in data:
        for i in range(len(dataset)):
            rng = generator(seed, "rough pose", dataset.path.name, i)
            labels = moved(dataset.labels(i), camera_of(dataset.meta(i)), rng)
            found[dataset.image_path(i).resolve()] = labels
    return [found[images.path(i).resolve()] for i in range(len(images))]


def camera_of(meta: dict[str, Any]) -> Camera:
    """The camera that a dataset's image was taken with."""
    kept = meta["camera"]
    return Camera(
        model=kept["model"],
        matrix=np.array(kept["matrix"]),
        distortion=np.array(kept["distortion"]),
        width=meta["width"],
        height=meta["height"],
    )


def moved(labels: Labels, camera: Camera, rng: np.random.Generator) -> Labels:
    """Points as seen from a pose with an error of the prior's size; those out of sight are gone."""
    rays = camera.unproject(labels.point_px)
    points = rays / np.linalg.norm(rays, axis=1, keepdims=True) * labels.range_m[:, None]
    right, forward = rng.normal(0.0, (SIGMA_LATERAL_M, SIGMA_LONGITUDINAL_M))
    turn = rng.normal(0.0, SIGMA_HEADING_RAD)
    cos, sin = np.cos(turn), np.sin(turn)
    about_down = np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])
    pixels, valid = camera.project((points - [right, 0.0, forward]) @ about_down.T)
    seen = dataclasses.replace(labels, point_px=pixels)
    return seen.select(valid & np.isfinite(pixels).all(axis=1))
