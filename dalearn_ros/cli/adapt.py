"""``dalearn adapt``: a model of one city becomes one of another, without its labels."""

from __future__ import annotations

import argparse
from pathlib import Path

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
        "--init", type=Path, help="run folder or weights to start from; detection needs one"
    )
    parser.add_argument("--source", type=Path, required=True, help="labelled images")
    parser.add_argument(
        "--target",
        type=Path,
        required=True,
        help="images of the new city; labels and folders' names are not looked at",
    )
    parser.add_argument("--few-shot", type=Path, help="a few labelled images of the new city")
    parser.add_argument(
        "--evaluate", type=Path, help="labelled images of the new city, for the score alone"
    )
    parser.add_argument("--config", type=Path, help="settings (YAML)")
    parser.add_argument(
        "--out", type=Path, required=True, help="run folder; the same run in it is continued"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, changes and order")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.errors import DalearnError

    try:
        if args.task == "classification":
            return _classification(args)
        from dalearn_ros.cli.adapt_detection import adapt_detection

        return adapt_detection(args)
    except KeyboardInterrupt:
        raise DalearnError(
            f"interrupted; {args.out} keeps the last state. The same command continues it."
        ) from None


def _classification(args: argparse.Namespace) -> str:
    from dalearn_ros.adaptation.classifier_run import METRICS, Folders, adapt_classifier
    from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings
    from dalearn_ros.core.settings import load_settings

    settings = load_settings(AdaptClassifierSettings, args.config)
    folders = Folders(args.source, args.target, args.few_shot, args.evaluate)
    metrics = adapt_classifier(folders, args.out, settings, args.seed, args.init)
    scored = "no --evaluate, so no score"
    if metrics["accuracy"] is not None:
        scored = (
            f"accuracy {metrics['accuracy']:.4f} on {metrics['evaluated_images']} images, "
            f"source only {metrics['source_only_accuracy']:.4f}"
        )
    left = len(metrics["unreadable"])
    skipped = f"; {left} unreadable files left out" if left else ""
    same = metrics["target_repeated"]
    repeated = f"; {same} repeated target images left out" if same else ""
    return f"{args.out / METRICS}: {scored}{skipped}{repeated}."
