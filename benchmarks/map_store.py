"""How long it takes to find and project the landmarks in view, from 10^4 to 10^7 of them.

Random landmarks, one to a given area; a camera of 1280x720 with distortion, 71 degrees wide, that
sees 100 m; poses anywhere on the map and in any direction, so that nothing is warm in the cache.
All columns of the map are filled: ids, outlines of four corners, normals and directions, in the
narrow types that docs/maps.md names. Each case runs in a process of its own, whose peak memory it
reports. Times are processor time of one core: other jobs on the machine disturb it less.

    python benchmarks/map_store.py
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.figures import record
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import LandmarkMap
from dalearn_ros.maps.frustum import Frustum
from dalearn_ros.maps.index import IndexedMap, indexed

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
AREAS_M2 = (100, 10)
FRAMES = 400
FAR_M = 100.0
CORNER = np.array([[0, 1, 1], [0, -1, 1], [0, -1, -1], [0, 1, -1]], np.float32) * 0.4


def landmarks(count: int, area_m2: float) -> IndexedMap:
    """A square map of random landmarks, a million metres from the origin."""
    rng = np.random.default_rng(0)
    side = (count * area_m2) ** 0.5
    points = rng.uniform([1e6, 1e6, 0.0], [1e6 + side, 1e6 + side, 6.0], (count, 3))
    outlines = (points[:, None, :].astype(np.float32) + CORNER).reshape(-1, 3)
    nowhere = np.full((count, 3), np.nan, np.float32)
    columns: dict[str, Any] = {
        "ids": np.arange(count).astype("U8"),
        "class_id": np.ones(count, np.int16),
        "point_m": points,
        "outlines_m": Ragged(outlines, np.arange(0, 4 * count + 1, 4)),
        "normal": nowhere,
        "direction": nowhere.copy(),
        "tags": np.full(count, "s"),
    }
    return indexed(LandmarkMap(**columns))


def measure(count: int, area_m2: float) -> dict[str, Any]:
    """One row of the table."""
    known = landmarks(count, area_m2)
    started = time.process_time()
    grid = known.grid
    build = time.process_time() - started
    matrix = np.array([[900.0, 0, 639.5], [0, 900.0, 359.5], [0, 0, 1]])
    frustum = Frustum.of(Camera(1280, 720, matrix, np.array([-0.3, 0.08, 0, 0, 0])), FAR_M)
    rng = np.random.default_rng(1)
    low, high = known.point_m[:, :2].min(axis=0), known.point_m[:, :2].max(axis=0)
    spent, seen = [], []
    for _ in range(FRAMES + 20):
        place = [*rng.uniform(low, high), 1.5]
        pose = Transform.from_euler(0, 0, rng.uniform(-np.pi, np.pi), place) @ LINK_FROM_OPTICAL
        started = time.process_time()
        rows, _ = known.in_view(frustum, pose)
        spent.append(time.process_time() - started)
        seen.append(len(rows))
    frames = np.array(spent[20:]) * 1e3
    return {
        "landmarks": count,
        "one per, m²": area_m2,
        "in view": float(np.mean(seen)),
        "query + projection, ms": float(np.median(frames)),
        "95 %, ms": float(np.percentile(frames, 95)),
        "index built, s": build,
        "index, MB": grid.nbytes / 1e6,
        "process at its peak, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def main() -> None:
    """Measure all cases, each in its own process, and record them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=SIZES[-1], help="no more landmarks than this")
    parser.add_argument("--one", nargs=2, type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(int(options.one[0]), options.one[1])))
        return
    rows = []
    for area in AREAS_M2:
        for size in (size for size in SIZES if size <= options.most):
            command = [sys.executable, __file__, "--one", str(size), str(area)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            rows.append(json.loads(done.stdout))
            print(rows[-1], flush=True)
    record("map_store", "python benchmarks/map_store.py", rows)


if __name__ == "__main__":
    main()
