"""Options that several verbs have."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def add_time_offset(parser: argparse.ArgumentParser) -> None:
    """Declare ``--time-offset-s``."""
    parser.add_argument(
        "--time-offset-s",
        type=float,
        default=0.0,
        help="how much later than their stamps the images were taken (calibrate time-offset)",
    )


def time_offset_ns(args: argparse.Namespace) -> int:
    """The time offset in nanoseconds, checked.

    Raises:
        InputError: Not within a second: most likely milliseconds.
    """
    from dalearn_ros.core.errors import InputError

    value = float(args.time_offset_s)
    if not abs(value) <= 1.0:  # NaN too
        raise InputError.at("--time-offset-s", "", "seconds between -1 and 1", f"{value:g}")
    return round(value * 1e9)


def add_frames(parser: argparse.ArgumentParser) -> None:
    """Declare ``--map-frame`` and ``--base-frame``."""
    parser.add_argument(
        "--map-frame",
        default="map",
        help="the frame whose coordinates are the map's, such as utm; poses in another one need "
        "TF to it; default: %(default)s",
    )
    parser.add_argument(
        "--base-frame",
        default="base_link",
        help="the vehicle's frame; poses of another one need TF to it; default: %(default)s",
    )


def check_for_bags(name: str, given: bool, paths: Sequence[Path]) -> None:
    """See that an option that says how bags of ``--target`` are read has one to speak of.

    Raises:
        InputError: It is given, and none of the paths is a bag.
    """
    from dalearn_ros.core.errors import InputError
    from dalearn_ros.datasets.image_list import is_bag

    if given and not any(map(is_bag, paths)):
        found = ", ".join(map(str, paths)) or "none"
        raise InputError.at(name, "", "a bag among those of --target", found)
