"""``dalearn label``: a drive and a map become a labelled dataset."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dalearn_ros.cli.options import add_frames, add_time_offset, time_offset_ns

if TYPE_CHECKING:
    from dalearn_ros.datasets.from_bag import Extras

NAME = "label"
HELP = "label the frames of a bag with the landmarks of a map"
MODELS = ("trajectory", "plane")
DISTANCES = ("none", "map", "all")
EXAMPLE = "dalearn label --bag drive/bag --map drive/map --out dataset"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--bag", type=Path, required=True, help="bag folder or .mcap file")
    parser.add_argument("--map", type=Path, required=True, help="map folder or file")
    parser.add_argument("--out", type=Path, required=True, help="the new dataset's folder")
    parser.add_argument("--threads", type=int, help="threads of --audit-model; default: all cores")
    add_label_arguments(parser)


def add_label_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how bags are labelled, one or a fleet of them."""
    parser.add_argument(
        "--pose-topic",
        help="vehicle poses; default: /localization/kinematic_state, else the only pose topic",
    )
    parser.add_argument(
        "--camera-topic",
        action="append",
        help="images; default: the only camera; may be given several times",
    )
    add_frames(parser)
    add_time_offset(parser)
    parser.add_argument(
        "--readout-ms",
        type=float,
        default=0.0,
        help="rolling shutter: time from the first row that is read to the last; the stamp (plus "
        "--time-offset-s) is that of the first. Negative: the bottom row is read first. "
        "Default: 0, all rows at once",
    )
    parser.add_argument(
        "--images",
        choices=("auto", "raw", "rectified"),
        default="auto",
        help="whether K and D of camera_info hold, or P; auto: P for topics image_rect*",
    )
    parser.add_argument(
        "--cloud-topic",
        help="LiDAR clouds that hide what lies behind them; default: the only cloud; none: none",
    )
    parser.add_argument(
        "--distances",
        choices=DISTANCES,
        default=DISTANCES[0],
        help="true distances to keep with each image, for 'dalearn distill'; map: landmarks and "
        "the driven road; all: LiDAR and depth images, too; default: %(default)s",
    )
    parser.add_argument(
        "--ground",
        choices=MODELS,
        default=MODELS[0],
        help="ground of a map without heights: that of the driven trajectory, or the plane "
        "through the wheels; default: %(default)s",
    )
    parser.add_argument(
        "--audit-model",
        type=Path,
        help="ONNX file or run folder: audit the labels against what it sees",
    )
    parser.add_argument(
        "--areas",
        action="store_true",
        help="also write which pixel is road, sign, sky, ...: index images for `dalearn harden`",
    )
    parser.add_argument("--config", type=Path, help="label settings (YAML)")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.settings import load_settings
    from dalearn_ros.datasets.from_bag import label_bag
    from dalearn_ros.labels.settings import LabelSettings

    settings, extras = load_settings(LabelSettings, args.config), label_extras(args)
    if args.audit_model is not None:
        detect, model = _detector(args.audit_model, args.threads)
        extras = dataclasses.replace(extras, detect=detect, model=model)
    topics = args.pose_topic, args.camera_topic
    summary = label_bag(args.bag, args.map, args.out, *topics, settings, extras)
    skipped = summary["frames_skipped"]
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    return (
        f"{args.out}: {summary['frames']} frames with {summary['labels']} labels of "
        f"{summary['landmarks_labelled']} landmarks"
        + (f"; left out: {left_out}" if left_out else "")
        + (f"; {_verdict(summary['against_detections'])}" if extras.detect else "")
        + "; see audit.html there."
    )


def label_extras(args: argparse.Namespace) -> Extras:
    """What :func:`add_label_arguments` declared, checked; without a detector.

    Raises:
        InputError: A time offset or a readout that cannot be.
    """
    from dalearn_ros.datasets.from_bag import Extras

    return Extras(
        cloud_topic=args.cloud_topic,
        ground=args.ground,
        time_offset_ns=time_offset_ns(args),
        rectified=None if args.images == "auto" else args.images == "rectified",
        readout_s=readout(args),
        map_frame=args.map_frame,
        base_frame=args.base_frame,
        areas=args.areas,
        distances=args.distances,
    )


def readout(args: argparse.Namespace) -> float:
    """The readout of a rolling shutter in seconds, checked.

    Raises:
        InputError: Longer than half a second.
    """
    from dalearn_ros.core.errors import InputError

    value = float(args.readout_ms)
    if not abs(value) <= 500.0:
        expected = "milliseconds between -500 and 500"
        raise InputError.at("--readout-ms", "", expected, f"{value:g}")
    return value * 1e-3


def _detector(model: Path, threads: int | None) -> tuple[Any, str]:
    """What sees landmarks, and its name."""
    from dalearn_ros.evaluation.replay import check_label_space
    from dalearn_ros.inference.detector import LandmarkDetector
    from dalearn_ros.landmarks.catalogue import LabelSpace

    detector = LandmarkDetector.load(model, threads)
    check_label_space(detector.label_space, LabelSpace.load())
    return detector.detect, str(model.resolve())


def _verdict(found: dict[str, Any]) -> str:
    suspects = found.get("landmarks_suspect", 0)
    text = f"against the model: {found['verdict']}"
    return text + (f", {suspects} suspect landmarks" if suspects else "")
