"""Pictures of what both models say: image, local model, global model, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.cameras import camera_of
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.frames import known_distances
from dalearn_ros.depth.judge import global_map, local_distances
from dalearn_ros.depth.network import DepthNetwork
from dalearn_ros.depth.run import LocalRun
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.landmarks.types import Distances

Image = npt.NDArray[np.uint8]
COUNT = 4
WIDTH_PX = 640
LOCAL_STEP_PX = 32  # between the patches of the local model's picture


def colour_of(log_depth: npt.NDArray[np.float64], settings: DistillSettings) -> Image:
    """Depth as colour: near red, far blue, even in the logarithm.

    Args:
        log_depth: Any shape, logarithm of metres.
        settings: The least and the greatest depth are the ends of the scale.

    Returns:
        The shape and 3, BGR.
    """
    if not log_depth.size:  # OpenCV ends the process at an empty image
        return np.zeros((*log_depth.shape, 3), np.uint8)
    low, high = np.log([settings.truth.least_m, settings.truth.greatest_m])
    share = np.clip((high - log_depth) / (high - low), 0.0, 1.0)
    grey = np.round(share * 255.0).astype(np.uint8).reshape(1, -1)
    colours = np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_TURBO), np.uint8)
    return colours.reshape(*log_depth.shape, 3)


def write_pictures(
    folder: Path,
    network: DepthNetwork,
    teacher: LocalRun | None,
    data: Sequence[Dataset],
    settings: DistillSettings,
    known: bool = True,
) -> list[Path]:
    """Write a few pictures: the image with its known distances, then each model's depth.

    Args:
        folder: Gets them.
        network: The global model.
        teacher: The local one, or None.
        data: Images, evenly chosen; those that cannot be used are passed over.
        settings: Range and patches.
        known: Draw the known distances; else they are not looked at.
    """
    frames = [(dataset, i) for dataset in data for i in range(len(dataset))]
    rows = np.unique(np.linspace(0, len(frames) - 1, min(COUNT, len(frames))).round())
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for row in rows.astype(int).tolist():
        dataset, index = frames[row]
        try:
            picture = _picture(dataset, index, network, teacher, settings, known)
        except DatasetError:
            continue
        path = folder / f"{row:05d}.jpg"
        cv2.imwrite(str(path), picture)
        written.append(path)
    return written


def _picture(
    dataset: Dataset,
    index: int,
    network: DepthNetwork,
    teacher: LocalRun | None,
    settings: DistillSettings,
    with_known: bool,
) -> Image:
    image, camera = dataset.image(index), camera_of(dataset.meta(index), str(dataset.path))
    height, width = image.shape[:2]
    shown = image.copy()
    known = Distances.empty()
    if with_known:
        known = known_distances(dataset, index, settings.truth)
    colours = colour_of(np.log(known.depth_m), settings)
    for (u, v), colour in zip(known.pixels.round().astype(int), colours, strict=True):
        cv2.circle(shown, (int(u), int(v)), 2, colour.tolist(), -1)
    parts = [image, shown]
    if teacher is not None:
        half = LOCAL_STEP_PX // 2
        across, down = np.arange(half, width, LOCAL_STEP_PX), np.arange(half, height, LOCAL_STEP_PX)
        places = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2).astype(np.float64)
        depth, _ = local_distances(teacher.network, image, camera, places, teacher.settings)
        parts.append(colour_of(depth.reshape(len(down), len(across)), settings))
    stride = network.detector.grid.cell_px
    whole = global_map(network, image, camera).log_depth[0].double().numpy()
    seen = whole[: -(-height // stride), : -(-width // stride)]
    parts.append(colour_of(seen, settings))
    size = (WIDTH_PX, round(WIDTH_PX * height / width))
    return np.concatenate(
        [
            np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
            for part in parts
        ]
    )
