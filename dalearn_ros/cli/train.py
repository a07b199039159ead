"""``dalearn train``: labelled datasets become a trained detector."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "train"
HELP = "train the landmark detector on labelled datasets"
EXAMPLE = "dalearn train --data dataset --val other --out run --config config/train.yaml --seed 1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="datasets to learn from, in COCO form or shards",
    )
    parser.add_argument(
        "--val", type=Path, nargs="+", default=[], help="datasets to choose thresholds on"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="run folder; the same run in it is continued"
    )
    parser.add_argument("--config", type=Path, help="training settings (YAML)")
    parser.add_argument("--init", type=Path, help="run folder or weights to start from")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, crops and order")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.errors import DalearnError
    from dalearn_ros.core.settings import load_settings
    from dalearn_ros.datasets.shards import open_training_data
    from dalearn_ros.datasets.store import Dataset
    from dalearn_ros.detector.run import train_detector
    from dalearn_ros.detector.settings import TrainSettings
    from dalearn_ros.export.run import export_run
    from dalearn_ros.inference.detector import RUN_MODEL
    from dalearn_ros.training.peers import Peers

    settings = load_settings(TrainSettings, args.config)
    data = open_training_data(args.data)
    validation = [Dataset.open(path) for path in args.val]
    peers = Peers.of_environment()
    try:
        result, skipped = train_detector(
            data, validation, args.out, settings, args.seed, args.init, peers
        )
    except KeyboardInterrupt:
        raise DalearnError(
            f"interrupted; {args.out} keeps the last state. The same command continues it."
        ) from None
    if peers.rank:  # the first process speaks for all
        raise SystemExit(0)
    export_run(args.out, args.out / RUN_MODEL)
    ended = {"steps": "all steps", "time": "time limit", "converged": "converged"}[result.reason]
    f1 = f", F1 {result.figures['f1']:.3f} on --val" if "f1" in result.figures else ""
    left = f"; {len(skipped)} unreadable images left out" if skipped else ""
    return (
        f"{args.out}: {result.steps} steps in {result.minutes:.1f} min ({ended}){f1}{left}; "
        f"model in {args.out / RUN_MODEL}."
    )
