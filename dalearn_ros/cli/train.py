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
    from dalearn_ros.inference.detector import RUN_MODEL
    from dalearn_ros.recipe.learning import Given, train_run
    from dalearn_ros.training.peers import Peers

    peers, given = Peers.of_environment(), Given(args.config, seed=args.seed)
    try:
        result, skipped = train_run(args.data, args.val, args.out, given, args.init, peers)
    except KeyboardInterrupt:
        raise DalearnError(
            f"interrupted; {args.out} keeps the last state. The same command continues it."
        ) from None
    if peers.rank:  # the first process speaks for all
        raise SystemExit(0)
    ended = {"steps": "all steps", "time": "time limit", "converged": "converged"}[result.reason]
    f1 = f", F1 {result.figures['f1']:.3f} on --val" if "f1" in result.figures else ""
    left = f"; {len(skipped)} unreadable images left out" if skipped else ""
    return (
        f"{args.out}: {result.steps} steps in {result.minutes:.1f} min ({ended}){f1}{left}; "
        f"model in {args.out / RUN_MODEL}."
    )
