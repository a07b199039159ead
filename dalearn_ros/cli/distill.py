"""``dalearn distill``: a detector learns distances, from a local model that a map has taught."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.cli.options import check_for_bags

NAME = "distill"
HELP = "teach a detector the distance of everything, from sparse distances of map and pose"
EXAMPLE = (
    "dalearn distill --init run --data dataset --target new_city/bag --val other "
    "--out run_depth --seed 1"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--init", type=Path, required=True, help="run folder of the detector that gets the depth"
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        default=[],
        help="datasets with known distances (label --distances): the local model learns from them",
    )
    parser.add_argument(
        "--target",
        type=Path,
        nargs="+",
        default=[],
        help="unlabelled images on which the local model teaches the global one: bags, or "
        "datasets whose labels are not looked at; default: those of --data",
    )
    parser.add_argument(
        "--val", type=Path, nargs="+", default=[], help="datasets with known distances, to judge on"
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        help="local model that is there already: the --out folder of another distillation or of "
        "--local-only; default: one is trained on --data",
    )
    parser.add_argument(
        "--local-only", action="store_true", help="train the local model in OUT/local, and end"
    )
    parser.add_argument("--topic", help="images of a --target that is a bag; default: its camera")
    parser.add_argument(
        "--images",
        choices=("auto", "raw", "rectified"),
        default="auto",
        help="of a --target that is a bag: whether K and D of camera_info hold, or P; auto: P for "
        "topics image_rect*",
    )
    parser.add_argument("--config", type=Path, help="settings (YAML)")
    parser.add_argument(
        "--out", type=Path, required=True, help="run folder; the same run in it is continued"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, crops and order")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.errors import DalearnError

    _check(args)
    try:
        return _local(args) if args.local_only else _distill(args)
    except KeyboardInterrupt:
        raise DalearnError(
            f"interrupted; {args.out} keeps the last state. The same command continues it."
        ) from None


def _check(args: argparse.Namespace) -> None:
    """Raise InputError for options that do not fit together."""
    from dalearn_ros.core.errors import InputError

    if not args.data and (args.local_only or args.teacher is None):
        raise InputError("--data: the local model needs images with known distances, or --teacher.")
    if args.local_only and args.teacher is not None:
        raise InputError("--teacher: is a local model already; leave out --local-only or this.")
    if not args.data and not args.target:
        raise InputError("--target: nothing to learn on; give images, or --data.")
    check_for_bags("--topic", args.topic is not None, args.target)
    check_for_bags("--images", args.images != "auto", args.target)


def _local(args: argparse.Namespace) -> str:
    from dalearn_ros.core.settings import load_settings
    from dalearn_ros.datasets.store import Dataset
    from dalearn_ros.depth.distill import LOCAL, check_settings
    from dalearn_ros.depth.run import train_local
    from dalearn_ros.depth.settings import DistillSettings
    from dalearn_ros.detector.run import open_run

    settings = load_settings(DistillSettings, args.config)
    check_settings(settings)
    data, validation = ([Dataset.open(p) for p in paths] for paths in (args.data, args.val))
    detector, out = open_run(args.init), args.out / LOCAL
    result, skipped = train_local(detector, data, validation, out, settings, args.seed)
    judged = _judged("AbsRel", result.figures)
    left = f"; {len(skipped)} images left out" if skipped else ""
    return f"{out}: {result.steps} steps in {result.minutes:.1f} min{judged}{left}."


def _distill(args: argparse.Namespace) -> str:
    from dalearn_ros.depth.distill import METRICS
    from dalearn_ros.inference.detector import RUN_MODEL
    from dalearn_ros.recipe.learning import Given, Unlabelled, distill_run

    rectified = None if args.images == "auto" else args.images == "rectified"
    images = Unlabelled(args.target, args.topic, rectified)
    given = Given(args.config, seed=args.seed)
    found = args.data, args.val, images
    metrics = distill_run(args.init, *found, args.out, given, args.teacher)
    located = metrics["location"] is not None
    text = _judged("AbsRel", metrics["global"])
    if text and metrics["local"]:
        text += f", of the local model {metrics['local']['abs_rel']:.3f}"
    skipped = len(metrics["skipped"])
    left = f"; left out: {skipped} (skipped in {args.out / METRICS})" if skipped else ""
    depth = "" if located else " (without depth: it was taught without location)"
    return (
        f"{args.out}: {metrics['steps']} steps in {metrics['minutes']:.1f} min{text}{left}; "
        f"model in {args.out / RUN_MODEL}{depth}, figures in {args.out / METRICS}."
    )


def _judged(name: str, figures: Mapping[str, Any]) -> str:
    """A clause about the figure on --val; empty without any."""
    return f", {name} {figures['abs_rel']:.3f} on --val" if "abs_rel" in figures else ""
