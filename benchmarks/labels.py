"""Two figures of the label room: how fast a drive is labelled, and how well a real sign is hit.

::

    python benchmarks/labels.py --real-data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.figures import record
from dalearn_ros.cli.main import main as dalearn
from dalearn_ros.datasets import Dataset
from dalearn_ros.datasets.from_bag import label_bag
from dalearn_ros.datasets.kitti import COLOUR_CAMERA_M, PERIOD_NS, START_NS, import_kitti

FRAMES = 100


def label_speed(folder: Path) -> list[dict[str, Any]]:
    """Frames a second of one core, with and without a depth image in the bag."""
    rows = []
    for depth in (False, True):
        drive = folder / f"drive{int(depth)}"
        words = ["world", "--city", "south", "--condition", "day", "--seed", "3"]
        words += ["--frames", str(FRAMES), "--out", str(drive), *(["--depth"] if depth else [])]
        if dalearn(words):
            raise SystemExit("the drive could not be made")
        started = time.process_time()
        out = drive / "dataset"
        summary = label_bag(drive / "bag", drive / "map", out, "/ground_truth/pose")
        seconds = time.process_time() - started
        rows.append(
            {
                "depth images": "yes" if depth else "no",
                "frames": summary["frames"],
                "labels": summary["labels"],
                "ignored": summary["labels_ignored"],
                "hidden": summary["landmarks_dropped_by_reason"].get("hidden", 0),
                "frames/s of one core": round(summary["frames"] / seconds, 1),
            }
        )
    return rows


def kitti_sign(data: Path, folder: Path) -> list[dict[str, Any]]:
    """Horizontal distance of the projected sign from its box's centre, by frame."""
    import_kitti(data, folder / "kitti")
    label_bag(folder / "kitti/bag", folder / "kitti/map", folder / "kitti/dataset")
    content = json.loads((data / "signs.json").read_text())
    boxes = next(iter(content.values()))["images"]
    dataset = Dataset.open(folder / "kitti/dataset")
    rows = []
    for i in range(len(dataset)):
        frame = (dataset.meta(i)["stamp_ns"] - START_NS) // PERIOD_NS
        box = boxes.get(f"2011_09_30_drive_0020_{frame:010d}")
        labels = dataset.labels(i)
        if box is None or not len(labels):
            continue
        matrix = np.array(dataset.meta(i)["camera"]["matrix"])
        ray = np.linalg.solve(matrix, [*labels.point_px[0], 1.0])
        z = labels.range_m[0] / np.linalg.norm(ray)
        colour_u = labels.point_px[0, 0] + matrix[0, 0] * COLOUR_CAMERA_M / z
        rows.append(
            {
                "frame": frame,
                "distance, m": round(float(labels.range_m[0]), 1),
                "off horizontally, px": round(float(colour_u - (box[0] + box[2]) / 2), 1),
                "sigma from the pose, px": round(float(np.sqrt(labels.covariance_px2[0, 0, 0])), 1),
            }
        )
    return rows


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real-data", type=Path, help="folder that holds kitti_drive")
    args = parser.parse_args()
    command = "python benchmarks/labels.py --real-data ../shared/data"
    with tempfile.TemporaryDirectory() as name:
        record("label_speed", command, label_speed(Path(name)), "1280x720, JPEG copied as it is.")
        if args.real_data is not None:
            record(
                "kitti_sign",
                command,
                kitti_sign(args.real_data / "kitti_drive", Path(name)),
                "The boxes are the colour camera's; its offset of 6 cm is applied.",
            )


if __name__ == "__main__":
    main()
