"""``dalearn harden``: seek the conditions that break a model, and learn from them."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "harden"
HELP = "seek the light, weather, blur or shapes that break a model, and learn from such images"
EXAMPLE = "dalearn harden --init run --data dataset --store store.sqlite --out run_hard --seed 1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--init",
        type=Path,
        required=True,
        help="run folder to start from, or weights whose network --config describes",
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="labelled datasets; they are converted, and learnt from again beside what is hard",
    )
    parser.add_argument(
        "--store",
        type=Path,
        help="colour distributions of other conditions, from 'dalearn conditions collect'; the "
        "file is not changed, the run keeps a copy with what became of each; needed unless the "
        "setting conversions.use leaves 'colours' out",
    )
    parser.add_argument(
        "--index",
        type=Path,
        help="folder of index images, PNG files with the images' names; default: those beside "
        "the datasets; images without one are converted as a whole",
    )
    parser.add_argument(
        "--val",
        type=Path,
        nargs="+",
        default=[],
        help="labelled datasets to choose thresholds on; default: those of --init stay",
    )
    parser.add_argument("--config", type=Path, help="settings (YAML)")
    parser.add_argument(
        "--out", type=Path, required=True, help="run folder; the same run in it is continued"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of search, crops and order")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.errors import DalearnError
    from dalearn_ros.hard_examples.album import ALBUM
    from dalearn_ros.hard_examples.run import HARD
    from dalearn_ros.inference.detector import RUN_MODEL
    from dalearn_ros.recipe.learning import Given, harden_run

    given = Given(args.config, seed=args.seed)
    found = args.data, args.val, args.store, args.index
    try:
        metrics = harden_run(args.init, *found, args.out, given)
    except KeyboardInterrupt:
        raise DalearnError(
            f"interrupted; {args.out} keeps the last state. The same command continues it."
        ) from None
    return (
        f"{args.out}: {metrics['verdict']} Hard images in {args.out / HARD}, model in "
        f"{args.out / RUN_MODEL}, album in {args.out / ALBUM}."
    )
