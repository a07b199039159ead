"""The command line of ``bag_player``."""

from __future__ import annotations

import argparse
from pathlib import Path

from dalearn_ros.nodes import process

RESULT = "/landmark_detector/output/landmarks"


def parser() -> argparse.ArgumentParser:
    """Options with their defaults."""
    options = argparse.ArgumentParser(
        prog="bag_player",
        description="Play a bag over ROS 2 with its original types, times and /clock.",
        epilog="example:\n  bag_player --bag drive/bag --lockstep --manifest sent.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = options.add_argument
    add("--bag", type=Path, required=True, help="bag folder, .mcap or .db3 file")
    add("--topics", nargs="+", default=[], help="send only these (default: all but results)")
    add("--rate", type=_positive, default=1.0, help="times real time (default: 1)")
    add("--frames", type=int, default=0, help="stop after so many images; 0: all")
    add("--lockstep", action="store_true", help="wait for the result of each image")
    add("--lockstep-topic", default="", help="whose results (default: the only image topic)")
    add("--result", default=RESULT, help=f"topic of the results (default: {RESULT})")
    add("--patience", type=_positive, default=10.0, help="longest wait for one result, s")
    add("--wait", type=float, default=30.0, help="longest wait for subscribers, s; 0: none")
    add("--wait-for", nargs="+", default=[], help="wait for a subscriber on these topics")
    add("--wait-for-links", nargs="+", default=[], help="and for both ends of these topics")
    add("--manifest", type=Path, help="file for the stamps of all that was sent")
    add(
        "--transport",
        choices=sorted(process.PROFILES),
        default="shared_memory",
        help="Fast DDS profile; udp where containers do not share /dev/shm",
    )
    return options


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0.0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, found {text}")
    return value
