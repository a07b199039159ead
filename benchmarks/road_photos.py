"""Real photographs (road_photos): import, 5 stratified folds, train and score each.

Of the four folds that a network is trained on, a fifth is held back to choose its thresholds. A
finished fold is kept, and a started one continued, so the command can be interrupted::

    python benchmarks/road_photos.py --real-data ../shared/data --work out/road_photos
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.figures import ROOT, record
from dalearn_ros.cli.main import main as dalearn
from dalearn_ros.datasets import Dataset
from dalearn_ros.datasets.copy import write_subset
from dalearn_ros.datasets.split import Subset, merge, stratified_folds

FOLDS = 5
SEED = 1
CONFIG = ROOT / "benchmarks" / "road_photos.yaml"
START = ROOT / "models" / "landmarks-s.safetensors"


def run(*words: object) -> None:
    """A verb of the command line; stops at a failure."""
    if dalearn([str(word) for word in words]):
        raise SystemExit(f"failed: dalearn {' '.join(map(str, words))}")


def classes_of(subset: Subset) -> list[list[int]]:
    """Class ids in each image."""
    return [subset.labels(i).class_id.tolist() for i in range(len(subset))]


def write_folds(everything: Subset, work: Path) -> None:
    """``fold0`` to ``fold4``, each with ``train``, ``val`` and ``test``."""
    folds = stratified_folds(classes_of(everything), FOLDS, SEED)
    for number, test in enumerate(folds):
        rest = everything.select(np.setdiff1d(np.arange(len(everything)), test))
        held_back, *others = stratified_folds(classes_of(rest), FOLDS, SEED)
        parts = {
            "test": everything.select(test),
            "val": rest.select(held_back),
            "train": rest.select(np.sort(np.concatenate(others))),
        }
        for name, subset in parts.items():
            path = work / f"fold{number}" / name
            if not path.exists():
                write_subset(subset, path, {"kind": "fold", "fold": number, "part": name})


def fold_metrics(folder: Path) -> dict[str, Any]:
    """Train and score one fold, or read what is there."""
    metrics = folder / "evaluation" / "metrics.json"
    if not metrics.is_file():
        data = ("--data", folder / "train", "--val", folder / "val")
        start = ("--init", START, "--config", CONFIG, "--seed", SEED)
        run("train", *data, *start, "--out", folder / "run")
        result = ("--model", folder / "run", "--out", folder / "evaluation")
        run("evaluate", "--data", folder / "test", *result)
    content: dict[str, Any] = json.loads(metrics.read_text())
    return content


def row(name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """The means of some folds' figures."""

    def mean(pick: Any) -> float:
        return round(float(np.mean([pick(metrics) for metrics in found])), 3)

    return {
        "fold": name,
        "images": sum(metrics["frames"] for metrics in found),
        "F1 at 8 px": mean(lambda m: m["f1_at"]["8"]),
        "F1 at 0.6 % of the width": mean(lambda m: m["f1_at"]["0.6%"]),
        "F1 at 4 px": mean(lambda m: m["f1_at"]["4"]),
        "precision": mean(lambda m: m["precision"]),
        "recall": mean(lambda m: m["recall"]),
        "median error, px": mean(lambda m: m["reference_point_px"]["median"]),
    }


def main() -> None:
    """Import, split, train, score, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real-data", type=Path, required=True, help="holds road_photos")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "road_photos")
    parser.add_argument("--folds", type=int, default=FOLDS, help="stop after so many")
    args = parser.parse_args()
    everything = args.work / "all"
    if not everything.exists():
        source = ("--data", args.real_data / "road_photos", "--classes", "road_photos")
        run("import", "voc", *source, "--out", everything)
    write_folds(merge([Dataset.open(everything)]), args.work)
    found = [fold_metrics(args.work / f"fold{number}") for number in range(args.folds)]
    rows = [row(str(number), [metrics]) for number, metrics in enumerate(found)]
    if args.folds == FOLDS:
        note = (
            "257 photos, most 300x400 and taken at their own size; trained from the shipped "
            "weights, which never saw a photo, by benchmarks/road_photos.yaml; the "
            "reference point is the centre of the box; "
            "thresholds chosen on a held-back part of the training images."
        )
        command = "python benchmarks/road_photos.py --real-data ../shared/data"
        record("road_photos", command, [*rows, row("mean", found)], note)
    for line in rows:
        print(line)


if __name__ == "__main__":
    main()
