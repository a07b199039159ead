"""What the label audit finds when the labels of a drive are spoilt on purpose.

A drive of the world with its true poses is labelled with one thing wrong at a time; the shipped
model sees the images. The audit should name what is wrong, by how much, and nothing else. ::

    python benchmarks/label_audit.py
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from scipy.spatial.transform import Rotation

from benchmarks.figures import ROOT, record
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.cli.main import main as dalearn
from dalearn_ros.core.errors import PoseError
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.labels.comparison import compare
from dalearn_ros.labels.offsets import DEGREE, QUANTITIES
from dalearn_ros.labels.project import Labeller
from dalearn_ros.labels.residuals import PairCollector
from dalearn_ros.maps import load_map

TRUTH = "/ground_truth/pose"
# What the audit should say: SI units in the order of QUANTITIES.
SPOILT = {
    "nothing": np.zeros(6),
    "time 40 ms": np.array([0.04, 0, 0, 0, 0, 0]),
    "yaw 0.5 deg": np.array([0, 0, 0, 0, 0, 0.5 * DEGREE]),
    "pitch 0.4 deg": np.array([0, 0, 0, 0, 0.4 * DEGREE, 0]),
    "height 0.2 m": np.array([0, 0, 0, 0.2, 0, 0]),
    "time 40 ms, yaw 0.5 deg": np.array([0.04, 0, 0, 0, 0, 0.5 * DEGREE]),
}


def collect(drive: Path, model: Path) -> dict[str, PairCollector]:
    """Pairs of the drive for each way of spoiling its labels; every image is seen once."""
    detector = LandmarkDetector.load(model, threads=1)
    labeller = Labeller(load_map(drive / "map"))
    collectors = {name: PairCollector() for name in SPOILT}
    with BagReader(drive / "bag") as reader:
        poses = reader.trajectory(TRUTH)
        for frame in reader.frames(None, TRUTH):
            if frame.pose is None:
                continue
            seen = detector.detect(frame.image, frame.stamp_ns)
            for name, true in SPOILT.items():
                try:
                    pose = poses.at(frame.stamp_ns - round(true[0] * 1e9))
                except PoseError:
                    continue
                turn = Rotation.from_rotvec([0, true[4], true[5]]).as_matrix()
                mounting = Transform(
                    turn.T @ frame.base_from_camera.rotation,
                    frame.base_from_camera.translation - true[1:4],
                )
                spoilt = dataclasses.replace(frame, pose=pose, base_from_camera=mounting)
                collectors[name].add(spoilt, labeller.label(spoilt).labels, seen)
    return collectors


def rows(collectors: dict[str, PairCollector], space: Any) -> list[dict[str, Any]]:
    """One row a way of spoiling: each offset with its sigma, and the residual before and after."""
    table = []
    for name, collector in collectors.items():
        found, _ = compare(collector, space)
        row: dict[str, Any] = {"made wrong": name, "pairs": found["pairs"]}
        for quantity in QUANTITIES:
            told = found["offsets"][quantity.name]
            value = "-" if told["offset"] is None else f"{told['offset']:+.2f}"
            mark = "**" if told["verdict"][0] not in "n" else ""
            row[quantity.name] = f"{mark}{value}{mark} ± {told['sigma']:.2f}"
        row["median residual, px"] = round(found["residual_median_px"]["before"], 1)
        row["corrected, px"] = round(found["residual_median_px"]["after_corrections"], 1)
        table.append(row)
    return table


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=450)
    parser.add_argument("--drive", type=Path, help="an existing drive of the world")
    parser.add_argument("--model", type=Path, default=ROOT / "models/landmarks-s.onnx")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        drive = args.drive or Path(name) / "drive"
        if args.drive is None:
            words = ["world", "--city", "south", "--condition", "day", "--seed", "3"]
            if dalearn([*words, "--frames", str(args.frames), "--out", str(drive)]):
                raise SystemExit("the drive could not be made")
        collectors = collect(drive, args.model)
        table = rows(collectors, Labeller(load_map(drive / "map")).label_space)
        if args.drive is not None:
            print(*table, sep="\n")
            return
        record(
            "label_audit",
            "python benchmarks/label_audit.py",
            table,
            "A drive of the world (south, day, seed 3), the shipped model. Bold: a correction is "
            "suggested. A dash: not observable on this drive.",
        )


if __name__ == "__main__":
    main()
