"""``dalearn retrain-attention``: a network learns from corrected attention maps."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NAME = "retrain-attention"
HELP = "give a model an attention branch, and retrain it with attention maps that were corrected"
EXAMPLE = (
    "dalearn retrain-attention --init run --data dataset --val other --out run_attention\n"
    "  dalearn retrain-attention --init run_attention --edits edits --data dataset --val other "
    "--out run_edited --seed 1"
)
TASKS = ("detection", "classification", "regression")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--task",
        choices=TASKS,
        default=TASKS[0],
        help="what the model does; classification: images in a folder for each class; "
        "regression: a folder with values.csv (file,NAME,...); default: %(default)s",
    )
    parser.add_argument(
        "--init",
        type=Path,
        help="run folder to start from, with an attention branch or without; detection needs one",
    )
    parser.add_argument(
        "--edits",
        type=Path,
        help="folder of corrected maps, from 'dalearn edit-attention'; default: none, the branch "
        "learns by recognition alone",
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="labelled data to learn from"
    )
    parser.add_argument(
        "--val",
        type=Path,
        nargs="+",
        default=[],
        help="labelled data to choose thresholds on, and to see what breaks",
    )
    parser.add_argument("--config", type=Path, help="settings (YAML)")
    parser.add_argument(
        "--out", type=Path, required=True, help="run folder; the same run in it is continued"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, crops and order")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.errors import DalearnError, InputError
    from dalearn_ros.training.run_folder import refuse_other

    if args.init is not None and not args.init.exists():
        raise InputError.at(args.init, "", "a run folder to start from", "nothing")
    refuse_other(args.out)
    try:
        if args.task == "detection":
            return _detection(args)
        return _images(args)
    except KeyboardInterrupt:
        raise DalearnError(
            f"interrupted; {args.out} keeps the last state. The same command continues it."
        ) from None


def _detection(args: argparse.Namespace) -> str:
    from dalearn_ros.core.errors import InputError
    from dalearn_ros.inference.detector import RUN_MODEL
    from dalearn_ros.recipe.learning import Given, retrain_run

    if args.init is None:
        raise InputError("--init: detection starts from the run folder of a detector.")
    given = Given(args.config, seed=args.seed)
    metrics = retrain_run(args.init, args.data, args.val, args.edits, args.out, given)
    return _closing(args.out, metrics, f"model in {args.out / RUN_MODEL}, ")


def _images(args: argparse.Namespace) -> str:
    from dalearn_ros.attention.classifier_retrain import retrain_images
    from dalearn_ros.attention.classifier_start import ImageInputs, image_settings

    settings = image_settings(args.init, args.config)
    data, validation = _only(args.data, "--data"), _only(args.val, "--val")
    assert data is not None
    inputs = ImageInputs(args.task, data, validation, args.init, args.edits)
    return _closing(args.out, retrain_images(inputs, args.out, settings, args.seed), "")


def _closing(out: Path, metrics: Mapping[str, Any], model: str) -> str:
    from dalearn_ros.attention.regression_report import REPORT
    from dalearn_ros.attention.retrain import LEFT_BEHIND

    edits = metrics["edits"]
    new = " A new attention branch was put on." if metrics["new_branch"] else ""
    used = f" {edits['used']} of {edits['given']} corrected maps used." if edits["given"] else ""
    skipped = len(metrics["skipped_images"])
    left = f" {skipped} images left out." if skipped else ""
    lost = ""
    if metrics.get("depth") == LEFT_BEHIND:
        lost = (
            " The depth head was left behind: it stays right only beside a branch and while the "
            "features do not learn (attention.source, attention.learns)."
        )
    report = f"{model}report in {out / REPORT}."
    return f"{out}: {metrics['verdict']}{new}{used}{left}{lost} {report[0].upper()}{report[1:]}"


def _only(paths: Sequence[Path], option: str) -> Path | None:
    """The one folder that a plain network takes; None if none was given."""
    from dalearn_ros.core.errors import InputError

    if len(paths) > 1:
        expected = "one folder for classification or regression"
        raise InputError.at(option, "", expected, f"{len(paths)}")
    return paths[0] if paths else None
