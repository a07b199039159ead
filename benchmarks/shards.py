"""Streaming a sharded dataset of 10^6 small images: memory, records a second, and a resumption.

JPEGs of 64x48 pixels with a label each, in shards of 5000. A process of its own streams one round
through a shuffle buffer of 500 and notes its resident memory every hundredth of the way; once the
records as they are, once with their images and labels decoded as training does. The slope of memory
is that of a line through the notes after the first fifth. ::

    python benchmarks/shards.py                      # writes 3 GB to the temporary folder
    python benchmarks/shards.py --records 2000 --no-record
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from benchmarks.figures import ROOT, record
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.shard_stream import ShardStream
from dalearn_ros.datasets.shards import Shards, ShardWriter
from dalearn_ros.landmarks.catalogue import LabelSpace

SIZE = (64, 48)
PICTURES = 1000
PER_SHARD = 5000
BUFFER = 500
NOTES = 100
WARM = 0.2


def write(folder: Path, count: int) -> None:
    """A sharded dataset of ``count`` records."""
    random = np.random.default_rng(0)
    encoded = []
    for _ in range(PICTURES):
        soft = random.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        encoded.append(cv2.imencode(".jpg", cv2.resize(soft, SIZE))[1].tobytes())
    folder.mkdir()
    shards = -(-count // PER_SHARD)
    writer = ShardWriter(folder, shards)
    box = [20.0, 10.0, 16.0, 16.0]
    row = {"category_id": 1, "bbox": box, "keypoints": [27.5, 17.5, 2], "map_id": "7"}
    dealt = random.permutation(count) % shards
    for number in track(range(count), count, "write"):
        name = f"images/{number}.jpg"
        meta = {"file_name": name, "width": SIZE[0], "height": SIZE[1], "stamp_ns": number}
        writer.add(int(dealt[number]), ".jpg", encoded[number % PICTURES], meta, [row])
    writer.finish(LabelSpace.load(), {})


def memory_mb() -> float:
    """Resident memory of this process."""
    line = next(
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    return float(line.split()[1]) / 1024.0


def stream(folder: Path, decode: bool) -> dict[str, float]:
    """One round; and how long the first record takes from 90 % of the way on."""
    shards = Shards.open(folder)
    reader, count = ShardStream([shards], 0, BUFFER), len(shards)
    every = max(1, count // NOTES)
    notes: list[tuple[int, float]] = []
    started, used = time.perf_counter(), time.process_time()
    for number, found in enumerate(itertools.islice(reader.records(), count)):
        if decode:
            found.image()
            found.labels()
        if number % every == 0:
            notes.append((number, memory_mb()))
    seconds, processor = time.perf_counter() - started, time.process_time() - used
    again = time.perf_counter()
    next(reader.records(count * 9 // 10))
    resumed = time.perf_counter() - again
    later = np.array([note for note in notes if note[0] >= WARM * count])
    slope = np.polyfit(later[:, 0] / 1e5, later[:, 1], 1)[0] if len(later) > 1 else 0.0
    return {
        "records/s": count / seconds,
        "records/s of one core": count / processor,
        "memory at first, MB": float(later[0, 1]),
        "at last, MB": float(later[-1, 1]),
        "most, MB": max(value for _, value in notes),
        "slope, MB per 10⁵ records": float(slope),
        "to go on at 90 %, s": resumed,
    }


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--no-record", action="store_true")
    parser.add_argument("--stream", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--decode", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.stream is not None:
        print(json.dumps(stream(args.stream, args.decode)))
        return
    rows: list[dict[str, Any]] = []
    for count in args.records:
        with tempfile.TemporaryDirectory() as name:
            write(Path(name) / "shards", count)
            for decode in (False, True):
                command = [sys.executable, __file__, "--stream", f"{name}/shards"]
                command += ["--decode"] if decode else []
                done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
                found = json.loads(done.stdout)
                rows.append({"records": count, "decoded": decode, **found})
                print(rows[-1], flush=True)
    if not args.no_record:
        note = f"JPEGs of 64x48 px in shards of {PER_SHARD}, shuffle buffer {BUFFER}, one process."
        record("shards", "python benchmarks/shards.py", rows, note)


if __name__ == "__main__":
    main()
