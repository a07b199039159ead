"""The start of the world's benchmarks: a detector that learnt days of one city alone.

It learns for half an hour to an hour on one core; so it is kept in ``benchmarks/starts/north_day``,
and adaptation, depth, hard examples and attention begin with the same network everywhere::

    python benchmarks/make_start.py --data out/ship/data
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.figures import ROOT
from benchmarks.hard_tasks import start_pair
from benchmarks.start_run import STARTS, trained_start
from dalearn_ros.core.files import atomic_directory, write_json
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import RUN_FILE


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "out" / "ship" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "adaptation")
    args = parser.parse_args()
    torch.set_num_threads(1)
    pair = start_pair(args.data)
    run, kept = trained_start(pair, args.out), STARTS / pair.start
    text = (run / RUN_FILE).read_text(encoding="utf-8")
    for folder, name in ((args.data, "out/ship/data"), (args.out, "out/adaptation")):
        text = text.replace(str(folder), name)  # where it was made says nothing
    if kept.is_dir():
        shutil.rmtree(kept)
    with atomic_directory(kept) as part:
        shutil.copyfile(run / WEIGHTS, part / WEIGHTS)
        write_json(part / RUN_FILE, json.loads(text))
    print(f"{kept}: the start.")


if __name__ == "__main__":
    main()
