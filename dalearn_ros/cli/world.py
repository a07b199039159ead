"""``dalearn world``: a drive through the embedded default city."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "world"
HELP = "write a drive through a procedural city as an ordinary bag and map"
EXAMPLE = "dalearn world --city south --condition rain --frames 300 --seed 7 --out drives/rain"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--city", default="north", help="north, south or east (default: north)")
    parser.add_argument(
        "--condition",
        default="day",
        help="day, low_sun, dusk, night, rain, fog or snow (default: day)",
    )
    parser.add_argument("--frames", type=int, default=300, help="pictures (default: 300)")
    parser.add_argument(
        "--every", type=int, default=1, help="one picture in so many of 10 Hz (default: 1)"
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed, another city")
    parser.add_argument("--depth", action="store_true", help="also write depth images")
    parser.add_argument("--out", type=Path, required=True, help="new folder for bag and map")


def run(args: argparse.Namespace) -> str:
    """Write the drive; returns the closing line."""
    from dalearn_ros.world.drive import write_drive

    out = write_drive(
        args.out, args.city, args.condition, args.frames, args.seed, args.depth, args.every
    )
    return (
        f"wrote {args.frames} frames of {args.city}, {args.condition}, to {out}/bag and {out}/map"
    )
