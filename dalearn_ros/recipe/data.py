"""What the keys of the stages say of drives and datasets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.identity import identity_of_map
from dalearn_ros.datasets.shards import Shards
from dalearn_ros.datasets.store import SHARDS_INDEX, Dataset
from dalearn_ros.recipe.inputs import Inputs
from dalearn_ros.recipe.plan import settings_parts
from dalearn_ros.recipe.settings import (
    LEARNING,
    READ_OF_DRIVES,
    DriveSettings,
    RecipeSettings,
    datasets_of,
    drives_of,
    stage_of,
)

ALL = "shards"  # nothing here needs a dataset that is not in shards


class Data:
    """Looks at drives and datasets.

    Args:
        settings: Of the recipe.
        identity: Gives the identities of files and folders.
    """

    def __init__(self, settings: RecipeSettings, identity: Inputs) -> None:
        self.settings, self.identity = settings, identity
        self._check = cache(check_dataset)

    def drive(self, drive: DriveSettings) -> dict[str, str]:
        """Identities of a drive, and those of its values that are read for its use."""
        assert drive.bag is not None
        found = {"bag": self.identity(drive.bag)}
        if drive.map is not None and drive.use != "target":
            found["map"] = self.identity(drive.map, identity_of_map)
        read = READ_OF_DRIVES[drive.use]
        values = settings_parts(drive)
        return {**found, **{k: v for k, v in values.items() if k.partition(".")[2] in read}}

    def dataset(self, path: Path, reader: str) -> str:
        """Identity of a dataset that can be opened.

        Args:
            path: Its folder.
            reader: As in :func:`check_dataset`; empty: it is a folder of images.
        """
        found = self.identity(path)
        if reader:
            self._check(path, reader)
        return found

    def reader_of(self, use: str) -> str:
        """The stage that wants no shards for this use; only ``train`` reads them."""
        if use != "train":
            return f"'use: {use}'"
        later = [name for name in LEARNING[1:] if stage_of(self.settings, name)]
        export = stage_of(self.settings, "export")
        if export is not None and export.precision != "fp32":
            later.append("export")
        if drives_of(self.settings, ["train"]):
            later.append("label")
        return f"'{later[0]}'" if later else ALL

    def beside(self, folder: str) -> dict[str, str]:
        """Identity of what lies beside the labels of datasets that are there already."""
        uses = ("train", "val")
        paths = {k: p / folder for use in uses for k, p in datasets_of(self.settings, use).items()}
        there = {name: path for name, path in paths.items() if path.is_dir()}
        return {f"{folder} {name}": self.identity(path) for name, path in there.items()}


def check_dataset(path: Path, reader: str) -> None:
    """See that a dataset can be read before hours are spent on what comes before it.

    Args:
        path: Its folder.
        reader: What cannot read shards, for people; :data:`ALL`: everything here can.

    Raises:
        DatasetError: It cannot be opened, or is in shards.
    """
    if not (path / SHARDS_INDEX).is_file():
        Dataset.open(path)
    elif reader == ALL:
        Shards.open(path)
    else:
        hint = "Shards are read where 'train' is the only stage that learns, of nothing else."
        expected = f"a dataset that is not in shards, for {reader}"
        raise DatasetError.at(path, "", expected, "shards", hint)
