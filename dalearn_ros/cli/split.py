"""``dalearn split``: labelled datasets become train, validation and test sets by place."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "split"
HELP = "split datasets into train, val and test by place: 200 m map tiles, never by frame"
EXAMPLE = "dalearn split --data monday tuesday --shares 0.7,0.15,0.15 --out sets"
PARTS = ("train", "val", "test")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True,
        help="datasets; all drives through one place belong in one call",
    )  # fmt: skip
    parser.add_argument(
        "--shares",
        type=_shares,
        default="0.7,0.15,0.15",
        help="shares of the images for train,val,test or for train,val; default: %(default)s",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for train, val and test")
    parser.add_argument("--seed", type=int, default=0, help="which tiles go where")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.files import refuse_existing
    from dalearn_ros.datasets.split import merge
    from dalearn_ros.datasets.split_write import write_splits
    from dalearn_ros.datasets.store import Dataset

    refuse_existing(args.out)
    subset = merge([Dataset.open(path) for path in args.data])
    told = write_splits(subset, args.out, args.shares, args.seed)
    parts = ", ".join(
        f"{part} {found['images']} images of {len(found['tiles'])} tiles"
        for part, found in told["parts"].items()
    )
    ignored = sum(found["targets_ignored"] for found in told["parts"].values())
    return f"{args.out}: {parts}; {ignored} labels of landmarks of another part are ignored."


def _shares(text: str) -> dict[str, float]:
    try:
        values = [float(word) for word in text.split(",")]
    except ValueError:
        values = []
    if not 2 <= len(values) <= len(PARTS) or not all(0.0 < value <= 1.0 for value in values):
        raise argparse.ArgumentTypeError("expected two or three shares above 0, as in 0.8,0.1,0.1")
    return dict(zip(PARTS, values, strict=False))
