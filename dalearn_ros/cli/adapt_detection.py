"""``dalearn adapt`` of a landmark detector; :mod:`dalearn_ros.cli.adapt` declares the rest."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dalearn_ros.datasets.image_filter import Filtered
    from dalearn_ros.datasets.image_list import ImageList
    from dalearn_ros.datasets.store import Dataset


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
    from dalearn_ros.adaptation.detector_inputs import Inputs
    from dalearn_ros.adaptation.detector_run import CANDIDATES, TARGET_IMAGES, adapt_detector
    from dalearn_ros.adaptation.detector_settings import AdaptSettings
    from dalearn_ros.adaptation.map_labels import labels_by_content
    from dalearn_ros.adaptation.report import write_report
    from dalearn_ros.adaptation.selection import candidates
    from dalearn_ros.adaptation.target_score import score_target
    from dalearn_ros.datasets.image_filter import filter_images
    from dalearn_ros.datasets.image_list import ImageList
    from dalearn_ros.datasets.store import Dataset
    from dalearn_ros.detector.run import settings_from
    from dalearn_ros.detector.samples import check_label_spaces
    from dalearn_ros.export.run import export_run
    from dalearn_ros.inference.detector import RUN_MODEL
    from dalearn_ros.training.run_folder import refuse_other

    _check(args)
    refuse_other(args.out, (TARGET_IMAGES,))
    settings = settings_from(AdaptSettings, args.init, args.config)
    source, validation, few = (
        [Dataset.open(path) for path in paths] for paths in (args.source, args.val, args.few_shot)
    )
    target = ImageList.open(args.target, args.out / TARGET_IMAGES, args.topic)
    target = _selected(target, filter_images(target, settings.filter))
    mapped, notes = None, []
    if args.map_labels is not None:
        labels = Dataset.open(args.map_labels)
        check_label_spaces([*source, labels])
        mapped, matched = labels_by_content(labels, target)
        if matched < len(target):
            notes.append(
                f"The map has labels for {matched} of {len(target)} target images; pseudo labels "
                "in the others are judged without it."
            )
    inputs = Inputs(args.init, source, validation, target, few, mapped)
    outcome = adapt_detector(inputs, args.out, settings, args.seed)
    export_run(args.out, args.out / RUN_MODEL)
    scored = None
    if labelled := _labelled(args.evaluate, source):
        found = candidates(args.out / CANDIDATES)
        scored = score_target(found, outcome.chosen.step, settings, labelled)
    space = source[0].label_space
    metrics = write_report(args.out, target, settings, space, scored, notes)
    return _closing(args.out, metrics)


def _check(args: argparse.Namespace) -> None:
    """Raise InputError for what would only be missed after hours; no label is read."""
    from dalearn_ros.core.errors import InputError

    if args.init is None:
        raise InputError(
            "--init: detection needs a trained network to start from; give the --out folder of "
            "'dalearn train', or its weights."
        )
    if not args.init.exists():
        raise InputError.at(args.init, "", "a run folder or weights to start from", "nothing")
    for path in args.evaluate:
        if not (path / "dataset.json").is_file():
            raise InputError.at(path, "", "a dataset for --evaluate", "no dataset.json in it")


def _selected(target: ImageList, passed: Filtered) -> ImageList:
    """The images that passed the filter."""
    from dalearn_ros.core.errors import DatasetError
    from dalearn_ros.datasets.image_list import left_out_lines

    if not len(passed.rows):
        found = "; ".join(left_out_lines(passed.left_out))
        hint = "The settings 'filter' have the limits."
        raise DatasetError.at("--target", "", "images that pass the filter", found, hint)
    return target.select(passed.rows, passed.left_out)


def _labelled(paths: Sequence[Path], source: Sequence[Dataset]) -> list[Dataset]:
    """Labelled target images, opened after the choice stands."""
    from dalearn_ros.datasets.store import Dataset
    from dalearn_ros.detector.samples import check_label_spaces

    data = [Dataset.open(path) for path in paths]
    check_label_spaces([*source, *data])
    return data


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
