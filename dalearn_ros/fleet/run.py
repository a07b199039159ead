"""The driver of a fleet: hands bags to an engine, commits what is done, lists what failed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dalearn_ros import __version__
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import write_json
from dalearn_ros.core.progress import track
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.copies import copies_of
from dalearn_ros.fleet.engine import Engine
from dalearn_ros.fleet.manifest import Manifest
from dalearn_ros.fleet.parts import BagWork, Entry, Job, Process, Recording

FAILURES = "failures.json"
SHARD_BAGS = 100
TRIES = 3


@dataclass(frozen=True)
class Failure:
    """A bag that is not in the results, and why."""

    name: str
    bag: str
    reason: str
    tries: int


@dataclass(frozen=True)
class FleetResult:
    """How a run over a fleet ended.

    Attributes:
        done: Bags in the results.
        new: Of these, those that this run added.
        failures: The others.
        retries: How often this run began a bag again.
    """

    done: int
    new: int
    failures: tuple[Failure, ...]
    retries: int


def run_fleet(
    bags: Sequence[FleetBag],
    manifest: Manifest,
    process: Process,
    engine: Engine,
    tries: int = TRIES,
    shard_bags: int = SHARD_BAGS,
    limit_s: float | None = None,
) -> FleetResult:
    """Do all bags that are not done; each good one is in the results once, after any restart.

    Args:
        bags: The fleet.
        manifest: The results, which may hold some of the bags already.
        process: What is done with a bag.
        engine: What runs it.
        tries: How often a bag is begun at most in this run.
        shard_bags: Bags of a shard.
        limit_s: Seconds after which a try is given up; None: never.

    Returns:
        Counts; the failures also stand in ``OUT/failures.json``.

    Raises:
        InputError: The results hold a bag that is not in the fleet.
        DalearnError: There is no room left on a disk.
    """
    gone = sorted(manifest.known.keys() - {bag.name for bag in bags})
    if gone:
        raise InputError(
            f"{manifest.out}: holds results of {len(gone)} bags that the list no longer names, "
            f"such as {gone[0]}. Put them back, or choose another --out."
        )
    before, retries = len(manifest.known), 0
    copies = copies_of(bags, manifest.recordings)
    failures = [_copy(bag, copies[bag.name]) for bag in bags if bag.name in copies]
    todo = [bag for bag in bags if bag.name not in copies]
    waiting: dict[Recording, tuple[Entry, int]] = {}
    jobs = (Job(bag, manifest.known.get(bag.name)) for bag in todo)
    work = BagWork(manifest.out, process, limit_s)
    try:
        with contextlib.closing(engine.run(work, jobs, tries)) as outcomes:
            for outcome in track(outcomes, len(todo), "bags"):
                retries += outcome.tries - 1
                entry, bag = outcome.result, outcome.job.bag
                if outcome.reason:
                    said = outcome.reason, outcome.tries
                    failures.append(Failure(bag.name, str(bag.bag), *said))
                elif entry is not None and bag.name not in manifest.known:
                    counts = _counting(entry, manifest, waiting)
                    if counts:  # it could not be seen before the work
                        failures.append(_copy(bag, counts, outcome.tries))
                        manifest.drop(bag.name)
                    else:
                        waiting[entry.recording] = entry, outcome.tries
                if len(waiting) >= shard_bags:
                    manifest.seal([*waiting.values()])
                    waiting = {}
        manifest.seal([*waiting.values()])
        manifest.empty_parts()
    finally:
        failures.sort(key=lambda failure: failure.name)
        listed = [dataclasses.asdict(failure) for failure in failures]
        write_json(manifest.out / FAILURES, {"failures": listed})
    done = len(manifest.known)
    return FleetResult(done, done - before, tuple(failures), retries)


def depends_on(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says that results depend on: kind, version of the package, and more."""
    return {"kind": kind, "dalearn_ros": __version__, **content}


def _counting(
    entry: Entry, manifest: Manifest, waiting: Mapping[Recording, tuple[Entry, int]]
) -> str:
    """The bag that counts for the recording of this one already; empty: none."""
    if entry.recording in waiting:
        return waiting[entry.recording][0].name
    return manifest.recordings.get(entry.recording, "")


def _copy(bag: FleetBag, name: str, tries: int = 0) -> Failure:
    reason = f"{bag.bag}: is the same recording as bag {name}, which counts."
    return Failure(bag.name, str(bag.bag), reason, tries)
