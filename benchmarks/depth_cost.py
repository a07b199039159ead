"""What depth costs on the vehicle: detector and depth against the detector alone, by turns.

Both files hold the same detector, exported without and with a depth head; what a network costs
does not hang on its weights, so they are random unless ``--model`` names a run of ``dalearn
distill``. All files, sizes and numbers of threads take turns in one run, and which file comes first
changes from turn to turn. The depth image is made only for those who subscribe, and is not in the
ratio.

    python benchmarks/depth_cost.py
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

from benchmarks.figures import record
from dalearn_ros.coding.metadata import DepthMetadata, ModelMetadata
from dalearn_ros.core.progress import track
from dalearn_ros.core.settings import load_settings
from dalearn_ros.depth.network import DepthNetwork
from dalearn_ros.depth.settings import GlobalSettings
from dalearn_ros.detector.network import LandmarkNetwork
from dalearn_ros.detector.regime import build_network, metadata_of
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.export.onnx import export_onnx
from dalearn_ros.export.run import export_run
from dalearn_ros.inference.bench import noise_images
from dalearn_ros.inference.depth import Locations
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.parity import made_up_camera
from dalearn_ros.inference.preprocess import to_input
from dalearn_ros.landmarks.catalogue import LabelSpace

NAME = "depth_cost"
SIZES = ((1280, 720), (1920, 1080))
THREADS = (1, 2)
WANTED = 1.25
WARM_UP = 3
PAUSE_S = 0.005  # the threads of the last session spin on for a moment
FLAT, DEEP = "detector", "with depth"
NOTE = (
    "Medians, images of noise. The network: one inference in ONNX Runtime on the CPU. The "
    "detector: preparation, inference and decoding; with random weights it is not to find "
    "anything. The depth image: 32FC1 of the camera's size, made only while somebody subscribes."
)


def small_detector() -> tuple[LandmarkNetwork, ModelMetadata]:
    """A detector of size s with random weights that claims nothing.

    So many false alarms as noise gives with random weights would be decoded at length.
    """
    settings = load_settings(TrainSettings, None, {"network": {"size": "s"}})
    space = LabelSpace.load()
    metadata = metadata_of(settings, space, {}, {})
    decoding = dataclasses.replace(metadata.decoding, score_threshold=1.0)
    detector = build_network(settings, space, 0).eval()
    return detector, dataclasses.replace(metadata, decoding=decoding)


def write_models(folder: Path) -> dict[str, Path]:
    """The detector without and with a depth head, random weights, as ONNX files."""
    torch.set_num_threads(1)
    detector, metadata = small_detector()
    files = {FLAT: folder / "flat.onnx", DEEP: folder / "deep.onnx"}
    export_onnx(detector, metadata, files[FLAT])
    network = DepthNetwork(detector, GlobalSettings().channels, location=True).eval()
    taught = DepthMetadata(stride=metadata.grid.cell_px)
    export_onnx(network, dataclasses.replace(metadata, depth=taught), files[DEEP])
    return files


def export_models(run: Path, folder: Path) -> dict[str, Path]:
    """The same of a run of ``dalearn distill``."""
    files = {FLAT: folder / "flat.onnx", DEEP: folder / "deep.onnx"}
    export_run(run, files[FLAT])
    export_run(run, files[DEEP], depth=True)
    return files


def measure(files: dict[str, Path], turns: int) -> list[dict[str, Any]]:
    """The rows of the table."""
    spent: dict[tuple[Any, ...], list[float]] = {}
    places = [(size, threads) for size in SIZES for threads in THREADS]
    detectors = {
        (name, threads): LandmarkDetector.load(path, threads)
        for name, path in files.items()
        for threads in THREADS
    }
    images = {size: noise_images(size)[0] for size in SIZES}
    for turn in track(range(-WARM_UP, turns), turns + WARM_UP, "depth's cost"):
        order = (FLAT, DEEP) if turn % 2 else (DEEP, FLAT)
        for size, threads in places:
            for name in order:
                found = one_turn(detectors[name, threads], images[size])
                for what, value in found.items() if turn >= 0 else ():
                    spent.setdefault((size, threads, name, what), []).append(value)
    middle = {key: float(np.median(values)) for key, values in spent.items()}
    return [row_of(middle, size, threads) for size, threads in places]


def one_turn(detector: LandmarkDetector, image: Any) -> dict[str, float]:
    """Milliseconds of the network alone, of the whole detector, and of the depth image."""
    takes, taught = detector.metadata.input, detector.metadata.depth
    size = image.shape[1], image.shape[0]
    camera = made_up_camera(size)
    ready = to_input(image, takes.channels, takes.multiple)
    location = None
    if taught is not None:
        location = Locations(taught).batch([camera], (ready.shape[2], ready.shape[1]))
    time.sleep(PAUSE_S)
    start = time.perf_counter()
    detector.backend.run_batch(ready, location)
    alone = time.perf_counter()
    answer = detector.answer(image, 0, camera)
    whole = time.perf_counter()
    found = {"network": (alone - start) * 1e3, "detector": (whole - alone) * 1e3}
    if answer.depth is not None:
        place = np.empty((size[1], size[0]), np.float32)
        start = time.perf_counter()
        answer.depth.image(size, place)
        found["image"] = (time.perf_counter() - start) * 1e3
    return found


def row_of(
    middle: dict[tuple[Any, ...], float], size: tuple[int, int], threads: int
) -> dict[str, Any]:
    """One row of the table."""

    def of(name: str, what: str) -> float:
        return middle[size, threads, name, what]

    return {
        "image": f"{size[0]}×{size[1]}",
        "threads": threads,
        "network, ms": of(FLAT, "network"),
        "with depth, ms": of(DEEP, "network"),
        "ratio": of(DEEP, "network") / of(FLAT, "network"),
        "detector, ms": of(FLAT, "detector"),
        "with depth, ms ": of(DEEP, "detector"),
        "ratio ": of(DEEP, "detector") / of(FLAT, "detector"),
        "wanted": f"≤ {WANTED:g}",
        "depth image, ms": of(DEEP, "image"),
    }


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="run folder of 'dalearn distill'")
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--no-record", action="store_true", help="print only")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = write_models(folder) if args.model is None else export_models(args.model, folder)
        rows = measure(files, args.turns)
    for row in rows:
        print(row)
    if not args.no_record:
        which = "random weights" if args.model is None else "a trained run"
        command = f"python benchmarks/depth_cost.py --turns {args.turns}"
        command += "" if args.model is None else " --model RUN"
        print(record(NAME, command, rows, f"{NOTE} {args.turns} turns, {which}."))


if __name__ == "__main__":
    main()
