"""Whether the detector node stays the same over many images: memory, files, threads, /dev/shm.

One node, first images of 320x192, then of 1280x720, over DDS; each is sent when the result of the
one before has come, so that none is overwritten. Every hundredth of the way the node's resident
memory, open files, threads and the number of entries in /dev/shm are noted. The slope of memory is
that of a line through the notes after the first fifth of each size.

    python benchmarks/soak.py                      # 100,000 and 5,000 images: half an hour
    python benchmarks/soak.py --frames 2000 100 --no-record
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.figures import record
from benchmarks.node_images import ROOT, Image, child, end_cleanly_on_sigterm, street_pictures
from dalearn_ros.core.progress import track
from dalearn_ros.nodes import process, qos
from dalearn_ros.nodes.domain import own_domain

SIZES = ((320, 192), (1280, 720))
FRAMES = (100_000, 5_000)
PICTURES = 20
STEP_NS = 33_333_333
START_S, RESEND_S = 120.0, 2.0
WARM = 0.2  # share of each size before the slope begins
IMAGES, RESULTS = "/landmark_detector/input/image", "/landmark_detector/output/landmarks"


def notes_of(pid: int) -> dict[str, float]:
    """Resident memory in MB, open files, threads, entries of /dev/shm."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return {
        "memory": float(status["VmRSS"].split()[0]) / 1024.0,
        "files": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]),
        "shm": len(os.listdir("/dev/shm")),
    }


class Sender:
    """Sends images one at a time, each when the one before has its result."""

    def __init__(self, domain: int) -> None:
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        process.prepare("shared_memory")
        process.start_ros([])
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import Image as ImageMessage
        from sensor_msgs.msg import PointCloud2

        self._node = rclpy.create_node("soak")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._output = self._node.create_publisher(ImageMessage, IMAGES, qos.results(1))
        self._node.create_subscription(PointCloud2, RESULTS, self._on_result, qos.results())
        self._answered = self._stamp_ns = 0
        self.resent = 0

    def _on_result(self, message: Any) -> None:
        from dalearn_ros.nodes.messages import stamp_of

        self._answered = stamp_of(message.header)

    def connect(self) -> None:
        """Wait for both ends."""
        deadline = time.monotonic() + START_S
        while not (self._output.get_subscription_count() and self._node.count_publishers(RESULTS)):
            if time.monotonic() > deadline:
                raise SystemExit("the node did not come up")
            self._executor.spin_once(timeout_sec=0.05)

    def send(self, pictures: list[Image], count: int) -> Iterator[int]:
        """Send so many images; gives the number of each when its result is there."""
        from dalearn_ros.nodes.messages import image_message, time_of

        ready = [image_message(picture, 0, "camera_optical") for picture in pictures]
        for number in range(count):
            message = ready[number % len(ready)]
            self._stamp_ns += STEP_NS
            message.header.stamp = time_of(self._stamp_ns)
            self._output.publish(message)
            sent = time.monotonic()
            while self._answered != self._stamp_ns:
                self._executor.spin_once(timeout_sec=0.5)
                if time.monotonic() - sent > RESEND_S:  # best effort may lose one
                    self._stamp_ns += 1
                    message.header.stamp = time_of(self._stamp_ns)
                    self._output.publish(message)
                    sent, self.resent = time.monotonic(), self.resent + 1
            yield number

    def close(self) -> None:
        """Leave ROS."""
        import rclpy

        self._executor.shutdown()
        self._node.destroy_node()
        rclpy.try_shutdown()


def soak(sender: Sender, pid: int, pictures: list[Image], count: int) -> dict[str, Any]:
    """Send images of one size; one row of the table."""
    every = max(1, count // 100)
    notes: list[tuple[int, dict[str, float]]] = []
    started, resent = time.monotonic(), sender.resent
    for number in track(sender.send(pictures, count), count, "soak"):
        if number % every == 0:
            notes.append((number, notes_of(pid)))
            if len(notes) % 10 == 1:
                print(number, notes[-1][1], flush=True)
    spent = time.monotonic() - started
    late = [(number, note) for number, note in notes if number >= WARM * count]
    numbers = np.array([number for number, _ in late], float)
    slope = np.polyfit(numbers, [note["memory"] for _, note in late], 1)[0] * 1e4

    def from_to(name: str) -> str:
        values = [int(note[name]) for _, note in late]
        return f"{values[0]} → {values[-1]} ({min(values)}–{max(values)})"

    height, width = pictures[0].shape[:2]
    return {
        "images": f"{count} of {width}x{height}",
        "sent again": sender.resent - resent,
        "images/s": count / spent,
        "memory, MB": f"{late[0][1]['memory']:.1f} → {late[-1][1]['memory']:.1f}",
        "slope, MB per 10⁴ images": f"{slope:.2f}",
        "open files": from_to("files"),
        "threads": from_to("threads"),
        "/dev/shm": from_to("shm"),
    }


def main() -> None:
    """Soak and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    help_text = "images of 320x192 and of 1280x720"
    parser.add_argument("--frames", type=int, nargs=2, default=FRAMES, help=help_text)
    parser.add_argument("--threads", type=int, default=0, help="of the network; 0: all cores")
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    end_cleanly_on_sigterm()
    rows = []
    with tempfile.TemporaryDirectory() as temporary, own_domain() as domain:
        drawn = street_pictures(Path(temporary) / "world", PICTURES, *SIZES)
        node = ["-m", "dalearn_ros.nodes.landmark_detector", "--ros-args"]
        with child([*node, "-p", f"threads:={options.threads}"], domain) as running:
            sender = Sender(domain)
            sender.connect()
            for pictures, count in zip(drawn, options.frames, strict=True):
                rows.append(soak(sender, running.pid, pictures, count))
                print(rows[-1], flush=True)
            sender.close()
    if not options.no_record:
        frames = " ".join(map(str, options.frames))
        record("soak", f"python {Path(__file__).relative_to(ROOT)} --frames {frames}", rows)


if __name__ == "__main__":
    main()
