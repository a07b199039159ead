"""What the attention branch costs on the vehicle: a detector with it against the same without.

Both files hold the same detector, exported without and with a branch; what a network costs does not
hang on its weights, so they are random unless ``--model`` names a run of ``dalearn
retrain-attention``. The two files take turns, on one thread and on two; which comes first changes
from turn to turn, and each turn gives a ratio of its own, so that a clock that slows down meanwhile
slows both.

    python benchmarks/attention_cost.py
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from benchmarks.depth_cost import PAUSE_S, WARM_UP, small_detector
from benchmarks.figures import record
from dalearn_ros.attention.network import LandmarkAttention
from dalearn_ros.attention.run import open_landmark_run
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.coding.metadata import AttentionMetadata
from dalearn_ros.core.progress import track
from dalearn_ros.detector.regime import metadata_of
from dalearn_ros.export.onnx import export_onnx
from dalearn_ros.inference.bench import noise_images
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.preprocess import to_input

NAME = "attention_cost"
SIZE = (1280, 720)
THREADS = (1, 2)
WANTED = 1.1
PLAIN, BRANCH = "without", "with"
NETWORK, MAP, ANSWER, ALL = (
    "the network",
    "the network, its map fetched",
    "the whole answer",
    "the whole answer, its map fetched",
)
PICTURE = "the map as a picture for a subscriber"
NOTE = (
    "Medians; images of 1280×720, noise; ONNX Runtime on the CPU. The ratio is the median of the "
    "turns' own ratios, beside it the middle half of them. The whole answer: preparation, "
    "inference and decoding. The map is fetched only while somebody wants it."
)


def write_models(folder: Path, run: Path | None) -> dict[str, Path]:
    """The detector without and with a branch as ONNX files.

    Args:
        folder: Where to.
        run: A run folder with a branch; None: random weights.
    """
    torch.set_num_threads(1)
    if run is None:
        detector, metadata = small_detector()
        network, synthesis = LandmarkAttention(detector, BranchSettings()), "multiply"
    else:
        opened = open_landmark_run(run)
        network, synthesis = opened.network, opened.branch.synthesis
        metadata = metadata_of(opened.settings, opened.label_space, {}, {})
    files = {PLAIN: folder / "plain.onnx", BRANCH: folder / "branch.onnx"}
    export_onnx(network.detector, metadata, files[PLAIN])
    own = AttentionMetadata(metadata.grid.cell_px, synthesis)
    export_onnx(network.eval(), dataclasses.replace(metadata, attention=own), files[BRANCH])
    return files


def measure(files: dict[str, Path], turns: int) -> list[dict[str, Any]]:
    """The rows of the table."""
    spent: dict[tuple[str, int, str], list[float]] = {}
    detectors = {
        (name, threads): LandmarkDetector.load(path, threads)
        for name, path in files.items()
        for threads in THREADS
    }
    images = noise_images(SIZE)
    for turn in track(range(-WARM_UP, turns), turns + WARM_UP, "attention's cost"):
        order = (PLAIN, BRANCH) if turn % 2 else (BRANCH, PLAIN)
        for threads in THREADS:
            for name in order:
                found = one_turn(detectors[name, threads], images[turn % len(images)])
                for what, value in found.items() if turn >= 0 else ():
                    spent.setdefault((what, threads, name), []).append(value)
    rows = [
        row_of(what, threads, spent[plain, threads, PLAIN], spent[what, threads, BRANCH])
        for what, plain in ((NETWORK, NETWORK), (MAP, NETWORK), (ANSWER, ANSWER), (ALL, ANSWER))
        for threads in THREADS
    ]
    picture = float(np.median(spent[PICTURE, THREADS[0], BRANCH]))
    return [*rows, {**dict.fromkeys(rows[0]), "what": PICTURE, "with the branch, ms": picture}]


def one_turn(detector: LandmarkDetector, image: Any) -> dict[str, float]:
    """Milliseconds of the network and of the whole answer, without and with the map fetched."""
    takes = detector.metadata.input
    ready = to_input(image, takes.channels, takes.multiple)
    found, backend = {}, detector.backend
    for what, do in (
        (NETWORK, lambda: backend.run_batch(ready)),
        (MAP, lambda: backend.run_batch(ready, attention=True)),
        (ANSWER, lambda: detector.answer(image)),
        (ALL, lambda: detector.answer(image, attention=True)),
    ):
        if what in (MAP, ALL) and detector.metadata.attention is None:
            continue
        time.sleep(PAUSE_S)
        start = time.perf_counter()
        answer: Any = do()
        found[what] = (time.perf_counter() - start) * 1e3
    if detector.metadata.attention is not None:
        place = np.empty((SIZE[1], SIZE[0]), np.uint8)
        start = time.perf_counter()
        answer.attention.image(place)
        found[PICTURE] = (time.perf_counter() - start) * 1e3
    return found


def row_of(what: str, threads: int, plain: list[float], branch: list[float]) -> dict[str, Any]:
    """One row of the table, from what each turn took, milliseconds."""
    ratios = np.divide(branch, plain)
    low, middle, high = (float(v) for v in np.percentile(ratios, (25, 50, 75)))
    return {
        "what": what,
        "threads": threads,
        "without, ms": float(np.median(plain)),
        "with the branch, ms": float(np.median(branch)),
        "ratio": middle,
        "middle half": f"{low:.3f} to {high:.3f}",
        "wanted": f"≤ {WANTED:g}",
    }


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="run folder of 'dalearn retrain-attention'")
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--no-record", action="store_true", help="print only")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        rows = measure(write_models(Path(temporary), args.model), args.turns)
    for row in rows:
        print(row)
    if not args.no_record:
        which = "random weights" if args.model is None else "a trained run"
        command = f"python benchmarks/attention_cost.py --turns {args.turns}"
        command += "" if args.model is None else " --model RUN"
        print(record(NAME, command, rows, f"{NOTE} {args.turns} turns, {which}."))


if __name__ == "__main__":
    main()
