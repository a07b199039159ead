"""``dalearn export``: a trained run becomes one ONNX file."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "export"
HELP = "write a trained run as an ONNX file with its metadata inside"
EXAMPLE = "dalearn export --model run --out landmarks.onnx"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", type=Path, required=True, help="run folder of 'dalearn train'")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file")
    parser.add_argument(
        "--val", type=Path, nargs="+", default=[], help="datasets to choose the thresholds on anew"
    )


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.datasets.store import Dataset
    from dalearn_ros.export.run import export_run

    data = [Dataset.open(path) for path in args.val]
    metadata, difference = export_run(args.model, args.out, data)
    size = args.out.stat().st_size / 1e6
    return (
        f"{args.out}: {size:.1f} MB, label space {metadata.label_space.digest}, score threshold "
        f"{metadata.decoding.score_threshold:g}, answers within {difference:.1g} of the network's."
    )
