"""ROS executable: plays a bag with its original types and times, for machines without ros2 bag.

It waits for a subscriber on every image topic, publishes /clock, and at the end writes a manifest:
the stamp of everything that it sent. With ``--lockstep`` it waits for the result of each image.
Results that the bag holds already are not sent: they would be taken for those of the running nodes.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import rclpy
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import PointCloud2

from dalearn_ros.bags.stamps import header_stamp
from dalearn_ros.bags.storage import Bag, RawMessage
from dalearn_ros.bags.topics import CAMERA_INFO
from dalearn_ros.core.errors import DalearnError, InputError
from dalearn_ros.core.files import write_json
from dalearn_ros.core.progress import track
from dalearn_ros.nodes import process, qos
from dalearn_ros.nodes.bag_player_options import parser
from dalearn_ros.nodes.bag_player_topics import lockstep_topic, topics_to_play
from dalearn_ros.nodes.messages import time_of
from dalearn_ros.nodes.outcomes import remove_manifest

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
CLOCK_STEP_NS = 10_000_000
SETTLE_S = 0.5  # a reader that we know of may not know us yet; best effort loses what it misses
LINKS_SETTLE_S = 2.0  # two others that we both know of may find each other later still


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of ``bag_player``."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    own = rclpy.utilities.remove_ros_args(["bag_player", *words])[1:]
    options = parser().parse_args(own)
    process.prepare(options.transport)
    stop = process.StopOnSignal()
    try:
        if options.manifest:
            remove_manifest(options.manifest)
        with Bag(options.bag) as bag:
            process.start_ros(words)
            player = Player(bag, options, stop)
            try:
                print(player.play(), file=sys.stderr)
            finally:
                player.destroy_node()
    except DalearnError as error:
        print(f"bag_player: {error}", file=sys.stderr)
        return 1
    finally:
        rclpy.try_shutdown()
    return 0


class Player(process.CleanCalls, Node):
    """Publishes the messages of one bag.

    Args:
        bag: Open bag.
        options: The command line's.
        stop: Asked between messages.
    """

    def __init__(self, bag: Bag, options: argparse.Namespace, stop: process.StopOnSignal) -> None:
        super().__init__("bag_player")
        self.bag, self.options, self.stop = bag, options, stop
        self._spinner = SingleThreadedExecutor()
        self._spinner.add_node(self)
        self._clock_output = self.create_publisher(Clock, "/clock", qos.newest())
        self._clock_ns = 0
        self._outputs: dict[str, Any] = {}
        chosen, self.left_out = topics_to_play(bag, options)
        if self.left_out:
            told = ", ".join(self.left_out)
            self.get_logger().warning(f"left out, as they are recorded results: {told}")
        for topic, kind in chosen.items():
            self._offer(topic, kind)
        self.sent: dict[str, list[int]] = {topic: [] for topic in self._outputs}
        self.unanswered: list[int] = []
        self._answered: set[int] = set()
        self._images = [t for t in self._outputs if bag.topics[t] in IMAGES]
        if options.lockstep:
            self._lockstep_topic = lockstep_topic(bag.path, self._images, options.lockstep_topic)
            self._results = self.create_subscription(
                PointCloud2, options.result, self._on_result, qos.results(), raw=True
            )

    def play(self) -> str:
        """Send everything, write the manifest.

        Returns:
            What was done, a sentence.

        Raises:
            InputError: Nobody subscribed in time, or there is nothing to send.
            BagError: The bag is damaged.
        """
        if not self._outputs:
            reasons = "; ".join(self.left_out.values()) or "no topic was chosen"
            raise InputError(f"{self.bag.path}: there is nothing to send ({reasons}).")
        self._wait_for_subscribers()
        self._began_unix_ns = time.time_ns()
        if self.options.lockstep:
            self._send_ahead()
        started = time.perf_counter()
        total = sum(self.bag.counts[topic] for topic in self._outputs)
        for message in track(self._paced(), total, "play"):
            self._send(message)
        for publisher in self._outputs.values():
            publisher.wait_for_all_acked(Duration(seconds=2.0))
        self._write_manifest(time.perf_counter() - started)
        done = f"{sum(map(len, self.sent.values()))} of {total} messages of {self.bag.path} sent"
        if self.unanswered:
            done += f"; {len(self.unanswered)} images got no result"
        return done + (f"; manifest {self.options.manifest}" if self.options.manifest else "")

    def _offer(self, topic: str, kind: str) -> None:
        package, _, name = kind.partition("/msg/")
        try:
            message_type = getattr(importlib.import_module(f"{package}.msg"), name)
        except (ImportError, AttributeError):
            self.left_out[topic] = f"{topic}: the type {kind} is not installed"
            self.get_logger().warning(self.left_out[topic] + "; the topic is left out")
            return
        profile = qos.latched(100) if topic.endswith("tf_static") else qos.results(10)
        self._outputs[topic] = self.create_publisher(message_type, topic, profile)

    def _wait_for_subscribers(self) -> None:
        wanted = [topic for topic in self._images if "depth" not in topic]
        if self.options.lockstep:
            wanted = [self._lockstep_topic]
        waited = self.options.wait_for or (wanted if self.options.wait else [])
        unknown = [topic for topic in waited if topic not in self._outputs]
        if unknown:
            known = ", ".join(self._outputs)
            raise InputError.at(self.bag.path, "", f"the topic {unknown[0]}", known)
        deadline = time.perf_counter() + self.options.wait
        links = list(self.options.wait_for_links)
        if self.options.lockstep:
            links.append(self.options.result)
        settle = LINKS_SETTLE_S if links else SETTLE_S
        complete_since = time.perf_counter()
        while (waited or links) and not self.stop.asked:
            missing = [t for t in waited if not self._outputs[t].get_subscription_count()]
            missing = [*missing, *(topic for topic in links if not self._linked(topic))]
            now = time.perf_counter()
            if missing:
                complete_since = now
            elif now - complete_since > settle:
                return
            if missing and now > deadline:
                fault = process.network_fault() or "Is the other side running, in the same domain?"
                raise InputError(
                    f"nobody is on {', '.join(missing)} after {self.options.wait:g} s: {fault}"
                )
            self._spinner.spin_once(timeout_sec=0.05)

    def _send_ahead(self) -> None:
        """The first calibrations and mountings, so that the first image is understood too."""
        for topic, publisher in self._outputs.items():
            if self.bag.topics[topic] == CAMERA_INFO or topic.endswith("tf_static"):
                publisher.publish(bytes(next(self.bag.raw([topic])).cdr))
        self._sleep_until(time.perf_counter() + SETTLE_S)

    def _linked(self, topic: str) -> bool:
        return bool(self.count_publishers(topic) and self.count_subscribers(topic))

    def _paced(self) -> Iterator[RawMessage]:
        """Messages at their time: by the clock, or as fast as results come."""
        started, first = time.perf_counter(), None
        for message in self.bag.raw(self._outputs):
            if first is None:
                first = message.log_ns
            if not self.options.lockstep:
                self._sleep_until(started + (message.log_ns - first) * 1e-9 / self.options.rate)
            if self.stop.asked:
                return
            yield message
            if self.options.frames and self._frames_sent() >= self.options.frames:
                return

    def _sleep_until(self, when: float) -> None:
        while not self.stop.asked and (left := when - time.perf_counter()) > 0.0:
            time.sleep(min(left, 0.1))

    def _frames_sent(self) -> int:
        return max((len(self.sent[topic]) for topic in self._images), default=0)

    def _send(self, message: RawMessage) -> None:
        if message.log_ns - self._clock_ns >= CLOCK_STEP_NS:
            self._clock_ns = message.log_ns
            self._clock_output.publish(Clock(clock=time_of(message.log_ns)))
        self._outputs[message.topic].publish(bytes(message.cdr))
        stamp = header_stamp(message.cdr, message.kind, message.log_ns)
        self.sent[message.topic].append(stamp)
        if self.options.lockstep and message.topic == self._lockstep_topic:
            self._wait_for_result(stamp)

    def _wait_for_result(self, stamp: int) -> None:
        deadline = time.perf_counter() + self.options.patience
        while stamp not in self._answered and not self.stop.asked:
            if time.perf_counter() > deadline:
                self.unanswered.append(stamp)
                return
            self._spinner.spin_once(timeout_sec=0.05)

    def _on_result(self, cdr: bytes) -> None:
        self._answered.add(header_stamp(cdr, "sensor_msgs/msg/PointCloud2", 0))

    def _write_manifest(self, wall_s: float) -> None:
        if not self.options.manifest:
            return
        topics = {
            topic: {"type": self.bag.topics[topic], "stamps_ns": stamps}
            for topic, stamps in self.sent.items()
        }
        content = {
            "format": "dalearn-manifest",
            "version": 1,
            "bag": str(self.bag.path),
            "complete": not self.stop.asked,
            "lockstep": self.options.lockstep,
            "rate": self.options.rate,
            "began_unix_ns": self._began_unix_ns,
            "wall_s": wall_s,
            "topics": topics,
            "unanswered_ns": self.unanswered,
        }
        write_json(self.options.manifest, content)


if __name__ == "__main__":
    sys.exit(main())
