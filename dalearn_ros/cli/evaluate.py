"""``dalearn evaluate``: how well a model does on a drive or a dataset."""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dalearn_ros.cli.options import add_frames, add_time_offset, time_offset_ns

if TYPE_CHECKING:
    from dalearn_ros.evaluation.drive_options import DriveOptions

NAME = "evaluate"
HELP = "score a model on a bag with its map, or on a dataset: metrics, timing, report"
EXAMPLE = "dalearn evaluate --bag drive/bag --map drive/map --model landmarks.onnx --out result"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bag", type=Path, help="bag folder or .mcap file; needs --map")
    source.add_argument("--data", type=Path, help="dataset folder")
    source.add_argument(
        "--scenario",
        type=Path,
        metavar="FILE",
        help="YAML file of bags and datasets with limits: verdict.json, junit.xml",
    )
    source.add_argument(
        "--compare",
        type=Path,
        nargs=2,
        metavar=("A", "B"),
        help="two result folders of the same frames: which model is better, and for sure?",
    )
    parser.add_argument("--map", type=Path, help="map folder or .osm file of the bag")
    parser.add_argument("--model", type=Path, help="ONNX file or run folder")
    parser.add_argument("--out", type=Path, help="folder for the results")
    parser.add_argument("--threads", type=int, help="threads of the network; default: all cores")
    parser.add_argument(
        "--write-bag", type=Path, help="new bag (MCAP) with the drive and what was found in it"
    )
    parser.add_argument("--overlays", type=Path, help="new folder for a drawn JPEG of every frame")
    parser.add_argument("--video", type=Path, help="film of the drawn frames, .mp4")
    add_drive_arguments(parser)
    parser.set_defaults(wrong_usage=parser.error)


def add_drive_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how bags are evaluated, one or a fleet of them."""
    parser.add_argument(
        "--truth-topic",
        help="true poses; default /ground_truth/pose. Without true poses localization is not "
        "scored, and truth in the image comes from the pose that `label` would take",
    )
    parser.add_argument("--prior-topic", help="poses for the localizer; /localization/prior")
    parser.add_argument("--odometry-topic", help="odometry between the images; /odometry")
    parser.add_argument("--camera-topic", help="images; default: the only camera")
    add_frames(parser)
    add_time_offset(parser)
    parser.add_argument("--match-px", type=float, default=8.0, help="tolerance of a hit, pixels")
    parser.add_argument("--config", type=Path, help="localizer settings (YAML)")
    parser.add_argument(
        "--zoom",
        action="store_true",
        help="look closer where the map and the prior pose predict small landmarks",
    )


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written and the main figures."""
    from dalearn_ros.cli.evaluate_compare import run_compare
    from dalearn_ros.cli.evaluate_scenario import run_scenario

    if args.bag is None and (args.write_bag or args.overlays or args.video):
        args.wrong_usage("--write-bag, --overlays and --video go with --bag")
    if args.compare is not None:
        return run_compare(args)
    for name in ("model", "out"):
        if getattr(args, name) is None:
            args.wrong_usage(f"--{name} is needed")
    check_match_px(args)
    if args.scenario is not None:
        return run_scenario(args)
    return _evaluate(args)


def _evaluate(args: argparse.Namespace) -> str:
    """One bag or dataset."""
    from dalearn_ros.evaluation.collector import check_out
    from dalearn_ros.evaluation.outputs import OutputPaths
    from dalearn_ros.evaluation.replay import evaluate_bag, evaluate_dataset
    from dalearn_ros.inference.detector import LandmarkDetector
    from dalearn_ros.inference.zoom import ZoomDetector

    if (args.bag is None) != (args.map is None):
        args.wrong_usage("--bag and --map go together")
    if args.data is not None and args.time_offset_s:
        args.wrong_usage("--time-offset-s goes with --bag: a dataset was labelled with its own")
    if args.zoom and args.bag is None:
        args.wrong_usage("--zoom needs --bag: a dataset has no prior pose to predict from")
    outputs = OutputPaths(args.write_bag, args.overlays, args.video)
    options = dataclasses.replace(drive_options(args), outputs=outputs)
    outputs.check()
    check_out(args.out)
    detector = LandmarkDetector.load(args.model, args.threads)
    if args.data is not None:
        source = {"dataset": args.data, "model": args.model}
        collected = evaluate_dataset(args.data, detector, args.match_px, source)
    else:
        source = {"bag": args.bag, "map": args.map, "model": args.model}
        looking = ZoomDetector(detector) if args.zoom else detector
        collected = evaluate_bag(args.bag, args.map, looking, options, source)
    text = closing_line(args.out, collected.write(args.out))
    beside = [str(path) for path in (args.write_bag, args.overlays, args.video) if path is not None]
    return f"{text} Beside it: {', '.join(beside)}." if beside else text


def check_match_px(args: argparse.Namespace) -> None:
    """Leave with a sentence unless ``--match-px`` is a number of pixels."""
    if not (math.isfinite(args.match_px) and args.match_px > 0.0):
        args.wrong_usage("--match-px: expected a number of pixels above 0")


def drive_options(args: argparse.Namespace) -> DriveOptions:
    """What :func:`add_drive_arguments` declared, checked.

    Raises:
        InputError: A time offset or a settings file that cannot be used.
    """
    from dalearn_ros.core.settings import load_settings
    from dalearn_ros.evaluation.drive_options import DriveOptions
    from dalearn_ros.localization.settings import LocalizerSettings

    time_offset_ns(args)  # is checked
    return DriveOptions.of(args, args.match_px, load_settings(LocalizerSettings, args.config))


def closing_line(out: Path, metrics: dict[str, Any]) -> str:
    """What was written where, and what it says.

    Args:
        out: The folder.
        metrics: The content of ``metrics.json``.
    """
    text = (
        f"{out}: metrics.json, timing.json, report.html, frames.jsonl; F1 {metrics['f1']:.3f} at "
        f"{metrics['match_px']:g} px over {metrics['frames']} frames"
    )
    lateral, prior = metrics["localization"]["lateral_m"], metrics["prior"]["lateral_m"]
    if math.isfinite(lateral["median"]):
        text += f"; median lateral error {lateral['median']:.2f} m"
        text += f" (prior {prior['median']:.2f} m)" if math.isfinite(prior["median"]) else ""
    skipped = sum(metrics["frames_skipped"].values())
    return text + (f"; {skipped} frames skipped." if skipped else ".")
