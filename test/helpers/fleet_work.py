"""Bags that are folders with a word in them, and a task that does what the word says."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dalearn_ros.core.errors import BagError
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.local_pool import LocalPool
from dalearn_ros.fleet.manifest import Manifest
from dalearn_ros.fleet.parts import Processed
from dalearn_ros.fleet.run import FleetResult, run_fleet


@dataclass(frozen=True)
class DoAsTold:
    """Rows are the letters of a bag's word; some words go wrong. Each try is a line in a log."""

    log: Path

    def __call__(self, bag: FleetBag, folder: Path) -> Processed:
        word = (bag.bag / "data").read_text()
        with (self.log / bag.name).open("a") as stream:
            stream.write("try\n")
        first = tries_of(self.log, bag.name) == 1
        if word == "broken":
            raise BagError.at(bag.bag, "", "a whole bag", "a broken one")
        if word == "kill" or (word == "kill once" and first):
            os.kill(os.getpid(), signal.SIGKILL)
        if word == "fault once" and first:
            raise OSError("the disk coughed")
        if word == "slow" and first:
            time.sleep(60.0)
        return Processed(
            len(word), {"no pose": 1}, {"word": word}, {"letters": {"one": list(word)}}
        )


def tries_of(log: Path, name: str) -> int:
    """How often a bag was begun."""
    path = log / name
    return len(path.read_text().splitlines()) if path.is_file() else 0


def write_bags(folder: Path, words: Sequence[str]) -> list[FleetBag]:
    """Bags b0, b1, ... with these words; a word of one's own makes a recording of one's own."""
    (folder / "log").mkdir(parents=True, exist_ok=True)
    write_map(folder / "map", "a city")
    found = []
    for number, word in enumerate(words):
        bag = folder / "bags" / f"b{number}"
        bag.mkdir(parents=True, exist_ok=True)
        (bag / "data").write_text(word)
        (bag / "number").write_text(str(number))
        found.append(FleetBag(bag.name, bag, folder / "map"))
    return found


def write_map(folder: Path, text: str) -> None:
    """What stands for a map; it is looked at, not read."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lanelet2_map.osm").write_text(text)


def run_words(
    folder: Path, words: Sequence[str], shard_bags: int = 2, tries: int = 3, workers: int = 2
) -> FleetResult:
    """A run over such bags into ``FOLDER/out``."""
    bags = write_bags(folder, words)
    with Manifest.open(folder / "out", {"kind": "test"}) as manifest:
        process, engine = DoAsTold(folder / "log"), LocalPool(workers)
        return run_fleet(bags, manifest, process, engine, tries, shard_bags)


if __name__ == "__main__":  # FOLDER WORD...: as a process that a test kills
    run_words(Path(sys.argv[1]), sys.argv[2:])
