"""Where the time of a direct replay goes, and how it grows with processes and threads.

    python benchmarks/replay_profile.py            # about 8 minutes on two cores

A drive of the world at 1280x720 is replayed as ``dalearn evaluate`` does it. The shares are
processor time of one thread, each moment counted for the innermost step; the speeds are wall time.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import record  # noqa: E402
from dalearn_ros.bags import pictures  # noqa: E402
from dalearn_ros.bags.reader import BagReader  # noqa: E402
from dalearn_ros.evaluation import drive as drives  # noqa: E402
from dalearn_ros.evaluation.collector import Collector  # noqa: E402
from dalearn_ros.evaluation.replay import evaluate_bag  # noqa: E402
from dalearn_ros.inference.detector import LandmarkDetector  # noqa: E402
from dalearn_ros.labels.project import Labeller  # noqa: E402

MODEL = ROOT / "models/landmarks-s.onnx"
DECODING, NETWORK = "image decoding", "inference"
WAYS = (("one process, one thread", 1, 1), ("two processes, one thread each", 2, 1),
        ("one process, two threads", 1, 2))  # fmt: skip


class Ledger:
    """Processor seconds by step; a step within another one does not count for that."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._open = ["start and end"]
        self._since = time.process_time()

    def enter(self, step: str) -> None:
        """From now on it is this step."""
        self._settle()
        self._open.append(step)

    def leave(self) -> None:
        """From now on it is the step before."""
        self._settle()
        self._open.pop()

    def watch(self, owner: Any, name: str, step: str) -> None:
        """Count a function or method for a step, from now on."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def watched(*words: Any, **named: Any) -> Any:
            self.enter(step)
            try:
                return function(*words, **named)
            finally:
                self.leave()

        setattr(owner, name, watched)

    def watch_items(self, owner: Any, name: str, step: str) -> None:
        """Count what a generator does for a step, not what is done with its items."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def watched(*words: Any, **named: Any) -> Iterator[Any]:
            items = function(*words, **named)
            while True:
                self.enter(step)
                try:
                    item = next(items)
                except StopIteration:
                    return
                finally:
                    self.leave()
                yield item

        setattr(owner, name, watched)

    def _settle(self) -> None:
        now = time.process_time()
        self.spent[self._open[-1]] += now - self._since  # type: ignore[assignment]
        self._since = now


def profile(folder: Path, out: Path) -> list[dict[str, Any]]:
    """Replay a drive once; a row for each step."""
    cv2.setNumThreads(1)
    detector = LandmarkDetector.load(MODEL, 1)
    ledger = Ledger()
    ledger.watch(pictures, "decode_compressed", DECODING)
    ledger.watch(pictures, "decode_raw", DECODING)
    ledger.watch_items(BagReader, "frames", "bag: messages, poses")
    ledger.watch(drives, "timed", "votes to landmarks")
    ledger.watch(detector.backend, "run_batch", NETWORK)
    ledger.watch(Labeller, "label", "truth: the map in the image")
    ledger.watch(Collector, "add", "scoring, frames for the report")
    ledger.watch(drives.DriveRun, "_locate", "localization")
    collected = evaluate_bag(folder / "bag", folder / "map", detector)
    collected.write(out)
    ledger.enter("")
    ledger.leave()
    frames = collected.detection.frames
    total = sum(ledger.spent.values())
    once = ledger.spent.pop("start and end")
    each = sum(ledger.spent.values())
    rows = [_row(step, spent, frames, each) for step, spent in ledger.spent.most_common() if step]
    both = ledger.spent[DECODING] + ledger.spent[NETWORK]
    seen = each - ledger.spent["localization"]
    rows += [
        _row("all of an image", each, frames, each),
        _row("decoding and inference, of all", both, frames, each),
        _row("decoding and inference, of all but localization", both, frames, seen),
    ]
    rows.append({"step": f"start and report, once: {once:.1f} s of {total:.1f} s", "ms": None,
                 "share %": None})  # fmt: skip
    return rows


def _row(step: str, spent_s: float, frames: int, all_s: float) -> dict[str, Any]:
    milliseconds, share = 1e3 * spent_s / frames, 100.0 * spent_s / all_s
    return {"step": step, "ms": round(milliseconds, 2), "share %": round(share, 1)}


def work(folder: Path, threads: int) -> None:
    """One process: gets ready, waits for a line, replays the drive."""
    cv2.setNumThreads(threads)
    detector = LandmarkDetector.load(MODEL, threads)
    print("ready", flush=True)
    sys.stdin.readline()
    evaluate_bag(folder / "bag", folder / "map", detector)
    print("done", flush=True)


def seconds(folder: Path, processes: int, threads: int) -> float:
    """Wall seconds in which so many processes replay the drive once each."""
    command = [sys.executable, __file__, "--drive", str(folder), "--threads", str(threads)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    running = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=environment,
        )
        for _ in range(processes)
    ]  # fmt: skip
    try:
        for one in running:
            assert one.stdout is not None
            if one.stdout.readline() != "ready\n":
                raise SystemExit("a process did not start")
        started = time.perf_counter()
        for one in running:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        for one in running:
            assert one.stdout is not None
            if one.stdout.readline() != "done\n":
                raise SystemExit("a process failed")
        return time.perf_counter() - started
    finally:
        for one in running:
            one.kill()
            one.wait()


def speeds(folder: Path, frames: int, repeats: int) -> list[dict[str, Any]]:
    """A row for each way; the ways take turns, the median counts."""
    found: dict[str, list[float]] = {name: [] for name, _, _ in WAYS}
    for _, (name, processes, threads) in itertools.product(range(repeats), WAYS):
        found[name].append(processes * frames / seconds(folder, processes, threads))
        print(f"{name}: {found[name][-1]:.2f} images/s", flush=True)
    rates = {name: statistics.median(values) for name, values in found.items()}
    alone = rates[WAYS[0][0]]
    return [
        {"way": name, "images/s": round(rate, 2), "of one process, one thread":
         round(rate / alone, 2), "drives": len(found[name])}
        for name, rate in rates.items()
    ]  # fmt: skip


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200, help="images of the drive")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each way")
    parser.add_argument("--drive", type=Path, help="a drive that is there; else one is rendered")
    parser.add_argument("--threads", type=int, default=0, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.threads:
        work(words.drive, words.threads)
        return
    command = f"python benchmarks/replay_profile.py --frames {words.frames}"
    with tempfile.TemporaryDirectory() as place:
        folder = words.drive or Path(place) / "drive"
        if words.drive is None:
            made = ["world", "--city", "north", "--frames", str(words.frames), "--seed", "5"]
            start = [sys.executable, "-m", "dalearn_ros.cli.main", *made, "--out", str(folder)]
            subprocess.run(start, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
        with BagReader(folder / "bag") as reader:
            frames = reader.count()
        rates = speeds(folder, frames, words.repeats)
        rows = profile(folder, Path(place) / "out")
    for row in [*rows, *rates]:
        print(row)
    about = f"A drive of {frames} images of 1280x720 (north, day), the shipped model, ONNX Runtime."
    note = f"{about} Processor time of one thread; each moment counts for the innermost step."
    record("replay_profile", command, rows, note)
    waiting = "Wall time, map and bag opened in it; the ways took turns, the median counts."
    record("replay_processes", command, rates, f"{about} {waiting}")


if __name__ == "__main__":
    main()
