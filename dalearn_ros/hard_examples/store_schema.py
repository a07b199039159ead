"""The file of the parameter store: its tables and version, and what is said of other files."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import InputError

FORMAT = "dalearn conditions"
VERSION = 1
SPREADS = ("deviation", "variance")
_JOURNALS = ("-journal", "-wal", "-shm")
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE targets (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    time TEXT NOT NULL,
    weather TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    index_png BLOB,
    index_names TEXT,
    thumbnail BLOB,
    UNIQUE (digest, time, weather)
);
CREATE TABLE parameters (
    id INTEGER PRIMARY KEY,
    target INTEGER REFERENCES targets (id),
    parent INTEGER REFERENCES parameters (id),
    time TEXT NOT NULL,
    weather TEXT NOT NULL,
    area TEXT NOT NULL,
    pixels INTEGER NOT NULL,
    mean_0 REAL NOT NULL, spread_0 REAL NOT NULL,
    mean_1 REAL NOT NULL, spread_1 REAL NOT NULL,
    mean_2 REAL NOT NULL, spread_2 REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    accuracy REAL,
    model TEXT NOT NULL DEFAULT ''
);
CREATE INDEX parameters_by_area ON parameters (area);
CREATE INDEX parameters_by_target ON parameters (target);
"""


class StoreError(InputError):
    """A parameter store cannot be read or used."""


def create(path: Path, meta: Mapping[str, Any]) -> sqlite3.Connection:
    """A new store file without targets.

    Args:
        path: It must not exist.
        meta: What is kept beside format and version; values become JSON.

    Raises:
        StoreError: It exists, or the folder cannot be written.
    """
    if path.exists():
        raise StoreError(f"{path}: exists already; choose another name or remove it first.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA page_size = 1024")  # thumbnails of 2 kB would waste half of larger ones
        db.execute("PRAGMA journal_mode = MEMORY")
        with transaction(db):
            for statement in _TABLES.split(";\n"):
                if statement.strip():
                    db.execute(statement)
            rows = {"format": FORMAT, "version": VERSION, **meta}
            for key, value in rows.items():
                db.execute("INSERT INTO meta VALUES (?, ?)", (key, json.dumps(value)))
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: cannot be written ({error}).") from None
    return _prepared(db)


def connect(path: Path, write: bool) -> tuple[sqlite3.Connection, dict[str, Any]]:
    """Open a store file; what ``meta`` holds comes with it.

    Raises:
        StoreError: No such file, no store, damaged, or of another version.
    """
    if not path.is_file():
        hint = "Make one with `dalearn conditions collect`."
        raise StoreError.at(path, "", "a store of conditions", "no such file", hint)
    address = f"{path.resolve().as_uri()}?mode={'rw' if write else 'ro'}"
    try:
        db = sqlite3.connect(address, uri=True, isolation_level=None)
        rows = dict(db.execute("SELECT key, value FROM meta").fetchall())
        meta = {key: json.loads(value) for key, value in rows.items()}
    except (sqlite3.Error, ValueError) as error:
        found = f"another or a damaged file ({error})"
        raise StoreError.at(path, "", "a store of conditions", found) from None
    if meta.get("format") != FORMAT:
        found = f"a database of format {meta.get('format')!r}"
        raise StoreError.at(path, "", "a store of conditions", found)
    if meta.get("version") != VERSION:
        hint = "Collect it anew with this version of dalearn_ros."
        raise StoreError.at(path, "version", f"{VERSION}", repr(meta.get("version")), hint)
    if meta.get("spread") not in SPREADS:
        expected = " or ".join(SPREADS)
        raise StoreError.at(path, "key 'spread'", expected, repr(meta.get("spread")))
    return _prepared(db), meta


def copy_store(path: Path, to: Path) -> None:
    """Copy a store file, over one that a killed process may have left in the midst of a change.

    The journal of that change goes first: SQLite would play it into the copy.
    """
    for ending in _JOURNALS:
        to.with_name(to.name + ending).unlink(missing_ok=True)
    shutil.copyfile(path, to)


def _prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA synchronous = OFF")  # a killed process loses nothing, a dead machine may
    return db


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing.

    Raises:
        StoreError: The file cannot be written: opened to read only, no room, in use.
    """
    db.execute("BEGIN")
    try:
        yield
    except BaseException as error:
        if db.in_transaction:  # a full disk has ended it already
            db.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError):
            raise StoreError(f"{_file_of(db)}: cannot be written ({error}).") from None
        raise
    db.execute("COMMIT")


def _file_of(db: sqlite3.Connection) -> str:
    return str(db.execute("PRAGMA database_list").fetchone()[2])
