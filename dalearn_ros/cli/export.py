"""``dalearn export``: a trained run becomes one ONNX file, in fp32, fp16 or int8."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dalearn_ros.datasets.store import Dataset

NAME = "export"
HELP = "write a trained run as an ONNX file with its metadata inside, in fp32, fp16 or int8"
EXAMPLE = (
    "dalearn export --model run --out landmarks.onnx\n"
    "  dalearn export --model distilled --out landmarks-depth.onnx --depth\n"
    "  dalearn export --model landmarks.onnx --out landmarks-int8.onnx --precision int8 \\\n"
    "      --calibrate data/train --val data/val"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--model",
        type=Path,
        required=True,
        help="run folder of 'dalearn train', or with --precision fp16 or int8 an fp32 ONNX file",
    )
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file")
    parser.add_argument(
        "--precision",
        choices=("fp32", "fp16", "int8"),
        default="fp32",
        help="of the arithmetic inside; what fp16 and int8 lose is measured on --val, and too "
        "much is refused; default: %(default)s",
    )
    parser.add_argument(
        "--calibrate",
        type=Path,
        nargs="+",
        default=[],
        help="datasets that show int8 how large activations become",
    )
    parser.add_argument(
        "--val",
        type=Path,
        nargs="+",
        default=[],
        help="datasets to choose a run's thresholds on anew, and to measure fp16 and int8 on",
    )
    parser.add_argument(
        "--depth",
        action="store_true",
        help="with the depth of a run of 'dalearn distill'; it costs a little time in each image "
        "(an attention branch needs no option: without it the detector is another one)",
    )
    parser.add_argument("--config", type=Path, help="frames and bounds of fp16 and int8 (YAML)")
    parser.set_defaults(wrong_usage=parser.error)


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written and what it lost."""
    if args.precision != "fp32" and not args.val:
        args.wrong_usage(f"--precision {args.precision} is measured on real frames: give --val")
    if (args.precision == "int8") != bool(args.calibrate):
        args.wrong_usage("--calibrate and --precision int8 go together")
    if args.precision == "fp32" and args.config is not None:
        args.wrong_usage("--config goes with --precision fp16 or int8")
    if args.depth and args.model.is_file():
        args.wrong_usage("--depth goes with a run folder; an ONNX file keeps the depth that it has")
    from dalearn_ros.core.errors import InputError
    from dalearn_ros.datasets.store import Dataset

    data = [Dataset.open(path) for path in args.val]
    if args.precision != "fp32":
        return _converted(args, data)
    if args.model.is_file():
        expected = "a run folder of 'dalearn train'"
        raise InputError.at(args.model, "", expected, "a file", "A model is exported already.")
    from dalearn_ros.export.run import export_run

    metadata, difference = export_run(args.model, args.out, data, args.depth)
    depth = metadata.depth
    taught = f"depth from {depth.least_m:g} to {depth.greatest_m:g} m, " if depth else ""
    taught += "with its attention map, " if metadata.attention else ""
    return (
        f"{args.out}: {_megabytes(args.out)}, label space {metadata.label_space.digest}, score "
        f"threshold {metadata.decoding.score_threshold:g}, {taught}answers within "
        f"{difference:.1g} of the network's."
    )


def _converted(args: argparse.Namespace, data: list[Dataset]) -> str:
    from dalearn_ros.core.settings import load_settings
    from dalearn_ros.datasets.store import Dataset
    from dalearn_ros.export.precision import PrecisionSettings, check_out, convert

    check_out(args.out)
    settings = load_settings(PrecisionSettings, args.config)
    shown = [Dataset.open(path) for path in args.calibrate]
    with tempfile.TemporaryDirectory() as folder:
        model = args.model
        if not model.is_file():
            from dalearn_ros.export.run import export_run

            model = Path(folder) / "fp32.onnx"
            export_run(args.model, model, data, args.depth)
        done = convert(model, args.out, args.precision, data, shown, settings)
    how = args.precision
    if done.calibration:
        how += f" ({done.calibration} of {done.calibration_frames} frames)"
    return f"{args.out}: {_megabytes(args.out)}, {how}; {done.loss}."


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.1f} MB"
