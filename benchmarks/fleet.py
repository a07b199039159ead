"""200 bags, 5 of them broken; on the way a worker and the driver are killed.

A drive of the world is cut into bags of a few 1280x720 images with their poses, transforms and
camera_info, all with the drive's map. ``dalearn fleet evaluate`` with the shipped model begins; a
worker is killed, later the driver, both with SIGKILL; then the same command runs to its end. Each
good bag must be in the results once, and the broken ones listed with their reasons. ::

    python benchmarks/fleet.py
    python benchmarks/fleet.py --bags 8 --engines local --no-record     # a try
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import ROOT, record
from dalearn_ros.bags.storage import Bag, RawMessage
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.cli.main import main as dalearn

COMPRESSED = "sensor_msgs/msg/CompressedImage"
POSES = (
    "geometry_msgs/msg/PoseStamped",
    "geometry_msgs/msg/PoseWithCovarianceStamped",
    "nav_msgs/msg/Odometry",
)
MARGIN_NS = 300_000_000  # poses before the first image and after the last
BROKEN = ("cut short", "missing", "empty folder", "no poses", "no transforms")
KILL_WORKER, KILL_DRIVER = 0.15, 0.45  # shares of the bags that are begun by then


def cut(drive: Path, folder: Path, count: int, frames: int) -> None:
    """Cut a drive into ``FOLDER/000`` ...; the last :data:`BROKEN` are broken on purpose."""
    with Bag(drive) as bag:
        messages = [*bag.raw()]
    images = [m.log_ns for m in messages if m.kind == COMPRESSED]
    for number in range(count):
        first, last = images[number * frames], images[(number + 1) * frames - 1]
        how = BROKEN[number - count + len(BROKEN)] if number >= count - len(BROKEN) else ""
        target = folder / f"{number:03d}"
        if how == "missing":
            continue
        with BagWriter(target) as writer:
            for message in chosen(messages, first, last, how):
                latched = message.topic == "/tf_static"
                stamp = max(message.log_ns, first - MARGIN_NS)
                writer.write_raw(message.topic, message.kind, stamp, message.cdr, latched)
        if how == "cut short":
            (data,) = target.glob("*.mcap")
            data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
        if how == "empty folder":
            shutil.rmtree(target)
            target.mkdir()


def chosen(messages: list[RawMessage], first: int, last: int, how: str) -> Iterator[RawMessage]:
    """The messages of one bag: its images, and the others a little around them."""
    for message in messages:
        if message.topic == "/tf_static":
            if how != "no transforms":
                yield message
        elif message.kind == COMPRESSED:
            if first <= message.log_ns <= last:
                yield message
        elif how == "no poses" and message.kind in POSES:
            continue
        elif first - MARGIN_NS <= message.log_ns <= last + MARGIN_NS:
            yield message


def begun(out: Path) -> int:
    """How many bags are in parts or in the manifest."""
    manifest, parts = out / "manifest.jsonl", out / "parts"
    lines = manifest.read_text().splitlines()[1:] if manifest.is_file() else []
    whole = [line for line in lines if line.endswith("}")]
    waiting = [p for p in parts.iterdir() if p.name[0] != "."] if parts.is_dir() else []
    return sum(len(json.loads(line)["bags"]) for line in whole) + len(waiting)


def worker_of(driver: int) -> int:
    """A process below a driver that holds a task: of Ray's, which are many, one that says so."""
    parent: dict[int, int] = {}
    used: dict[int, tuple[bool, int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            name = (place / "comm").read_text().strip()
            fields = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        parent[int(place.name)] = int(fields[1])
        at_work = name.startswith("ray::") and name != "ray::IDLE"
        used[int(place.name)] = at_work, int(fields[11]) + int(fields[12])
    below = [pid for pid in parent if driver in ancestors(pid, parent)]
    return max(below, key=lambda pid: used[pid])


def ancestors(pid: int, parent: dict[int, int]) -> list[int]:
    """The processes above a process."""
    found = []
    while (pid := parent.get(pid, 0)) > 1:
        found.append(pid)
    return found


def wait_for(driver: subprocess.Popen[bytes], out: Path, bags: int) -> None:
    """Until so many bags are begun."""
    while begun(out) < bags:
        if driver.poll() is not None:
            raise SystemExit(f"the driver ended with {driver.returncode} before {bags} bags")
        time.sleep(0.2)


def run(command: list[str], out: Path, count: int) -> dict[str, Any]:
    """Kill a worker, kill the driver, run to the end; what came of it."""
    started = time.perf_counter()
    driver = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    wait_for(driver, out, round(KILL_WORKER * count))
    os.kill(worker_of(driver.pid), signal.SIGKILL)
    wait_for(driver, out, round(KILL_DRIVER * count))
    before = begun(out)
    driver.kill()
    driver.wait()
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()[1:]]
    bags = [bag for line in lines for bag in line["bags"]]
    failures = json.loads((out / "failures.json").read_text())["failures"]
    timing = json.loads((out / "timing.json").read_text())
    rows = sum(path.stat().st_size for path in (out / "shards").iterdir())
    frames = sum(bag["frames"] for bag in bags)
    if again.returncode != 1:
        raise SystemExit(f"expected exit code 1 for the broken bags: {again.stderr}")
    return {
        "done when the driver died": before,
        "in the results": len(bags),
        "of them twice": len(bags) - len({bag["name"] for bag in bags}),
        "listed": len(failures),
        "frames": frames,
        "frames/s of a worker": timing["frames_per_work_s"],
        "rows, bytes/frame": rows / frames,
        "manifest, bytes/bag": (out / "manifest.jsonl").stat().st_size / len(bags),
        "seconds": seconds,
        "failures": failures,
    }


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bags", type=int, default=200)
    parser.add_argument("--frames", type=int, default=4, help="images of a bag")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engines", nargs="+", default=["local", "ray"])
    parser.add_argument("--model", type=Path, default=ROOT / "models/landmarks-s.onnx")
    parser.add_argument("--no-record", action="store_true")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    reasons: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["world", "--city", "south", "--condition", "day", "--seed", "5"]
        frames = str(args.bags * args.frames + 5)
        if dalearn([*words, "--frames", frames, "--out", str(folder / "drive")]):
            raise SystemExit("the drive could not be made")
        cut(folder / "drive" / "bag", folder / "bags", args.bags, args.frames)
        entries = [{"bag": f"bags/{i:03d}"} for i in range(args.bags)]
        content = {"map": "drive/map", "bags": entries}
        (folder / "fleet.yaml").write_text(json.dumps(content))
        for engine in args.engines:
            out = folder / engine
            words = [
                *(sys.executable, "-m", "dalearn_ros.cli.main", "fleet", "evaluate"),
                *("--list", str(folder / "fleet.yaml"), "--model", str(args.model)),
                *("--out", str(out), "--engine", engine, "--workers", str(args.workers)),
                *("--shard-bags", "20"),
            ]
            found = run(words, out, args.bags)
            failures = found.pop("failures")
            killed = {"workers killed": 1, "drivers killed": 1}
            rows.append({"engine": engine, "bags": args.bags, **killed, **found})
            if not reasons:
                short = [f["reason"].replace(f"{folder}/", "") for f in failures]
                reasons = [
                    {"bag": f["name"], "made": made, "tries": f["tries"], "listed as": text}
                    for f, made, text in zip(failures, BROKEN, short, strict=True)
                ]
    if args.no_record:
        print(*rows, *reasons, sep="\n")
        return
    command = "python benchmarks/fleet.py"
    note = (
        f"Bags of {args.frames} images of 1280x720, the shipped model, {args.workers} workers of "
        "one thread. A worker and later the driver were killed with SIGKILL; seconds: both runs."
    )
    record("fleet", command, rows, note)
    record("fleet_failures", command, reasons, "The bags that were broken on purpose.")


if __name__ == "__main__":
    main()
