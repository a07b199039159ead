"""The training, validation and test drives of the shipped model.

Every drive is rendered with depth (so that its labels know what is hidden), labelled with its own
map and true pose, and its bag is removed; the share ``test`` is labelled with the map without the
surveyor's noise, for it judges detectors. A drive that is there already is kept, so the command
can be interrupted and started again.

    python benchmarks/ship_data.py --out out/ship/data
    python benchmarks/ship_data.py --out out/ship/data --shares test
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

CITIES = ("north", "south", "east")
CONDITIONS = ("day", "low_sun", "dusk", "night", "rain", "fog", "snow")
SEEDS = {
    "val": (2001,),
    "train": (1001, 1002),
    "wide": tuple(range(1101, 1106)),  # more streets, less of each
    "streets": tuple(range(1201, 1226)),  # and many more, a picture a second
    "test": (9101,),
}
FRAMES = {"val": 20, "train": 80, "wide": 20, "streets": 16, "test": 20}
FRAMES |= {"adaptation_val": 20, "adaptation_test": 20}  # of benchmarks/adaptation.py
FRAMES |= {"hard_train": 16}  # of benchmarks/hard_examples.py
EVERY = {"hard_train": 10, "streets": 10, "test": 10, "adaptation_val": 10, "adaptation_test": 10}
AREAS = ("hard_train",)  # with index images
MAPS = {"test": "exact_map", "adaptation_test": "exact_map"}


class Drive(NamedTuple):
    """One drive and the share it belongs to."""

    share: str
    city: str
    condition: str
    seed: int


def drives() -> Iterator[Drive]:
    """All drives; seeds differ between conditions, so no street is seen twice."""
    for share, seeds in SEEDS.items():
        for seed in seeds:
            for number, condition in enumerate(CONDITIONS):
                for city in CITIES:
                    yield Drive(share, city, condition, seed * 10 + number)


def make(drive: Drive, out: Path) -> str:
    """Render and label one drive; its dataset's folder."""
    name = f"{drive.city}_{drive.condition}_{drive.seed}"
    dataset, raw = out / drive.share / name, out / "raw" / name
    if dataset.exists():
        return str(dataset)
    shutil.rmtree(raw, ignore_errors=True)
    verb = [sys.executable, "-m", "dalearn_ros.cli.main"]
    options = [f"--{key}={getattr(drive, key)}" for key in ("city", "condition", "seed")]
    options += [f"--frames={FRAMES[drive.share]}", f"--every={EVERY.get(drive.share, 1)}"]
    commands = [
        [*verb, "world", *options, "--depth", f"--out={raw}"],
        [
            *[
                *verb,
                "label",
                f"--bag={raw / 'bag'}",
                f"--map={raw / MAPS.get(drive.share, 'map')}",
            ],
            *["--pose-topic=/ground_truth/pose", f"--out={dataset}"],
            *(["--areas"] if drive.share in AREAS else []),
        ],
    ]
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    shutil.rmtree(raw, ignore_errors=True)
    return str(dataset)


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/ship/data"))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--shares", nargs="+", choices=list(SEEDS), default=list(SEEDS))
    arguments = parser.parse_args()
    everything = [drive for drive in drives() if drive.share in arguments.shares]
    with ThreadPoolExecutor(arguments.processes) as pool:
        done = pool.map(lambda drive: make(drive, arguments.out), everything)
        for number, dataset in enumerate(done, start=1):
            print(f"{number}/{len(everything)} {dataset}", flush=True)


if __name__ == "__main__":
    main()
