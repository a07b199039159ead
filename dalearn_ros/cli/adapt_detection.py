"""``dalearn adapt`` of a landmark detector; :mod:`dalearn_ros.cli.adapt` declares the rest."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.cli.options import check_for_bags


def add_detection_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that only detection has."""
    group = parser.add_argument_group("detection")
    group.add_argument(
        "--val",
        type=Path,
        nargs="+",
        default=[],
        help="labelled source datasets to choose thresholds and the network on; default: --source",
    )
    group.add_argument(
        "--map-labels",
        type=Path,
        help="dataset with the labels that a map gives target images; filters pseudo labels",
    )
    group.add_argument("--topic", help="images of a --target that is a bag; default: all cameras")


def adapt_detection(args: argparse.Namespace) -> str:
    """Adapt, export and report; the closing line says what was written and what was chosen.

    Raises:
        DalearnError: An input is missing or does not fit; the sentence says which.
        KeyboardInterrupt: The state is saved; the same command goes on.
    """
    from dalearn_ros.core.errors import InputError
    from dalearn_ros.recipe.learning import Given, NewCity, adapt_run

    if args.init is None:
        raise InputError(
            "--init: detection needs a trained network to start from; give the --out folder of "
            "'dalearn train', or its weights."
        )
    check_for_bags("--topic", args.topic is not None, args.target)
    city = NewCity(args.target, args.topic, args.few_shot, args.map_labels, args.evaluate)
    given = Given(args.config, seed=args.seed)
    metrics = adapt_run(args.init, args.source, args.val, city, args.out, given)
    return _closing(args.out, metrics)


def _closing(out: Path, metrics: Mapping[str, Any]) -> str:
    from dalearn_ros.adaptation.report import REPORT
    from dalearn_ros.inference.detector import RUN_MODEL

    chosen = metrics["chosen_step"]
    if metrics["refused"]:
        text = f"refused: {metrics['refused']}; the source model is kept"
    else:
        text = f"adapted, step {chosen} of {metrics['steps']} chosen"
    if metrics["evaluation"] is not None:
        f1 = {network["step"]: network["f1"] for network in metrics["evaluation"]["networks"]}
        text += f"; F1 on target labels {f1[chosen]:.3f}, start {f1[0]:.3f}"
    return f"{out}: {text}; model in {out / RUN_MODEL}, report in {out / REPORT}."
