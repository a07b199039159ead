"""``dalearn adapt``: a model of one city becomes one of another, without its labels."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from dalearn_ros.cli.adapt_detection import adapt_detection, add_detection_arguments

NAME = "adapt"
HELP = "adapt a model to a new city by its images alone, without their labels"
EXAMPLE = "dalearn adapt --init run --source dataset --target images --out run_new_city --seed 1"
TASKS = ("detection", "classification")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--task",
        choices=TASKS,
        default=TASKS[0],
        help="what the model does; classification: images in a folder for each class; default: "
        "%(default)s",
    )
    parser.add_argument(
        "--init",
        type=Path,
        help="run folder to start from, or weights whose network --config describes; detection "
        "needs one",
    )
    parser.add_argument(
        "--source", type=Path, nargs="+", required=True, help="labelled images; detection: datasets"
    )
    parser.add_argument(
        "--target",
        type=Path,
        nargs="+",
        required=True,
        help="images of the new city, folders or (detection) bags; labels and folders' names are "
        "not looked at",
    )
    parser.add_argument(
        "--few-shot", type=Path, nargs="+", default=[], help="a few labelled images of the new city"
    )
    parser.add_argument(
        "--evaluate",
        type=Path,
        nargs="+",
        default=[],
        help="labelled images of the new city, for the score alone",
    )
    parser.add_argument("--config", type=Path, help="settings (YAML)")
    parser.add_argument(
        "--out", type=Path, required=True, help="run folder; the same run in it is continued"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, changes and order")
    add_detection_arguments(parser)


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.errors import DalearnError

    try:
        if args.task == "classification":
            return _classification(args)
        return adapt_detection(args)
    except KeyboardInterrupt:
        raise DalearnError(
            f"interrupted; {args.out} keeps the last state. The same command continues it."
        ) from None


def _classification(args: argparse.Namespace) -> str:
    from dalearn_ros.adaptation.classifier_data import Folders
    from dalearn_ros.adaptation.classifier_run import METRICS, adapt_classifier
    from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings
    from dalearn_ros.core.settings import load_settings

    _refuse_detection(args)
    settings = load_settings(AdaptClassifierSettings, args.config)
    source, target = _only(args.source, "--source"), _only(args.target, "--target")
    assert source is not None and target is not None
    few, labelled = _only(args.few_shot, "--few-shot"), _only(args.evaluate, "--evaluate")
    folders = Folders(source, target, few, labelled)
    named = str(args.config or "settings")
    metrics = adapt_classifier(folders, args.out, settings, args.seed, args.init, named)
    scored = "no --evaluate, so no score"
    if metrics["accuracy"] is not None:
        scored = (
            f"accuracy {metrics['accuracy']:.4f} on {metrics['evaluated_images']} images, "
            f"source only {metrics['source_only_accuracy']:.4f}"
        )
    refused = f"; source only kept: {metrics['refused']}" if metrics["refused"] else ""
    left = len(metrics["unreadable"])
    skipped = f"; {left} unreadable files left out" if left else ""
    same = metrics["target_repeated"]
    repeated = f"; {same} repeated target images left out" if same else ""
    return f"{args.out / METRICS}: {scored}{refused}{skipped}{repeated}."


def _refuse_detection(args: argparse.Namespace) -> None:
    """Raise InputError for an option that only detection has."""
    from dalearn_ros.core.errors import InputError

    for name in ("val", "map_labels", "topic"):
        if getattr(args, name):
            option = "--" + name.replace("_", "-")
            raise InputError(f"{option}: only detection has this option; leave it out.")


def _only(paths: Sequence[Path], option: str) -> Path | None:
    """The one folder that classification takes; None if none was given."""
    from dalearn_ros.core.errors import InputError

    if len(paths) > 1:
        raise InputError.at(option, "", "one folder for classification", f"{len(paths)}")
    return paths[0] if paths else None
