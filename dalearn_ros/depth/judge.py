"""How good a model's distances are on whole images it has not learnt from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from dalearn_ros.coding.location import location_map
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.cameras import camera_of
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.frames import known_distances
from dalearn_ros.depth.local import DepthOutputs, LocalNetwork
from dalearn_ros.depth.losses import at_places
from dalearn_ros.depth.metrics import depth_figures
from dalearn_ros.depth.network import DepthNetwork
from dalearn_ros.depth.patches import PatchCutter
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.preprocess import as_channels, to_input
from dalearn_ros.landmarks.types import DISTANCE_KINDS, Distances

Floats = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]
SENSED = "sensed"
MULTIPLE = 32
_AT_ONCE = 512  # patches that pass the local model together


def local_distances(
    network: LocalNetwork, image: Image, camera: Camera, places: Floats, settings: DistillSettings
) -> tuple[Floats, Floats]:
    """What the local model says at places (N, 2) of an image: log depth and its log variance."""
    channels = network.stem.inputs.channels
    patches, location, _ = PatchCutter(image, camera, settings.patch).cut(places)
    kept = as_channels(patches.reshape(-1, *patches.shape[2:]), channels)
    patches = kept.reshape(*patches.shape[:3], channels)
    device = next(network.parameters()).device
    parts = []
    with torch.no_grad():
        for first in range(0, len(patches), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            given = torch.from_numpy(patches[rows]), torch.from_numpy(location[rows])
            parts.append(network(*(value.to(device) for value in given)))
    if not parts:
        return np.zeros(0), np.zeros(0)
    depth, variance = (torch.cat(values).cpu().numpy() for values in zip(*parts, strict=True))
    return depth.astype(np.float64), variance.astype(np.float64)


def global_map(network: DepthNetwork, image: Image, camera: Camera) -> DepthOutputs:
    """What the global model says of a whole image: (1, h, w) each, with its padding."""
    detector = network.detector
    pixels = to_input(image, detector.inputs.channels, MULTIPLE)
    size = (pixels.shape[2], pixels.shape[1])
    location = location_map(camera, detector.grid.cell_px, size)
    device = next(network.parameters()).device
    with torch.no_grad():
        given = torch.from_numpy(pixels), torch.from_numpy(location)[None]
        said: DepthOutputs = network(*(value.to(device) for value in given))
    return DepthOutputs(*(value.cpu() for value in said))


def global_distances(
    network: DepthNetwork, image: Image, camera: Camera, places: Floats
) -> tuple[Floats, Floats]:
    """What the global model says at places (N, 2) of an image: log depth and its log variance."""
    said = global_map(network, image, camera)
    at = torch.from_numpy(places.astype(np.float32))[None]
    found = at_places(said, at, network.detector.grid.cell_px)
    return found.log_depth[0].double().numpy(), found.log_variance[0].double().numpy()


def judge(
    network: nn.Module,
    data: Sequence[Dataset],
    settings: DistillSettings,
    view: Camera | None = None,
) -> dict[str, float]:
    """Figures of a model on images with known distances.

    Args:
        network: A :class:`LocalNetwork` or :class:`DepthNetwork` in evaluation.
        data: Datasets with distances; images without or that cannot be read are passed over.
        settings: How many places of how many images, and their range; all kinds of known distances
            are judged by, also those that are not learnt from.
        view: Only places that this camera would see from the same stand; None: all.

    Returns:
        Those of :func:`depth_figures`, by kind: ``landmark/abs_rel``, ``road/...``, and
        ``sensed/...`` of LiDAR and depth images; ``abs_rel`` is that of ``sensed``, or of all where
        no sensor measured. Empty without known distances.
    """
    every_kind = dataclasses.replace(settings.truth, kinds=DISTANCE_KINDS)
    frames = [(dataset, i) for dataset in data for i in range(len(dataset))]
    chosen = np.linspace(0, len(frames) - 1, min(settings.judge.images, len(frames)))
    found: list[tuple[Distances, Floats, Floats]] = []
    for row in np.unique(chosen.round().astype(int)).tolist() if frames else ():
        dataset, index = frames[row]
        try:
            image, camera = dataset.image(index), camera_of(dataset.meta(index), str(dataset.path))
            known = known_distances(dataset, index, every_kind)
        except DatasetError:
            continue
        if view is not None:
            known = known.select(view.inside(view.project(camera.unproject(known.pixels))[0]))
        known = spread(known, settings.judge.places)
        if not len(known):
            continue
        if isinstance(network, LocalNetwork):
            said = local_distances(network, image, camera, known.pixels, settings)
        else:
            assert isinstance(network, DepthNetwork)
            said = global_distances(network, image, camera, known.pixels)
        found.append((known, *said))
    return summarise(found)


def spread(known: Distances, count: int) -> Distances:
    """At most so many places of each kind, evenly spaced in their order."""
    rows = []
    for kind in range(len(DISTANCE_KINDS)):
        own = np.flatnonzero(known.kind == kind)
        rows.append(own[np.linspace(0, len(own) - 1, min(count, len(own))).round().astype(int)])
    return known.select(np.concatenate(rows))


def summarise(found: Sequence[tuple[Distances, Floats, Floats]]) -> dict[str, float]:
    """Figures of predictions; see :func:`judge`.

    Args:
        found: Of each image the truth, the predicted log depth and its log variance.
    """
    if not found:
        return {}
    known = Distances.joined([truth for truth, _, _ in found])
    depth_m = np.exp(np.concatenate([depth for _, depth, _ in found]))
    sigma = np.exp(0.5 * np.concatenate([variance for _, _, variance in found]))
    names = np.array(DISTANCE_KINDS)[known.kind]
    groups = {name: names == name for name in ("landmark", "road")}
    groups[SENSED] = (names == "lidar") | (names == "depth")
    main = groups[SENSED] if groups[SENSED].any() else np.ones(len(known), dtype=bool)
    figures = depth_figures(depth_m[main], known.depth_m[main], sigma[main])
    for name, mask in groups.items():
        own = depth_figures(depth_m[mask], known.depth_m[mask], sigma[mask])
        figures.update({f"{name}/{key}": value for key, value in own.items()})
    return figures
