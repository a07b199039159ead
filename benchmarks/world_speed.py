"""How fast the world is written, JPEG and bag included: frames a second of one core.

The marginal cost of a frame is the processor time of a drive of many frames less that of one frame,
so that building the city (told apart) does not count. Processor time, not wall time: other jobs on
the machine disturb it less, but they do.

    python benchmarks/world_speed.py
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2

from benchmarks.figures import record
from dalearn_ros.world.drive import write_drive

CASES = [
    ("north", "day", False),
    ("south", "day", False),
    ("east", "day", False),
    ("east", "low_sun", False),
    ("north", "night", False),
    ("south", "rain", False),
    ("east", "snow", False),
    ("south", "day", True),
]
SEED = 90001


def seconds(city: str, condition: str, frames: int, depth: bool) -> float:
    """Processor seconds of one drive."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        write_drive(Path(folder) / "drive", city, condition, frames, SEED, depth)
        return time.process_time() - started


def main() -> None:
    """Measure all cases and record them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=60)
    frames = parser.parse_args().frames
    cv2.setNumThreads(1)
    seconds("north", "day", 1, False)  # imports and first touches
    rows: list[dict[str, Any]] = []
    for city, condition, depth in CASES:
        one = seconds(city, condition, 1, depth)
        each = (seconds(city, condition, frames, depth) - one) / (frames - 1)
        row = {
            "city": city,
            "condition": condition,
            "depth": depth,
            "ms/frame": round(each * 1e3, 1),
            "frames/s of one core": round(1.0 / each, 1),
            "city built in, s": round(one, 1),
        }
        rows.append(row)
        print(row)
    load = os.getloadavg()[0]
    note = f"Load average of the machine meanwhile: {load:.1f}; figures of an idle one are better."
    record("world_speed", "python benchmarks/world_speed.py", rows, note if load > 1.5 else "")


if __name__ == "__main__":
    main()
