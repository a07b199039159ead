"""``dalearn shards``: datasets in COCO form become tar shards that training reads as a stream."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "shards"
HELP = "write datasets as WebDataset tar shards, for sets that do not fit into memory"
EXAMPLE = "dalearn shards --data labelled/datasets/* --out shards"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="datasets with the same classes"
    )
    parser.add_argument("--out", type=Path, required=True, help="the new folder")
    parser.add_argument(
        "--per-shard", type=int, default=5000, help="images in a tar file; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=0, help="which image comes into which shard")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    from dalearn_ros.core.errors import InputError
    from dalearn_ros.datasets.shards import write_shards

    if args.per_shard < 1:
        found = str(args.per_shard)
        raise InputError.at("--per-shard", "", "a whole number above 0", found)
    shards = write_shards(args.data, args.out, args.per_shard, args.seed)
    return (
        f"{args.out}: {len(shards)} images in {len(shards.files)} shards; learn from them with "
        f"'dalearn train --data {args.out}'."
    )
