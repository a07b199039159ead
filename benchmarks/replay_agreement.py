"""Do a live and a direct replay of the demo's drive agree?

    python benchmarks/replay_agreement.py            # about 6 minutes on two cores

The drive goes through the library, through the nodes in lockstep, and through the nodes at its own
speed. What the detector node publishes for an image is compared byte by byte with what the direct
replay writes to its bag.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.recfunctions import repack_fields

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import record  # noqa: E402
from benchmarks.node_images import child, end_cleanly_on_sigterm  # noqa: E402
from dalearn_ros.bags.observation_rows import ROW  # noqa: E402
from dalearn_ros.bags.result_bag import LANDMARKS_TOPIC  # noqa: E402
from dalearn_ros.bags.storage import Bag  # noqa: E402
from dalearn_ros.cli.demo import DEFAULT_SEED  # noqa: E402
from dalearn_ros.evaluation.drive_options import DriveOptions  # noqa: E402
from dalearn_ros.evaluation.outputs import OutputPaths  # noqa: E402
from dalearn_ros.evaluation.replay import evaluate_bag  # noqa: E402
from dalearn_ros.inference.detector import LandmarkDetector  # noqa: E402
from dalearn_ros.nodes.chain import commands  # noqa: E402
from dalearn_ros.nodes.domain import own_domain  # noqa: E402
from dalearn_ros.world.drive import write_drive  # noqa: E402

MODEL = ROOT / "models/landmarks-s.onnx"
PATIENCE_S = 120.0
PIXELS = list(ROW.names or ())[3:-1]  # without x y z, which need the calibration, and the track
Clouds = dict[int, bytes]


def direct(drive: Path, out: Path, threads: int) -> tuple[dict[str, Any], Clouds]:
    """Metrics and clouds by stamp of a replay through the library."""
    options = DriveOptions(outputs=OutputPaths(bag=out / "bag"))
    detector = LandmarkDetector.load(MODEL, threads)
    metrics = evaluate_bag(drive / "bag", drive / "map", detector, options).write(out / "results")
    with Bag(out / "bag") as bag:
        clouds = [bag.decode(raw) for raw in bag.raw([LANDMARKS_TOPIC])]
    return metrics, {_stamp(one): one.data.tobytes() for one in clouds}


def live(drive: Path, out: Path, threads: int, lockstep: bool) -> tuple[dict[str, Any], Clouds]:
    """The same through the nodes."""
    import rclpy
    from sensor_msgs.msg import PointCloud2

    from dalearn_ros.nodes import qos

    out.mkdir()
    words = commands(drive / "bag", drive / "map", MODEL, out, threads, PATIENCE_S)
    words["player"] += ["--lockstep"] if lockstep else []
    clouds: Clouds = {}

    def keep(message: Any) -> None:
        clouds[_stamp(message)] = memoryview(message.data).tobytes()

    with own_domain() as domain:
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        rclpy.init()
        node = rclpy.create_node("agreement")
        node.create_subscription(PointCloud2, LANDMARKS_TOPIC, keep, qos.results(1000))
        deadline = time.monotonic() + 600.0
        try:
            with (
                child(words["detector"][1:], domain, out / "detector.log"),
                child(words["localizer"][1:], domain, out / "localizer.log"),
                child(words["player"][1:], domain, out / "player.log"),
                child(words["evaluator"][1:], domain, out / "evaluator.log") as evaluator,
            ):
                while evaluator.poll() is None and time.monotonic() < deadline:
                    rclpy.spin_once(node, timeout_sec=0.1)
        finally:
            node.destroy_node()
            rclpy.shutdown()
    metrics: dict[str, Any] = json.loads((out / "results/metrics.json").read_text())
    return metrics, clouds


def row(way: str, metrics: dict[str, Any], clouds: Clouds, expected: Clouds) -> dict[str, Any]:
    """A line of the table."""
    common = sorted(set(clouds) & set(expected))
    whole = sum(clouds[stamp] == expected[stamp] for stamp in common)
    seen = sum(_pixels(clouds[stamp]) == _pixels(expected[stamp]) for stamp in common)
    where = metrics["localization"]
    return {
        "way": way,
        "images": len(expected),
        "in common": len(common),
        "same but for x y z and track": seen,
        "same in all bytes": whole,
        "F1": _rounded(metrics["f1"]),
        "recall": _rounded(metrics["recall"]),
        "point, median px": _rounded(metrics["reference_point_px"]["median"]),
        "lateral m": _rounded(where["lateral_m"]["median"]),
        "heading deg": _rounded(where["heading_deg"]["median"]),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


def _pixels(cloud: bytes) -> bytes:
    return repack_fields(np.frombuffer(cloud, ROW)[PIXELS]).tobytes()  # a view has all the bytes


def _stamp(message: Any) -> int:
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=200, help="images of the drive")
    words = parser.parse_args()
    end_cleanly_on_sigterm()
    threads = max(1, (os.cpu_count() or 2) - 1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_drive(folder / "drive", "north", "day", words.frames, DEFAULT_SEED, False)
        metrics, expected = direct(folder / "drive", folder / "direct", threads)
        rows = [row("direct", metrics, expected, expected)]
        for way, lockstep in (("live, in lockstep", True), ("live, at its own speed", False)):
            metrics, clouds = live(folder / "drive", folder / way[-5:], threads, lockstep)
            rows.append(row(way, metrics, clouds, expected))
            print(rows[-1])
    note = (
        f"The demo's drive (seed {DEFAULT_SEED}), threads of the detector: {threads}. Live, x y z "
        "are unknown until the first calibration has come; tracks depend on the images before."
    )
    command = f"python benchmarks/replay_agreement.py --frames {words.frames}"
    record("replay_agreement", command, rows, note)


if __name__ == "__main__":
    main()
