"""What ``benchmarks/depth.py`` measures: on drives, at landmarks, on photographs, and the cost."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import numpy.typing as npt
import torch

from dalearn_ros.coding.location import location_map
from dalearn_ros.datasets.cameras import camera_of
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.judge import (
    MULTIPLE,
    global_distances,
    global_map,
    judge,
    local_distances,
)
from dalearn_ros.depth.local import LocalNetwork
from dalearn_ros.depth.metrics import depth_figures
from dalearn_ros.depth.network import DepthNetwork
from dalearn_ros.depth.patches import PatchCutter
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.evaluation.matching import match
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.preprocess import to_input

Floats = npt.NDArray[np.float64]
LANDMARKS_WITHIN_M = 60.0
MATCH_PX = 8.0
RANGES_BY = BOTH, DEPTH, HEAD = "both", "depth alone", "range head alone"
PATCHES_TIMED = 1024
REPEATS = 5
# shared/data/README.md: the calibration beside the KITTI images is that of another size.
KITTI = (np.array([[721.5377, 0, 609.5593], [0, 721.5377, 172.854], [0, 0, 1]]), 256.0)
NYU = (np.array([[518.8579, 0, 325.5824], [0, 519.4696, 253.7362], [0, 0, 1]]), 1000.0)
PHOTOS = {"metric3d_kitti": KITTI, "metric3d_nyu": NYU}
Network = LocalNetwork | DepthNetwork


def figures_of(
    network: Network, data: Sequence[Dataset], settings: DistillSettings
) -> dict[str, float]:
    """Figures on a share: those of :func:`depth.judge.judge`, and of the landmarks' distances."""
    found = judge(network, data, settings)
    errors = landmark_errors(network, data, settings)
    if len(errors):
        found["landmark_range_median"] = float(np.median(errors))
        found["landmark_range_count"] = float(len(errors))
    return found


def lens_figures(
    network: Network,
    taught: Sequence[Dataset],
    data: Sequence[Dataset],
    settings: DistillSettings,
) -> dict[str, float]:
    """AbsRel through another lens and through the one taught, of what both of them see.

    Args:
        network: Either model.
        taught: Drives through the lens that learning saw.
        data: The same drives through another.
        settings: Of the model.
    """
    lenses = [camera_of(d[0].meta(0), "image") for d in (taught, data)]
    narrow = min(lenses, key=lambda c: c.width / c.matrix[0, 0])
    both = [judge(network, d, settings, narrow)["abs_rel"] for d in (taught, data)]
    return {"taught": both[0], "other": both[1], "growth": both[1] / both[0] - 1.0}


def detected_errors(model: Path, data: Sequence[Dataset], by: str) -> Floats:
    """|range / true range - 1| of landmarks within 60 m that a model file with depth finds.

    The distance head alone is brought to the lens as both together are.

    Args:
        model: ONNX file.
        data: Datasets with labels and cameras.
        by: One of :data:`RANGES_BY`: what the ranges are from.
    """
    backend = OnnxBackend(model, 1)
    taught = backend.metadata.depth
    assert taught is not None
    if by == DEPTH:
        alone = dataclasses.replace(taught, focal_px=0.0)
        backend.metadata = dataclasses.replace(backend.metadata, depth=alone)
    detector = LandmarkDetector(backend)
    parts = []
    for dataset in data:
        for index in range(len(dataset)):
            labels = dataset.labels(index)
            camera = camera_of(dataset.meta(index), "image")
            given = None if by == HEAD else camera
            seen = detector.answer(dataset.image(index), 0, given).observations
            found = match(labels, seen, MATCH_PX)
            true, said_m = labels.range_m[found.truth], seen.range_m[found.seen]
            if by == HEAD and taught.focal_px:
                said_m = said_m * (camera.focal_px / taught.focal_px)
            good = (true <= LANDMARKS_WITHIN_M) & np.isfinite(said_m)
            parts.append(np.abs(said_m[good] / true[good] - 1.0))
    return np.concatenate(parts) if parts else np.zeros(0)


