"""Time of one update of the window localizer, on a drive of the world with a simulated detector.

Observations, priors and odometry of the drive are made first (``localization_stress.py``, as
shipped) and are not timed. With ``--against`` the same inputs go through another checkout of this
project, in turns, each time in a process of its own; the ratio is that of a turn's medians. ::

    python benchmarks/localization_speed.py
    python benchmarks/localization_speed.py --against ../before --no-record
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
SCENARIOS = ("as shipped", "30 % of the landmarks moved")
CITIES, SECONDS, ROUNDS = ("north", "south"), 20, 3
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def write_inputs(folder: Path, city: str, seconds: int) -> dict[str, Path]:
    """The localizer's inputs of a drive, image by image, as a pickle for each scenario."""
    from benchmarks.localization_stress import RATE_HZ, SEED
    from benchmarks.stress_drive import SCENARIOS as CHANGES
    from benchmarks.stress_drive import SHIPPED, Drive, stamp_of
    from dalearn_ros.core.randomness import generator
    from dalearn_ros.localization.window_images import CameraImage
    from dalearn_ros.world.plan import POSE_HZ

    drive = Drive(city, SEED, seconds)
    size = drive.camera.width, drive.camera.height
    places = {"front": (drive.camera, drive.mountings["front"])}
    images = []
    for i in range(POSE_HZ, len(drive.truth), POSE_HZ // RATE_HZ):
        rng = generator(SEED, "detector", "front", str(i))
        seen = SHIPPED.simulate(drive.labels(i, "front"), size, rng, stamp_of(i))
        images.append((i, CameraImage("front", seen, drive.driven[i])))
    written = {}
    for name in SCENARIOS:
        scenario = CHANGES[name]
        steps = [(image, drive.prior(i, scenario)) for i, image in images]
        written[name] = folder / f"{city} {name}.pickle"
        written[name].write_bytes(pickle.dumps((drive.map_of(scenario), places, steps)))
    return written


def time_updates(inputs: Path) -> list[float]:
    """Processor time of each update but the first ones, milliseconds."""
    from dalearn_ros.localization.window_localizer import WindowLocalizer

    landmarks, places, steps = pickle.loads(inputs.read_bytes())
    localizer = WindowLocalizer(landmarks, places)
    spent = []
    for image, prior in steps:
        began = time.process_time()
        localizer.update([image], prior)
        spent.append((time.process_time() - began) * 1e3)
    return spent[len(spent) // 5 :]  # the window has to fill


def timed(tree: Path, inputs: Path) -> list[float]:
    """:func:`time_updates` of a checkout, in a process of its own with one thread."""
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": str(tree)}
    command = [sys.executable, str(Path(__file__).resolve()), "--time", str(inputs)]
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    values: list[float] = json.loads(found.stdout)
    return values


def compare(inputs: Path, against: Path | None, rounds: int) -> dict[str, Any]:
    """Columns of the table."""
    import numpy as np

    own: list[float] = []
    ratios = []
    for _ in range(rounds):
        before = timed(against, inputs) if against else []
        now = timed(HERE, inputs)
        own += now
        if before:
            ratios.append(float(np.median(before) / np.median(now)))
    row: dict[str, Any] = {
        "updates": len(own),
        "median ms": f"{np.median(own):.1f}",
        "95 % ms": f"{np.percentile(own, 95):.1f}",
    }
    if ratios:
        row["times as fast"] = f"{np.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
    return row


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--cities", nargs="+", default=list(CITIES))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--against", type=Path, help="folder of another checkout")
    parser.add_argument("--no-record", action="store_true")
    parser.add_argument("--time", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.time:
        print(json.dumps(time_updates(options.time)))
        return
    sys.path.insert(0, str(HERE))
    from benchmarks.figures import record

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for city in options.cities:
            for scenario, inputs in write_inputs(Path(folder), city, options.seconds).items():
                row = compare(inputs, options.against, options.rounds)
                rows.append({"city": city, "scenario": scenario, **row})
                print(*rows[-1].values(), sep=" | ", flush=True)
    if not options.no_record:
        note = f"Drives of {options.seconds} s, processor time of one core, {options.rounds} turns."
        record("localization_speed", "python benchmarks/localization_speed.py", rows, note)


if __name__ == "__main__":
    main()
