"""Files between this project and a YOLO-pose detector: crops that both learn from, and its answers.

A label line is ``class x y w h kx ky v``, all but the class and ``v`` as shares of the crop, with
x = (u + 0.5) / width. The box is the bounds of the landmark's outline inside the crop; the keypoint
is the reference point, with v = 0 where that lies outside. Truth marked ``ignore`` is labelled
like any other: it is a landmark, YOLO has no way to leave a place out of the loss, and an answer
there is not scored.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime
import yaml

from dalearn_ros.core.files import atomic_directory
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, Observations
from dalearn_ros.training.transforms import CropSettings, choose_crop, cut

Floats = npt.NDArray[np.float64]
JPEG_QUALITY = 95
OKS_SIGMA = 0.05
FILL = 114
MULTIPLE = 32
LEAST_SIDE_PX = 2.0
CHECKED = 16  # crops of the validation that Ultralytics asks for and nobody uses


def write_crops(data: Dataset, out: Path, count: int, size: int, seed: int) -> Dataset:
    """Cut square native-scale crops and write them for both sides: ``out/ours``, ``out/yolo``.

    Args:
        data: Images with labels; each is used about equally often.
        out: A new folder; if it is there, it is taken as it is.
        count: Crops.
        size: Side of a crop, pixels, a multiple of 32; smaller images are filled up.
        seed: Of the places.

    Returns:
        Our dataset of the crops.
    """
    if not out.is_dir():
        with atomic_directory(out) as folder:
            _write_crops(data, folder, count, size, seed)
    return Dataset.open(out / "ours")


def _write_crops(data: Dataset, folder: Path, count: int, size: int, seed: int) -> None:
    settings = CropSettings(
        width=size, height=size, around_landmark=0.8, scale_jitter=0.0, turn_jitter_deg=0.0
    )
    for part in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / "yolo" / kind / part).mkdir(parents=True)
    per_image = -(-count // len(data))
    written = 0
    with DatasetWriter(folder / "ours", data.label_space, {"kind": "crops", "size": size}) as ours:
        for index in range(len(data)):
            image, labels = data.image(index), data.labels(index)
            for number in range(per_image):
                if written == count:
                    break
                random = generator(seed, "crops", index, number)
                whole = (image.shape[1], image.shape[0])
                crop, moved = cut(
                    image, labels, choose_crop(labels, whole, settings, random), settings
                )
                name = f"{written:06d}"
                encoded = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
                ours.add(encoded.tobytes(), moved, {"name": name, "width": size, "height": size})
                lines = "".join(f"{line}\n" for line in label_lines(moved, size))
                for part in ("train", "val")[: 2 if written < CHECKED else 1]:
                    text = folder / "yolo" / "labels" / part / f"{name}.txt"
                    text.write_text(lines, encoding="ascii")
                written += 1
    for text in (folder / "yolo" / "labels").glob("*/*.txt"):
        file = folder / "ours" / "images" / f"{text.stem}.jpg"
        os.link(file, folder / "yolo" / "images" / text.parent.name / file.name)


def label_lines(labels: Labels, size: int) -> list[str]:
    """The lines of a crop's label file; landmarks of which too little is inside are left out."""
    lines = []
    for row in range(len(labels)):
        corners = np.clip(labels.outlines_px[row] + 0.5, 0.0, size)
        low, high = corners.min(axis=0), corners.max(axis=0)
        if (high - low).max() < LEAST_SIDE_PX:
            continue
        box = np.concatenate([(low + high) / 2, np.maximum(high - low, 1.0)]) / size
        point = (labels.point_px[row] + 0.5) / size
        inside = bool(np.isfinite(point).all() and (point >= 0).all() and (point <= 1).all())
        values = [*box, *(point if inside else (0.0, 0.0))]
        numbers = " ".join(f"{value:.6f}" for value in values)
        lines.append(f"{labels.class_id[row] - 1} {numbers} {2 if inside else 0}")
    return lines


def write_data_file(crops: Path, space: LabelSpace) -> Path:
    """The data file of a folder of :func:`write_crops`."""
    root = (crops / "yolo").resolve()
    content = {
        "path": str(root),
        "train": "images/train",
        "val": "images/val",
        "kpt_shape": [1, 3],
        "kpt_oks_sigmas": [OKS_SIGMA],
        "flip_idx": [0],
        "names": dict(enumerate(space.names[1:])),
    }
    file = root / "data.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file


def padded(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(H, W, 3) BGR as (1, 3, h, w) RGB from 0 to 1, filled up right and below, not resized."""
    height, width = image.shape[:2]
    down, right = -height % MULTIPLE, -width % MULTIPLE
    full = cv2.copyMakeBorder(
        image, 0, down, 0, right, cv2.BORDER_CONSTANT, value=(FILL, FILL, FILL)
    )
    planes = full[:, :, ::-1].transpose(2, 0, 1)[None]
    return np.ascontiguousarray(planes, np.float32) / np.float32(255.0)


class YoloDetector:
    """An exported YOLO-pose network of one keypoint, in the same runtime as ours."""

    def __init__(self, path: Path, space: LabelSpace, least: float, threads: int = 2) -> None:
        """Open it.

        Args:
            path: ONNX without suppression inside; output (1, 4 + classes + 3, n).
            space: The classes; its numbers are one lower, for it has no background.
            least: Score below which nothing is kept.
            threads: Of the runtime.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self.space, self.least = space, least

    def candidates(self, image: npt.NDArray[np.uint8]) -> Floats:
        """(n, 8) class id, score, box (x, y, w, h from the corner), point (u, v in our pixels)."""
        name = self.session.get_inputs()[0].name
        found = np.asarray(self.session.run(None, {name: padded(image)})[0][0], np.float64)
        classes = len(self.space) - 1
        if found.shape[0] != 4 + classes + 3:
            raise SystemExit(f"YOLO's output has {found.shape[0]} rows, expected {classes + 7}.")
        scores = found[4 : 4 + classes]
        best = scores.argmax(axis=0)
        score = scores.max(axis=0)
        rows = np.flatnonzero(score >= self.least)
        x, y, w, h = found[:4, rows]
        point = found[4 + classes : 6 + classes, rows] - 0.5
        return np.stack([best[rows] + 1.0, score[rows], x - w / 2, y - h / 2, w, h, *point], axis=1)


def suppressed(candidates: Floats, overlap: float) -> Observations:
    """Candidates (n, 8) without those that a better one of their class overlaps by more (IoU)."""
    kept: list[int] = []
    for class_id in np.unique(candidates[:, 0]):
        rows = np.flatnonzero(candidates[:, 0] == class_id)
        chosen = cv2.dnn.NMSBoxes(
            candidates[rows, 2:6].tolist(), candidates[rows, 1].tolist(), 0.0, overlap
        )
        kept += rows[np.asarray(chosen, np.int64).ravel()].tolist()
    order = np.array(sorted(kept, key=lambda row: -candidates[row, 1]), dtype=np.int64)
    found = candidates[order]
    return Observations.of_points(found[:, 0].astype(np.int64), found[:, 6:8], found[:, 1])
