"""Opening, making and closing the file of the parameter store."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from dalearn_ros.core.closing import Closing
from dalearn_ros.hard_examples.light_table import LightTable
from dalearn_ros.hard_examples.spaces import ColourSpace, colour_space
from dalearn_ros.hard_examples.store_schema import SPREADS, StoreError, connect, create

Store = TypeVar("Store", bound="StoreFile")


class StoreFile(Closing):
    """The file of a store: opened, made, closed. A context manager.

    Attributes:
        path: Its file.
        space: The colour space of its distributions.
        spread: ``deviation`` or ``variance``: what the file holds. In and out go deviations.
        table: Its light change table.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, meta: Mapping[str, Any]) -> None:
        self.path, self.db = path, db
        self.space: ColourSpace = colour_space(str(meta["space"]))
        self.spread = str(meta["spread"])
        self.table = LightTable.from_dict(meta["table"], str(path))

    @classmethod
    def create(
        cls: type[Store],
        path: Path,
        space: str = "lab",
        spread: str = SPREADS[0],
        table: LightTable | None = None,
    ) -> Store:
        """A new, empty store.

        Raises:
            StoreError: The file exists, or cannot be written.
            SettingsError: No such colour space.
        """
        colour_space(space)
        if spread not in SPREADS:
            raise StoreError.at(path, "spread", " or ".join(SPREADS), repr(spread))
        meta = {"space": space, "spread": spread, "table": (table or LightTable()).to_dict()}
        return cls(path, create(path, meta), meta)

    @classmethod
    def open(cls: type[Store], path: Path | str, write: bool = False) -> Store:
        """An existing store, to read only unless ``write``.

        Raises:
            StoreError: No such file, no store, damaged, or of another version.
        """
        db, meta = connect(Path(path), write)
        return cls(Path(path), db, meta)

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def __len__(self) -> int:
        """Number of parameters."""
        return int(self.db.execute("SELECT COUNT(*) FROM parameters").fetchone()[0])
