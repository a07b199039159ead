"""How fast the world is written, JPEG and bag included: frames a second of one core.

Building the city is timed apart. Processor time, not wall time: other jobs on the machine disturb
it less, but they do.

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
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.world.drive import write_messages
from dalearn_ros.world.plan import make_plan
from dalearn_ros.world.studio import Studio
from dalearn_ros.world.style import city_named

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


def measure(city: str, condition: str, frames: int, depth: bool) -> tuple[float, float]:
    """Processor seconds for building the city, and for each frame after it."""
    style = city_named(city)
    started = time.process_time()
    plan = make_plan(style, frames, SEED)
    studio = Studio(style, condition, SEED, plan)
    studio.picture(0.0, plan.pose(0.0))
    built = time.process_time()
    with tempfile.TemporaryDirectory() as folder, BagWriter(Path(folder) / "bag") as bag:
        write_messages(bag, studio, plan, frames, SEED, depth)
    done = time.process_time()
    studio.close()
    return built - started, (done - built) / frames


def main() -> None:
    """Measure all cases and record them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=120)
    frames = parser.parse_args().frames
    cv2.setNumThreads(1)
    rows: list[dict[str, Any]] = []
    for city, condition, depth in CASES:
        build, each = measure(city, condition, frames, depth)
        row = {
            "city": city,
            "condition": condition,
            "depth": depth,
            "ms/frame": round(each * 1e3, 1),
            "frames/s of one core": round(1.0 / each, 1),
            "city built in, s": round(build, 1),
        }
        rows.append(row)
        print(row)
    load = os.getloadavg()[0]
    note = f"Load average of the machine meanwhile: {load:.1f}; figures of an idle one are better."
    record("world_speed", "python benchmarks/world_speed.py", rows, note if load > 1.5 else "")


if __name__ == "__main__":
    main()
