"""``dalearn bench``: how long a model takes on this machine, by stage."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dalearn_ros.inference.bench import Image

NAME = "bench"
HELP = "measure a model on this machine: milliseconds by stage and percentile"
EXAMPLE = "dalearn bench --model models/landmarks-s.onnx --size 1280x720 --frames 200 --threads 2"
SIZE = (1280, 720)
MOST_IMAGES = 64  # of a dataset, held in memory
STAGES = (
    *("preprocess", "inference", "decode", "total"),
    *("depth_image", "attention_image", "session_run"),
)
LEVELS = ("mean", "p50", "p80", "p90", "p95", "p99")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--model", type=Path, required=True, help="ONNX file or run folder")
    parser.add_argument(
        "--size",
        type=_size,
        help="width x height of the images, such as 1280x720 (the default for noise; images of "
        "--data keep theirs)",
    )
    parser.add_argument(
        "--frames", type=_count, default=200, help="frames that are counted; default: %(default)s"
    )
    parser.add_argument("--threads", type=_count, help="threads of the network; default: all cores")
    parser.add_argument(
        "--backend",
        choices=("auto", "onnx", "tensorrt"),
        default="auto",
        help="what runs the network; auto takes TensorRT where it works; default: %(default)s",
    )
    parser.add_argument("--data", type=Path, help="dataset whose images are taken; default: noise")
    parser.add_argument("--seed", type=int, default=0, help="of the noise; default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: argparse.Namespace) -> str:
    """Do it; prints the figures and returns the closing line, or with ``--json`` all as JSON."""
    import json

    from dalearn_ros.core.files import plain
    from dalearn_ros.core.progress import track
    from dalearn_ros.evaluation.timing import Timing
    from dalearn_ros.inference.bench import bench, noise_images
    from dalearn_ros.inference.detector import LandmarkDetector
    from dalearn_ros.inference.engine_settings import EngineSettings

    if args.data is None:
        images = noise_images(args.size or SIZE, args.seed)
    else:
        images = dataset_images(args.data, args.size)
    sizes = sorted({f"{image.shape[1]}x{image.shape[0]}" for image in images})
    engine = EngineSettings(sizes=tuple(sizes))
    detector = LandmarkDetector.load(args.model, args.threads, backend=args.backend, engine=engine)
    clock = Timing()
    for stages in track(bench(detector, images, args.frames), args.frames, "bench"):
        clock.add(stages)
    latency = clock.result()["latency_ms"]
    info = detector.info
    figures = {
        "model": args.model,
        "runtime": info.runtime,
        "version": info.version,
        "device": info.device,
        "precision": info.precision,
        "depth": detector.metadata.depth is not None,
        "attention": detector.metadata.attention is not None,
        "threads": args.threads,
        "images": "noise" if args.data is None else args.data,
        "sizes": sizes,
        "frames": args.frames,
        "latency_ms": {stage: latency[stage] for stage in STAGES if stage in latency},
    }
    if args.json:
        return json.dumps(plain(figures, 4), indent=1, allow_nan=False)
    print(table(figures["latency_ms"]))
    total, alone = latency["total"], latency["session_run"]
    return (
        f"{args.model}: {info}; {args.frames} frames of {', '.join(sizes)} px "
        f"({figures['images']}) took {total['p50']:.2f} ms in the median, {total['p99']:.2f} ms "
        f"p99; the network alone {alone['p50']:.2f} ms."
    )


def table(latency_ms: dict[str, dict[str, float]]) -> str:
    """Stages as rows, percentiles as columns, milliseconds."""
    lines = [f"{'ms':<16}" + "".join(f"{level:>9}" for level in LEVELS)]
    for stage, levels in latency_ms.items():
        lines.append(f"{stage:<16}" + "".join(f"{levels[level]:9.2f}" for level in LEVELS))
    return "\n".join(lines)


def dataset_images(path: Path, size: tuple[int, int] | None) -> list[Image]:
    """Evenly spaced images of a dataset, at most :data:`MOST_IMAGES`.

    Args:
        path: The dataset.
        size: (width, height) that they are resized to; None keeps theirs.

    Raises:
        DatasetError: There is no dataset, it is empty, or an image cannot be read.
    """
    import cv2
    import numpy as np

    from dalearn_ros.core.errors import DatasetError
    from dalearn_ros.datasets.store import Dataset

    dataset = Dataset.open(path)
    if not len(dataset):
        raise DatasetError.at(path, "", "images", "none")
    rows = np.linspace(0, len(dataset) - 1, min(MOST_IMAGES, len(dataset))).round().astype(int)
    images: list[Any] = [dataset.image(int(row)) for row in rows]
    return images if size is None else [cv2.resize(image, size) for image in images]


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if found is None:
        expected = "expected WIDTHxHEIGHT, such as 1280x720"
        raise argparse.ArgumentTypeError(f"{expected}; found '{text}'")
    return int(found[1]), int(found[2])


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,7}", text):
        raise argparse.ArgumentTypeError(f"expected a whole number above 0; found '{text}'")
    return int(text)