def landmark_errors(network: Network, data: Sequence[Dataset], settings: DistillSettings) -> Floats:
    """|range / true range - 1| at the true reference points of landmarks within 60 m."""
    parts = []
    for dataset in data:
        for index in range(len(dataset)):
            labels = dataset.labels(index)
            labels = labels.select(~labels.ignore & (labels.range_m <= LANDMARKS_WITHIN_M))
            if not len(labels):
                continue
            image, camera = dataset.image(index), camera_of(dataset.meta(index), "image")
            log_depth = said(network, image, camera, labels.point_px, settings)
            stretch = np.linalg.norm(camera.unproject(labels.point_px), axis=1)
            parts.append(np.abs(np.exp(log_depth) * stretch / labels.range_m - 1.0))
    return np.concatenate(parts) if parts else np.zeros(0)


def said(
    network: Network, image: Any, camera: Camera, places: Floats, settings: DistillSettings
) -> Floats:
    """Log depth of either model at places (N, 2) of an image."""
    if isinstance(network, LocalNetwork):
        return local_distances(network, image, camera, places, settings)[0]
    return global_distances(network, image, camera, places)[0]


def photo_figures(network: DepthNetwork, folder: Path) -> dict[str, float]:
    """Figures on the photographs of a folder, as they are and after the median's scale.

    Args:
        network: A global model.
        folder: Holds ``rgb`` and ``depth``, their files in the same order.
    """
    matrix, unit = PHOTOS[folder.name]
    depth, truth, sigma = [], [], []
    pairs = zip(
        sorted((folder / "rgb").iterdir()), sorted((folder / "depth").iterdir()), strict=True
    )
    for picture, measured in pairs:
        image = np.asarray(cv2.imread(str(picture)), np.uint8)
        true = np.asarray(cv2.imread(str(measured), cv2.IMREAD_UNCHANGED)).astype(float) / unit
        camera = Camera(image.shape[1], image.shape[0], matrix)
        rows, columns = np.nonzero((true > 0.0) & (true <= 80.0))
        every = slice(None, None, max(1, len(rows) // 5000))
        places = np.column_stack([columns, rows])[every].astype(float)
        log_depth, variance = global_distances(network, image, camera, places)
        depth.append(np.exp(log_depth))
        truth.append(true[rows, columns][every])
        sigma.append(np.exp(0.5 * variance))
    both = np.concatenate(depth), np.concatenate(truth), np.concatenate(sigma)
    found = depth_figures(*both)
    found["scale"] = float(np.median(both[1] / both[0]))
    scaled = depth_figures(both[0] * found["scale"], both[1], both[2])
    return {**found, "scaled_abs_rel": scaled["abs_rel"], "scaled_delta": scaled["delta_1.25"]}


def costs(
    teacher: LocalNetwork, student: DepthNetwork, data: Dataset, settings: DistillSettings
) -> dict[str, float]:
    """Seconds for one image, one thread: the student, and the teacher at the student's stride.

    Both from the image to the distances, and their networks alone. The teacher takes batches of 256
    patches; a part of them is timed and scaled up to all.
    """
    image, camera = data.image(0), camera_of(data.meta(0), "image")
    stride = student.detector.grid.cell_px
    across, down = np.arange(0, image.shape[1], stride), np.arange(0, image.shape[0], stride)
    centres = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2) + (stride - 1) / 2.0
    some = np.linspace(0, len(centres) - 1, PATCHES_TIMED).astype(int)
    patches, places, _ = PatchCutter(image, camera, settings.patch).cut(centres[some])
    given = torch.from_numpy(patches), torch.from_numpy(places)

    def cut() -> None:
        PatchCutter(image, camera, settings.patch).cut(centres[some])

    def teach() -> None:
        with torch.no_grad():
            for first in range(0, PATCHES_TIMED, 256):
                teacher(*(value[first : first + 256] for value in given))

    pixels = torch.from_numpy(to_input(image, image.shape[2], MULTIPLE))
    size = (pixels.shape[2], pixels.shape[1])
    location = torch.from_numpy(location_map(camera, stride, size))[None]

    def say() -> None:
        with torch.no_grad():
            student(pixels, location)

    times = len(centres) / PATCHES_TIMED
    found = {
        "patches": float(len(centres)),
        "student_s": seconds(lambda: global_map(student, image, camera)),
        "student_network_s": seconds(say),
        "teacher_s": (seconds(cut) + seconds(teach)) * times,
        "teacher_network_s": seconds(teach) * times,
    }
    found["ratio"] = found["teacher_s"] / found["student_s"]
    found["network_ratio"] = found["teacher_network_s"] / found["student_network_s"]
    return found


def seconds(work: Callable[[], object]) -> float:
    """Median time of some work, after one time that does not count."""
    work()
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))
