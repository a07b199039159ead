"""What the detector node adds to the network's time, and what becomes of images at 30 Hz.

Raw 1280x720 pictures of the world, played over DDS at 30 Hz by bag_player (which takes the Fast
DDS profile for senders of images): first to a subscriber that only counts, then to the detector
node. Overhead of an image = from the begin of its callback until its result is published, minus
the call of the network; and the same without the time in which it waited for the network of the
image before. The first images are not timed (``--warm-up``). What was sent comes from
the player's manifest, what became of it from the node's journal.

    python benchmarks/node_latency.py
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.figures import record
from benchmarks.node_images import ROOT, child, end, end_cleanly_on_sigterm, street_pictures
from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.nodes.domain import own_domain

SIZE, RATE_HZ, TOPIC = (1280, 720), 30.0, "/camera/image_raw"
PICTURES = 20
START_NS = 1_700_000_000_000_000_000
WAIT_S = 120.0


def write_drive(folder: Path, frames: int) -> Path:
    """A bag of raw images at 30 Hz."""
    (pictures,) = street_pictures(folder / "world", PICTURES, SIZE)
    with BagWriter(folder / "bag") as bag:
        for i in range(frames):
            stamp = START_NS + round(i * 1e9 / RATE_HZ)
            bag.image(TOPIC, stamp, pictures[i % PICTURES], "bgr8", "camera_optical")
    return folder / "bag"


def play(bag: Path, listener: list[str], domain: int, manifest: Path, log: Path) -> Any:
    """Play the bag to a process and end that.

    Returns:
        The player's manifest.
    """
    player = ["-m", "dalearn_ros.nodes.bag_player", "--bag", str(bag), "--manifest", str(manifest)]
    with child(listener, domain, log) as hearing:
        with child([*player, "--wait", f"{WAIT_S:g}"], domain) as playing:
            if playing.wait() != 0:
                raise SystemExit("the player failed")
        end(hearing)
        if hearing.returncode != 0:
            raise SystemExit(f"the listener failed: {log.read_text()}")
    return json.loads(manifest.read_text())


def count_images() -> None:
    """Count images until SIGINT comes, print how many (the mode ``--count``)."""
    from dalearn_ros.nodes import process, qos

    process.prepare()
    import rclpy
    from sensor_msgs.msg import Image

    stop = process.StopOnSignal()
    process.start_ros([])
    node = rclpy.create_node("counter")
    got: list[int] = []
    node.create_subscription(Image, TOPIC, lambda message: got.append(1), qos.stream(5))
    while not stop.asked:
        rclpy.spin_once(node, timeout_sec=0.05)
    print(len(got))
    node.destroy_node()
    rclpy.try_shutdown()


def measure(frames: int, warm_up: int, threads: int) -> list[dict[str, Any]]:
    """The rows of the table."""
    with tempfile.TemporaryDirectory() as temporary, own_domain() as domain:
        folder = Path(temporary)
        bag = write_drive(folder, frames)
        log = folder / "log"
        sent = play(bag, [__file__, "--count"], domain, folder / "counted.json", log)
        counted = int(log.read_text().split()[-1])
        counted_of = len(sent["topics"][TOPIC]["stamps_ns"])
        journal = folder / "journal.csv"
        node = ["-m", "dalearn_ros.nodes.landmark_detector", "--ros-args"]
        node += ["-p", f"threads:={threads}", "-p", f"journal:={journal}"]
        node += ["-r", f"~/input/image:={TOPIC}"]
        manifest = play(bag, node, domain, folder / "sent.json", log)
        with journal.open() as file:
            rows = list(csv.DictReader(file))
        stamps = manifest["topics"][TOPIC]["stamps_ns"]
    return summary(rows, stamps, warm_up, (counted, counted_of))


def summary(
    journal: list[dict[str, str]], stamps: list[int], warm_up: int, counted: tuple[int, int]
) -> list[dict[str, Any]]:
    """Rows of the table from the node's journal and the stamps that were sent."""
    fates = [row["fate"] for row in journal]
    done = [row for row in journal if row["fate"] == "processed"]
    timed = done[warm_up:]
    if len(timed) < 2:
        raise SystemExit(f"{len(done)} images were processed: too few to time")
    inference = np.array([float(row["inference_ms"]) for row in timed])
    overhead = np.array([float(row["total_ms"]) for row in timed]) - inference
    own = overhead - np.array([float(row["wait_ms"]) for row in timed])
    seconds = (int(timed[-1]["stamp_ns"]) - int(timed[0]["stamp_ns"])) * 1e-9
    lost = len(set(stamps) - {int(row["stamp_ns"]) for row in journal})
    dropped = len(fates) - len(done)
    return [
        {"figure": "overhead, median", "value": f"{np.median(overhead):.2f} ms", "wanted": "≤ 2.5"},
        {
            "figure": "overhead, 99 %",
            "value": f"{np.percentile(overhead, 99):.2f} ms",
            "wanted": "≤ 5",
        },
        {"figure": "without waiting, median", "value": f"{np.median(own):.2f} ms", "wanted": "–"},
        {
            "figure": "without waiting, 99 %",
            "value": f"{np.percentile(own, 99):.2f} ms",
            "wanted": "–",
        },
        {"figure": "the network, median", "value": f"{np.median(inference):.1f} ms", "wanted": "–"},
        {
            "figure": "processed rate",
            "value": f"{(len(timed) - 1) / seconds:.1f} Hz",
            "wanted": "≥ 20",
        },
        {"figure": "sent", "value": str(len(stamps)), "wanted": "–"},
        {"figure": "processed", "value": str(len(done)), "wanted": "–"},
        {
            "figure": "dropped: overwritten by a newer one, or skipped",
            "value": f"{fates.count('overwritten')}, {dropped - fates.count('overwritten')}",
            "wanted": "–",
        },
        {"figure": "lost in transport", "value": str(lost), "wanted": "0"},
        {
            "figure": "processed + dropped + lost = sent",
            "value": len(done) + dropped + lost == len(stamps),
            "wanted": "yes",
        },
        {
            "figure": "a subscriber that only counts got",
            "value": f"{counted[0]} of {counted[1]}",
            "wanted": "all",
        },
    ]


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--warm-up", type=int, default=10, help="processed images not timed")
    parser.add_argument("--threads", type=int, default=0, help="of the network; 0: all cores")
    parser.add_argument("--no-record", action="store_true", help="print only")
    parser.add_argument("--count", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.count:
        count_images()
        return
    end_cleanly_on_sigterm()
    rows = measure(options.frames, options.warm_up, options.threads)
    for row in rows:
        print(f"{row['figure']}: {row['value']} (wanted {row['wanted']})")
    if not options.no_record:
        command = f"python {Path(__file__).relative_to(ROOT)} --frames {options.frames}"
        record("node_latency", f"{command} --threads {options.threads}", rows)


if __name__ == "__main__":
    main()
