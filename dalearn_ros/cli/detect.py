"""``dalearn detect``: images to landmarks, drawn and as JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "detect"
HELP = "find the landmarks of images"
EXAMPLE = "dalearn detect --model models/landmarks-s.onnx --out found street.jpg"
OBSERVATIONS = "observations.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", type=Path, required=True, help="ONNX file or run folder")
    parser.add_argument("--out", type=Path, required=True, help="new folder for the results")
    parser.add_argument("--score", type=float, help="score threshold instead of the model's")
    parser.add_argument(
        "--attention",
        action="store_true",
        help="draw below each image where a model with an attention branch looks",
    )
    parser.add_argument("images", type=Path, nargs="+", help="image files")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.errors import InputError, ModelError
    from dalearn_ros.core.files import atomic_directory, write_json
    from dalearn_ros.core.progress import track
    from dalearn_ros.evaluation.drawing import draw_attention
    from dalearn_ros.inference.detector import LandmarkDetector
    from dalearn_ros.inference.files import detect_file, observation_rows

    overrides = {} if args.score is None else {"score_threshold": args.score}
    detector = LandmarkDetector.load(args.model, overrides=overrides)
    if args.attention and detector.metadata.attention is None:
        hint = "'dalearn retrain-attention' gives a detector one, 'dalearn export' writes it."
        expected = "a model with an attention branch, for --attention"
        raise ModelError.at(args.model, "", expected, "one without", hint)
    below = draw_attention if args.attention else None
    names = [path.name for path in args.images]
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{double}: is given twice; results are named after the images.")
    images, total = [], 0
    with atomic_directory(args.out) as folder:
        for path in track(args.images, label="detect"):
            found = detect_file(detector, path, folder / f"{path.stem}{path.suffix}.jpg", below)
            total += len(found)
            rows = observation_rows(found, detector.label_space)
            images.append({"file": str(path), "observations": rows})
        write_json(folder / OBSERVATIONS, {"model": str(args.model), "images": images})
    return f"{args.out}: {total} landmarks in {len(images)} images; see {OBSERVATIONS} there."
