"""What fp16 and int8 do to a model: size, latency on the CPU by turns, F1 and points.

The model is converted as ``dalearn export --precision`` does, with bounds so wide that the figures
of a refused file are told too; the column "allowed" says what the default bounds say. Latency is
that of the network alone on one image, all files and numbers of threads taking turns.

    python benchmarks/precision.py --calibrate DATASETS --data DATASETS
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import numpy.typing as npt

from benchmarks.figures import record
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.export.loss import Loss
from dalearn_ros.export.precision import PrecisionSettings, convert
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.preprocess import to_input

NAME = "precision"
MODEL = "models/landmarks-s.onnx"
THREADS = (1, 2)
PAUSE_S = 0.005  # the threads of the last session spin on for a moment
NOTE = (
    "ONNX Runtime on the CPU, which has no half-precision convolution on x86 and computes these "
    "8-bit ones, whose Q/DQ TensorRT fuses, in fp32 between roundings: fp16 and int8 are for "
    "TensorRT. Accuracy is what the roundings cost; fp16's, with every layer rounded."
)


def accuracy(loss: Loss, converted: bool) -> dict[str, Any]:
    """The columns of one file; the fp32 file has not moved."""
    found = loss.after if converted else loss.before
    return {
        "F1": found.f1,
        "point, median px": found.median_px,
        "point, p95 px": found.p95_px,
        "moved, median px": loss.apart.median_px if converted else None,
        "moved, p95 px": loss.apart.p95_px if converted else None,
    }


def latency(
    files: Sequence[Path], image: npt.NDArray[np.uint8], turns: int
) -> dict[tuple[str, int], float]:
    """Median milliseconds of one inference: (file name, threads) → ms."""
    backends = {(file.name, n): OnnxBackend(file, n) for file in files for n in THREADS}
    takes = next(iter(backends.values())).metadata.input
    ready = to_input(image, takes.channels, takes.multiple)
    spent: dict[Any, list[float]] = {key: [] for key in backends}
    for turn in track(range(-2, turns), label="latency"):
        for key, backend in backends.items():
            time.sleep(PAUSE_S)
            start = time.perf_counter()
            backend.run(ready)
            if turn >= 0:
                spent[key].append((time.perf_counter() - start) * 1e3)
    return {key: float(np.median(values)) for key, values in spent.items()}


def converted(
    args: argparse.Namespace, folder: Path, data: Sequence[Dataset]
) -> tuple[dict[str, Path], dict[str, dict[str, Any]]]:
    """Of each precision the file, and its columns of accuracy."""
    shown = [Dataset.open(path) for path in args.calibrate]
    wide = PrecisionSettings(
        calibration_frames=args.calibration_frames,
        measured_frames=args.frames,
        max_f1_loss=1.0,
        max_shift_px=100.0,
    )
    bounds = PrecisionSettings()
    files: dict[str, Path] = {"fp32": args.model}
    columns: dict[str, dict[str, Any]] = {}
    for precision in ("fp16", "int8"):
        file = folder / f"{precision}.onnx"
        done = convert(args.model, file, precision, data, shown, wide)
        name = f"{precision} ({done.calibration})" if done.calibration else precision
        print(f"{name}: {done.loss}", flush=True)
        allowed = done.loss.f1 <= bounds.max_f1_loss
        allowed = allowed and done.loss.apart.median_px <= bounds.max_shift_px
        files[name] = file
        columns.setdefault("fp32", {**accuracy(done.loss, False), "allowed": None})
        columns[name] = {**accuracy(done.loss, True), "allowed": allowed}
    return files, columns


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path(MODEL))
    parser.add_argument("--calibrate", type=Path, nargs="+", required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--frames", type=int, default=200, help="of --data")
    parser.add_argument("--calibration-frames", type=int, default=24)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--name", default=NAME)
    parser.add_argument("--no-record", action="store_true", help="print only")
    args = parser.parse_args()
    data = [Dataset.open(path) for path in args.data]
    with tempfile.TemporaryDirectory() as folder:
        files, columns = converted(args, Path(folder), data)
        spent = latency(list(files.values()), data[0].image(0), args.turns)
        rows = [
            {
                "precision": name,
                "MB": file.stat().st_size / 1e6,
                **{f"ms, {n} thread{'s' * (n > 1)}": spent[file.name, n] for n in THREADS},
                **columns[name],
            }
            for name, file in files.items()
        ]
    for row in rows:
        print(row)
    if not args.no_record:
        note = f"{NOTE} {args.frames} frames of {len(data)} datasets, {args.turns} turns."
        command = "python benchmarks/precision.py --calibrate DATASETS --data DATASETS"
        command += f" --frames {args.frames}"
        print(record(args.name, command, rows, note))


if __name__ == "__main__":
    main()
