"""The result of one bag, on disk as a whole or not at all until a shard takes it in."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import atomic_directory, fsync_tree, write_json
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.identity import identity_of, identity_of_map
from dalearn_ros.fleet.limit import time_limit

PARTS, ENTRY, DATASET = "parts", "entry.json", "dataset"
Recording = tuple[str, str]  # identities of a bag and of its map
Columns = Mapping[str, list[str] | npt.NDArray[Any]]  # of equal length


@dataclass(frozen=True)
class Processed:
    """What a bag gave.

    Attributes:
        frames: Frames that counted.
        frames_skipped: Those that did not, by reason.
        facts: Figures of the whole bag, JSON values.
        tables: Name → columns of equal length, written as Parquet; the bag's name is added.
    """

    frames: int
    frames_skipped: Mapping[str, int]
    facts: Mapping[str, Any]
    tables: Mapping[str, Columns]


@dataclass(frozen=True)
class Entry:
    """What the manifest says of a bag.

    Attributes:
        name: Its own in the fleet.
        bag: Where it was.
        map: Where its map was.
        identity: Of :func:`fleet.identity.identity_of`.
        map_identity: Of :func:`fleet.identity.identity_of_map`.
        frames: Frames that counted.
        frames_skipped: Those that did not, by reason.
        rows: Table → number of rows.
        facts: Figures of the whole bag.
    """

    name: str
    bag: str
    map: str
    identity: str
    map_identity: str
    frames: int = 0
    frames_skipped: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def recording(self) -> Recording:
        """What was recorded, and on which map it is seen."""
        return self.identity, self.map_identity


@dataclass(frozen=True)
class Job:
    """A bag and its recording in the manifest; None: it is not there yet."""

    bag: FleetBag
    known: Recording | None = None


class Process(Protocol):
    """What is done with one bag; it can be pickled."""

    def __call__(self, bag: FleetBag, folder: Path) -> Processed:
        """The bag's results; files that belong to them go into ``folder``."""
        ...


@dataclass(frozen=True)
class BagWork:
    """A fleet's task: one bag to one part; done again, it finds the part and changes nothing.

    Attributes:
        out: Folder of the fleet's results.
        process: What is done with the bag.
        limit_s: Seconds after which the process that works on a bag ends itself; None: never.
    """

    out: Path
    process: Process
    limit_s: float | None = None

    def __call__(self, job: Job) -> Entry:
        """What the manifest will say of the bag.

        Raises:
            InputError: The bag is not what it should be, or not what it was.
        """
        with time_limit(self.limit_s):
            return self._entry(job)

    def _entry(self, job: Job) -> Entry:
        bag, part = job.bag, part_of_bag(self.out, job.bag.name)
        mine = identity_of(bag.bag), identity_of_map(bag.map)
        entry = Entry(bag.name, str(bag.bag), str(bag.map), *mine)
        if job.known is not None:
            _check_known(bag, job.known, mine)
            return entry
        found = read_entry(part) if part.is_dir() else None
        if found is not None and found.recording == mine:
            return found
        shutil.rmtree(part, ignore_errors=True)
        with atomic_directory(part) as folder:
            done = self.process(bag, folder)
            rows = {name: write_table(folder, bag.name, name, t) for name, t in done.tables.items()}
            entry = dataclasses.replace(
                entry,
                frames=done.frames,
                frames_skipped=dict(done.frames_skipped),
                rows=rows,
                facts=dict(done.facts),
            )
            write_json(folder / ENTRY, dataclasses.asdict(entry))
            fsync_tree(folder)  # a part that is there is whole, after a power cut as well
        return entry


def _check_known(bag: FleetBag, known: Recording, found: Recording) -> None:
    hint = "List it under another name, or choose another --out."
    for what, path, one, other in zip(
        ("bag", "map"), (bag.bag, bag.map), known, found, strict=True
    ):
        if one != other:
            raise InputError.at(path, "", f"the {what} that the results are of", "another", hint)


def part_of_bag(out: Path, name: str) -> Path:
    """Where the part of a bag lies until a shard takes it in."""
    return out / PARTS / name


def read_entry(part: Path) -> Entry | None:
    """What a part says of its bag; None if it is damaged, or its tables are."""
    import pyarrow.parquet

    # What pyarrow raises is an OSError or a ValueError too.
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        entry = Entry(**json.loads((part / ENTRY).read_text(encoding="utf-8")))
        for name, count in entry.rows.items():
            if pyarrow.parquet.read_table(part / f"{name}.parquet").num_rows != count:
                return None
        return entry
    return None


def write_table(folder: Path, bag: str, name: str, columns: Columns) -> int:
    """Write ``FOLDER/NAME.parquet`` with a column ``bag`` before the others; its number of rows."""
    import pyarrow
    import pyarrow.parquet

    count = len(next(iter(columns.values())))
    whole = {"bag": [bag] * count, **columns}
    # A list is text even where it is empty: all bags' tables have the same types.
    typed = {
        key: pyarrow.array(column, pyarrow.string() if isinstance(column, list) else None)
        for key, column in whole.items()
    }
    pyarrow.parquet.write_table(pyarrow.table(typed), folder / f"{name}.parquet")
    return count
