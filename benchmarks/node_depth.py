"""What a subscriber of ~/output/depth gets, and what that does to the landmarks.

Compressed 1280x720 images go to the detector node at 10 Hz; its model has depth, with random
weights. With the transports that Fast DDS takes by default and with the profile that the node takes
by itself, without and with a subscriber to the depth image: how many messages arrive, and how long
after the image was sent.

    python benchmarks/node_depth.py
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from benchmarks.depth_cost import DEEP, write_models
from benchmarks.figures import record
from benchmarks.node_images import ROOT, child, end_cleanly_on_sigterm
from dalearn_ros.inference.parity import made_up_camera
from dalearn_ros.nodes import process
from dalearn_ros.nodes.domain import own_domain

NAME = "node_depth"
SIZE, RATE_HZ = (1280, 720), 10.0
NODE = "/landmark_detector"
TRANSPORTS = {"Fast DDS's own": "config/fastdds_local.xml", "the node's": ""}
VARIABLE = "FASTDDS_DEFAULT_PROFILES_FILE"
WAIT_S = 60.0
Arrivals = dict[int, int]  # stamp to time of arrival, nanoseconds


class Listener:
    """Sends images and notes when what follows from them arrives.

    Args:
        domain: Of ROS.
        topic: Of the images that the node makes for subscribers only.
    """

    def __init__(self, domain: int, topic: str = f"{NODE}/output/depth") -> None:
        self._topic = topic
        process.prepare()
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import CameraInfo, CompressedImage, PointCloud2

        from dalearn_ros.nodes import messages, qos

        self._messages, self._qos = messages, qos
        process.start_ros([])
        self.node = rclpy.create_node("listener")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self.clouds: Arrivals = {}
        self.made: Arrivals = {}
        made = self.node.create_publisher
        self._images = made(CompressedImage, f"{NODE}/input/image/compressed", qos.results())
        self._infos = made(CameraInfo, f"{NODE}/input/camera_info", qos.results())
        topic = f"{NODE}/output/landmarks"
        self.node.create_subscription(PointCloud2, topic, self._note(self.clouds), qos.results())

    def _note(self, arrivals: Arrivals) -> Callable[[Any], None]:
        def note(message: Any) -> None:
            arrivals[self._messages.stamp_of(message.header)] = time.time_ns()

        return note

    def spin(self, seconds: float) -> None:
        """Listen for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0.0:
            self._executor.spin_once(timeout_sec=left)

    def connect(self, wanted: bool) -> Any:
        """Wait for the node; the subscription to what it makes, if that is wanted."""
        from sensor_msgs.msg import Image

        self.clouds.clear()
        self.made.clear()
        heard = None
        if wanted:
            note = self._note(self.made)
            heard = self.node.create_subscription(Image, self._topic, note, self._qos.newest())
        until = time.monotonic() + WAIT_S
        outputs = [f"{NODE}/output/landmarks", self._topic]
        while not (
            self._images.get_subscription_count()
            and self._infos.get_subscription_count()
            and all(self.node.count_publishers(topic) for topic in outputs)
        ):
            if time.monotonic() > until:
                raise SystemExit("the detector node does not come")
            self.spin(0.05)
        self.spin(1.0)
        return heard

    def send(self, frames: int) -> None:
        """Send images at :data:`RATE_HZ`, the calibration with each."""
        camera = made_up_camera(SIZE)
        noise = np.random.default_rng(0).integers(0, 256, (45, 80, 3), dtype=np.uint8)
        encoded = cv2.imencode(".jpg", cv2.resize(noise, SIZE))[1].tobytes()
        due = time.monotonic()
        for _ in range(frames):
            now = time.time_ns()
            self._infos.publish(self._messages.camera_info_of(camera, now))
            self._images.publish(self._messages.compressed_message(encoded, now, "camera"))
            due += 1.0 / RATE_HZ
            self.spin(max(0.0, due - time.monotonic()))
        self.spin(2.0)

    def close(self) -> None:
        """Leave ROS."""
        import rclpy

        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()


@contextmanager
def profile(name: str) -> Iterator[None]:
    """A Fast DDS profile in the environment; empty: none."""
    if name:
        os.environ[VARIABLE] = str(ROOT / name)
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)


def node_of(model: Path) -> list[str]:
    """Words that start the detector node with a model, for compressed images."""
    words = ["-m", "dalearn_ros.nodes.landmark_detector", "--ros-args", "-p", f"model:={model}"]
    return [*words, "-p", "image_transport:=compressed", "-p", "backend:=onnx"]


def measure(listener: Listener, domain: int, model: Path, frames: int) -> list[dict[str, Any]]:
    """The rows of the table."""
    rows = []
    for transport, file in TRANSPORTS.items():
        for wanted in (False, True):
            with ExitStack() as stack:
                with profile(file):
                    stack.enter_context(child(node_of(model), domain))
                heard = listener.connect(wanted)
                listener.send(frames)
            if heard is not None:
                listener.node.destroy_subscription(heard)
            rows.append(row_of(transport, wanted, frames, listener.clouds, listener.made))
            print(rows[-1], flush=True)
            listener.spin(2.0)
    return rows


def median_ms(arrivals: Arrivals) -> float | None:
    """Median time from the image's sending to the message's arrival; None if none came."""
    late = [(at - stamp) * 1e-6 for stamp, at in arrivals.items()]
    return float(np.median(late)) if late else None


def row_of(
    transport: str, wanted: bool, frames: int, clouds: Arrivals, depths: Arrivals
) -> dict[str, Any]:
    """One row: how many of the images' landmarks and depth images came, and after how long."""

    return {
        "transports": transport,
        "depth is subscribed to": wanted,
        "landmarks": f"{len(clouds)} of {frames}",
        "after, ms": median_ms(clouds),
        "depth images": f"{len(depths)} of {frames}" if wanted else "–",
        "after, ms ": median_ms(depths),
    }


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=100, help="images of each row")
    parser.add_argument("--no-record", action="store_true", help="print only")
    options = parser.parse_args()
    end_cleanly_on_sigterm()
    os.environ.pop(VARIABLE, None)
    with tempfile.TemporaryDirectory() as temporary, own_domain() as domain:
        model = write_models(Path(temporary))[DEEP]
        listener = Listener(domain)
        try:
            rows = measure(listener, domain, model, options.frames)
        finally:
            listener.close()
    if not options.no_record:
        note = (
            f"Images of 1280×720 at {RATE_HZ:g} Hz, compressed; those that the network was too "
            "slow for have no landmarks. Medians from the image's sending to the message's arrival."
        )
        command = f"python {Path(__file__).relative_to(ROOT)} --frames {options.frames}"
        record(NAME, command, rows, note)


if __name__ == "__main__":
    main()
