"""``dalearn label``: a drive and a map become a labelled dataset."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "label"
HELP = "label the frames of a bag with the landmarks of a map"
EXAMPLE = "dalearn label --bag drive/bag --map drive/map --out dataset"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--bag", type=Path, required=True, help="bag folder or .mcap file")
    parser.add_argument("--map", type=Path, required=True, help="map folder or .osm file")
    parser.add_argument("--out", type=Path, required=True, help="the new dataset's folder")
    parser.add_argument(
        "--pose-topic",
        help="vehicle poses; default: /localization/kinematic_state, else the only pose topic",
    )
    parser.add_argument("--camera-topic", help="images; default: the only camera")
    parser.add_argument("--config", type=Path, help="label settings (YAML)")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.settings import load_settings
    from dalearn_ros.datasets.from_bag import label_bag
    from dalearn_ros.labels.project import LabelSettings

    settings = load_settings(LabelSettings, args.config)
    summary = label_bag(args.bag, args.map, args.out, args.pose_topic, args.camera_topic, settings)
    skipped = summary["frames_skipped"]
    left_out = ", ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    return (
        f"{args.out}: {summary['frames']} frames with {summary['labels']} labels of "
        f"{summary['landmarks_labelled']} landmarks"
        + (f"; left out: {left_out}" if left_out else "")
        + "; see audit.html there."
    )
