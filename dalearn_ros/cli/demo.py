"""``dalearn demo``: the main job on the embedded default, as separate ROS 2 processes."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from pathlib import Path
from typing import Any

NAME = "demo"
HELP = "drive through a procedural city with detector, localizer and evaluator as ROS 2 nodes"
EXAMPLE = "dalearn demo --out out/demo"
DEFAULT_MODEL = "models/landmarks-s.onnx"
DEFAULT_SEED = 90210  # no training drive has it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--direct", action="store_true", help="without ROS 2, in this process")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="new folder")
    parser.add_argument("--frames", type=int, default=200, help="images, 10 a second")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="another seed, another city")
    parser.add_argument("--model", type=Path, help="ONNX file; default: the shipped one")
    parser.set_defaults(wrong_usage=parser.error)


def run(args: argparse.Namespace) -> str:
    """Write a drive, run over it, print the table; the closing line names the report."""
    from dalearn_ros.core.files import refuse_existing
    from dalearn_ros.core.resources import resource
    from dalearn_ros.inference.detector import LandmarkDetector

    if args.frames < 10:
        args.wrong_usage("--frames: expected 10 or more")
    refuse_existing(args.out)
    if not args.direct:
        check_ros()
    model = args.model if args.model is not None else resource(DEFAULT_MODEL)
    LandmarkDetector.load(model, threads=1)  # a wrong one is told before the drive is made
    try:
        metrics, counts = _run(args, model)
    except BaseException:
        shutil.rmtree(args.out, ignore_errors=True)
        raise
    print(table(metrics, counts))
    return f"{args.out}: drive/ and results/; open {args.out}/results/report.html"


def _run(args: argparse.Namespace, model: Path) -> tuple[dict[str, Any], dict[str, int]]:
    from dalearn_ros.world.drive import write_drive

    _say(f"1/2 a drive of {args.frames} images through a procedural city (seed {args.seed})")
    drive = args.out / "drive"
    write_drive(drive, "north", "day", args.frames, args.seed, False)
    if args.direct:
        _say("2/2 detect, localize and score in this process")
        return _direct(drive, model, args.out / "results"), {}
    from dalearn_ros.nodes.chain import play_through_nodes

    _say("2/2 player, detector, localizer and evaluator as four ROS 2 processes")
    threads = max(1, (os.cpu_count() or 2) - 1)
    return play_through_nodes(drive / "bag", drive / "map", model, args.out, threads)


def _direct(drive: Path, model: Path, out: Path) -> dict[str, Any]:
    from dalearn_ros.evaluation.replay import evaluate_bag
    from dalearn_ros.inference.detector import LandmarkDetector

    detector = LandmarkDetector.load(model)
    source = {"bag": drive / "bag", "map": drive / "map", "model": model}
    return evaluate_bag(drive / "bag", drive / "map", detector, None, source).write(out)


def check_ros() -> None:
    """Raise InputError if nodes cannot run here; the sentence says what to do."""
    from dalearn_ros.core.errors import InputError
    from dalearn_ros.nodes.process import network_fault

    missing = [name for name in ("rclpy", "vision_msgs", "tf2_msgs") if not _installed(name)]
    if missing:
        raise InputError(
            f"ROS 2 is not here ({', '.join(missing)} missing): source an installation, or run "
            "'make setup-demo' in the project, or add --direct to do without."
        )
    fault = network_fault()
    if fault:
        raise InputError(f"the nodes cannot talk: {fault} --direct does without.")


def table(metrics: dict[str, Any], counts: dict[str, int]) -> str:
    """The main figures as text.

    Args:
        metrics: The content of ``metrics.json``.
        counts: What became of the images; empty without ROS.
    """
    where, prior = metrics["localization"], metrics["prior"]
    point = metrics["reference_point_px"]
    rows = [
        ("images scored", f"{metrics['frames']}"),
        (f"F1 at {metrics['match_px']:g} px", _figure(metrics["f1"])),
        ("precision, recall", f"{_figure(metrics['precision'])}, {_figure(metrics['recall'])}"),
        ("reference point, median", f"{_figure(point['median'])} px"),
        ("lateral error, median", f"{_figure(where['lateral_m']['median'])} m"),
        ("  of the prior pose", f"{_figure(prior['lateral_m']['median'])} m"),
        ("longitudinal error, median", f"{_figure(where['longitudinal_m']['median'])} m"),
        ("  of the prior pose", f"{_figure(prior['longitudinal_m']['median'])} m"),
        ("heading error, median", f"{_figure(where['heading_deg']['median'])} deg"),
        ("pose available", f"{_figure(100 * (where['availability'] or 0.0))} %"),
    ]
    if counts:
        rows.append(("images sent", str(sum(counts.values()))))
        rows += [(f"  {name}", str(count)) for name, count in counts.items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def _figure(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3g}"


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _say(text: str) -> None:
    print(text, file=sys.stderr)
