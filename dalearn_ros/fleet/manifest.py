"""Which bags are done and where their rows are: a journal that only grows, a line a shard.

``manifest.jsonl`` begins with what the results depend on. Each further line commits one shard: its
Parquet files, already in place, and for each of its bags the rows. A line that a crash cut short
is dropped; the parts of its bags are still there and go into the next shard. So a bag is in the
results once or not at all.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import (
    atomic_file,
    first_difference,
    fsync_one,
    is_leftover,
    plain,
    remove_leftovers,
)
from dalearn_ros.fleet.parts import DATASET, PARTS, Entry, Recording, part_of_bag

MANIFEST, SHARDS, DATASETS, LOCK = "manifest.jsonl", "shards", "datasets", ".lock"
FORMAT, FORMAT_VERSION = "dalearn fleet", 2


class Manifest:
    """The results in a folder; make one with :meth:`open`.

    Attributes:
        out: The folder.
        shards: How many shards are committed.
        known: Bag → its identity and that of its map.
        recordings: Both identities → the bag that counts for them.
    """

    def __init__(self, out: Path) -> None:
        self.out, self.shards = out, 0
        self.known: dict[str, Recording] = {}
        self.recordings: dict[Recording, str] = {}

    @classmethod
    @contextlib.contextmanager
    def open(cls, out: Path, depends: Mapping[str, Any]) -> Iterator[Manifest]:
        """Begin results in a folder, or go on with those that are there; locked meanwhile.

        Args:
            out: The folder.
            depends: All that the results depend on beside the bags, JSON values.

        Raises:
            InputError: The folder holds something else, results that depend on something else (the
                difference is named), a damaged manifest, or another process is at it.
        """
        with _locked(out):
            manifest = cls(out)
            header = plain({"format": FORMAT, "format_version": FORMAT_VERSION, **depends})
            if not (out / MANIFEST).is_file():
                with atomic_file(out / MANIFEST) as temporary:
                    temporary.write_text(_line(header), encoding="utf-8")
            else:
                manifest._load(header)
            manifest._tidy()
            yield manifest

    def seal(self, done: Sequence[tuple[Entry, int]]) -> None:
        """Take the parts of bags into a new shard and commit it.

        Args:
            done: What to say of each bag, and how often it was begun.
        """
        if not done:
            return
        done = sorted(done, key=lambda pair: pair[0].name)
        bags, first = [], dict.fromkeys(done[0][0].rows, 0)
        for entry, tries in done:
            rows = {name: [first[name], count] for name, count in entry.rows.items()}
            first = {name: first[name] + count for name, count in entry.rows.items()}
            bags.append({**dataclasses.asdict(entry), "rows": rows, "tries": tries})
        files = {table: f"{SHARDS}/{table}-{self.shards:05d}.parquet" for table in first}
        parts = [part_of_bag(self.out, entry.name) for entry, _ in done]
        for table, name in files.items():
            _join([part / f"{table}.parquet" for part in parts], self.out / name)
        for (entry, _), part in zip(done, parts, strict=True):
            if (part / DATASET).is_dir():
                (self.out / DATASETS).mkdir(exist_ok=True)
                os.replace(part / DATASET, self.out / DATASETS / entry.name)
        for folder in (self.out / SHARDS, self.out / DATASETS):
            if folder.is_dir():
                fsync_one(folder)  # the names are on disk before the line that speaks of them
        self._append({"shard": self.shards, "files": files, "bags": bags})
        self._count({"files": files, "bags": bags})
        for part in parts:
            shutil.rmtree(part, ignore_errors=True)

    def committed(self) -> Iterator[dict[str, Any]]:
        """The shards: ``files`` (table → path within the folder) and ``bags`` with their rows."""
        with (self.out / MANIFEST).open(encoding="utf-8") as stream:
            next(stream)
            for line in stream:
                yield json.loads(line)

    def _load(self, header: Mapping[str, Any]) -> None:
        path, good = self.out / MANIFEST, 0
        with path.open("rb") as stream:
            for number, line in enumerate(stream):
                if number and not line.endswith(b"\n"):
                    break  # a crash cut the last line short
                try:
                    content = json.loads(line)
                    if number:
                        self._count(content)
                except (KeyError, TypeError, ValueError) as error:
                    raise InputError(f"{path}, line {number + 1}: is damaged ({error}).") from None
                if not number:
                    self._check(content, header)
                good += len(line)
        os.truncate(path, good)

    def _check(self, found: Any, header: Mapping[str, Any]) -> None:
        if found != header:
            key = first_difference(found, header)
            raise InputError(
                f"{self.out}: holds results with another '{key}'; choose another --out, or give "
                "what they were made with to go on."
            )

    def _count(self, content: Mapping[str, Any]) -> None:
        self.shards += 1
        for name in content["files"].values():
            if not (self.out / name).is_file():
                hint = "Put it back, or choose another --out."
                raise InputError.at(self.out / name, "", "a shard", "no such file", hint)
        for bag in content["bags"]:
            recording = bag["identity"], bag["map_identity"]
            self.known[bag["name"]] = recording
            self.recordings[recording] = bag["name"]

    def _append(self, content: Mapping[str, Any]) -> None:
        with (self.out / MANIFEST).open("a", encoding="utf-8") as stream:
            stream.write(_line(plain(content)))
            stream.flush()
            os.fsync(stream.fileno())

    def drop(self, bag: str) -> None:
        """Remove the part of a bag that is not taken in."""
        shutil.rmtree(part_of_bag(self.out, bag), ignore_errors=True)

    def empty_parts(self) -> None:
        """Remove all parts: of a run that has ended, none is taken in any more."""
        for part in (self.out / PARTS).iterdir():
            shutil.rmtree(part, ignore_errors=True)

    def _tidy(self) -> None:
        """Put right what killed processes left behind.

        Half-written files and parts, parts that are in, datasets that were moved without a line
        here.
        """
        for folder in (self.out, self.out / SHARDS):
            remove_leftovers(folder)
        parts, datasets = self.out / PARTS, self.out / DATASETS
        parts.mkdir(exist_ok=True)
        for part in parts.iterdir():
            if part.name.startswith(".") or part.name in self.known:
                shutil.rmtree(part, ignore_errors=True)
        for dataset in [*datasets.iterdir()] if datasets.is_dir() else []:
            part = parts / dataset.name
            if dataset.name in self.known:
                continue
            if part.is_dir() and not (part / DATASET).exists():
                os.replace(dataset, part / DATASET)
            else:
                shutil.rmtree(dataset)


def _line(content: Any) -> str:
    return json.dumps(content, sort_keys=True, allow_nan=False) + "\n"


def _join(files: Sequence[Path], to: Path) -> None:
    """Parquet tables, one after the other, as one file that is on disk when this returns."""
    import pyarrow.parquet

    with atomic_file(to) as temporary:
        writer = None
        for file in files:
            table = pyarrow.parquet.read_table(file)
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(temporary, table.schema, compression="zstd")
            writer.write_table(table)
        assert writer is not None
        writer.close()
        fsync_one(temporary)


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """The folder, made if need be, for one process at a time."""
    if out.exists() and not out.is_dir():
        raise InputError.at(out, "", "a folder for the results", "a file")
    names = {path.name for path in out.iterdir()} if out.is_dir() else set()
    other = {name for name in names - {LOCK} if not is_leftover(name)}
    if other and MANIFEST not in names:
        raise InputError(f"{out}: holds something else; choose another --out.")
    with contextlib.ExitStack() as stack:
        try:
            out.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context((out / LOCK).open("w"))
        except OSError as error:
            raise InputError(f"{out}: cannot be written ({error.strerror}).") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"{out}: another process is at these results.") from None
        yield
