"""A dataset as WebDataset shards: tar files of images as they are, each with its labels as JSON.

``shards.json`` is the index: classes, and the records of each ``shard-00000.tar``. A record is two
members with one key: ``000000042.jpg`` (or ``.png``) and ``000000042.json`` with ``meta`` (size,
camera, place, ...) and ``annotations``, both as in the COCO form.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dalearn_ros.bags.images import ImageFault, decode_compressed
from dalearn_ros.core.errors import DatasetError, SettingsError
from dalearn_ros.core.files import atomic_directory, write_json
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.coco import known_labels
from dalearn_ros.datasets.store import SHARDS_INDEX, Dataset, Image, read_json
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels

FORMAT, FORMAT_VERSION = "dalearn shards", 1


@dataclass(frozen=True)
class Record:
    """A labelled image out of a shard.

    Attributes:
        where: Shard and key, for people.
        encoded: The image's file.
        meta: What is known about it, as :meth:`Dataset.meta` gives it.
        rows: COCO annotations.
        label_space: Their classes.
    """

    where: str
    encoded: bytes
    meta: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    label_space: LabelSpace

    def image(self) -> Image:
        """(H, W, 3) uint8 BGR.

        Raises:
            DatasetError: It cannot be decoded.
        """
        try:
            return decode_compressed(self.encoded)
        except ImageFault as error:
            found = f"a file that cannot be decoded ({error})"
            raise DatasetError.at(self.where, "", "an image", found) from None

    def labels(self) -> Labels:
        """The labels.

        Raises:
            DatasetError: An annotation lacks what it must have, or its class is not one of them.
        """
        try:
            return known_labels(self.rows, self.label_space)
        except (KeyError, TypeError, ValueError) as error:
            found = f"{type(error).__name__}: {error}"
            raise DatasetError.at(self.where, "annotations", "labels", found) from None


@dataclass(frozen=True)
class Shards:
    """A sharded dataset opened for reading; its records stay on disk.

    Attributes:
        path: Its folder.
        label_space: Its classes.
        files: Tar files in order.
        records: How many records each has.
    """

    path: Path
    label_space: LabelSpace
    files: tuple[str, ...]
    records: tuple[int, ...]

    @classmethod
    def open(cls, path: Path | str) -> Shards:
        """Open a sharded dataset.

        Raises:
            DatasetError: No index there, damaged, of another version, or a shard is missing.
        """
        index = Path(path) / SHARDS_INDEX
        content = read_json(index)
        if content.get("version") != FORMAT_VERSION or content.get("format") != FORMAT:
            found = f"{content.get('format')!r}, version {content.get('version')!r}"
            raise DatasetError.at(index, "", f"{FORMAT}, version {FORMAT_VERSION}", found)
        try:
            space = LabelSpace.from_dict(content["label_space"], str(index))
            files = tuple(str(shard["file"]) for shard in content["shards"])
            records = tuple(int(shard["records"]) for shard in content["shards"])
        except (KeyError, TypeError, ValueError, SettingsError) as error:
            found = f"{type(error).__name__}: {error}"
            raise DatasetError.at(index, "", "label_space and shards", found) from None
        for name in files:
            if not (index.parent / name).is_file():
                raise DatasetError.at(index.parent / name, "", "a shard", "no such file")
        return cls(index.parent, space, files, records)

    def __len__(self) -> int:
        return sum(self.records)

    def read(self, number: int, chosen: Collection[int]) -> Iterator[tuple[int, Record]]:
        """Records of one shard in order, each with its place in it; others are passed over unread.

        Args:
            number: Of the shard.
            chosen: Places.

        Raises:
            DatasetError: The shard is damaged.
        """
        path, place = self.path / self.files[number], -1
        try:
            with tarfile.open(path, "r:") as archive:
                encoded = b""
                while (member := archive.next()) is not None:
                    archive.members = []  # type: ignore[attr-defined]  # else they pile up
                    if not member.name.endswith(".json"):
                        place += 1
                        encoded = _content(archive, member) if place in chosen else b""
                    elif place in chosen:
                        content = json.loads(_content(archive, member))
                        where = f"{path}, {member.name.removesuffix('.json')}"
                        parts = content["meta"], content["annotations"], self.label_space
                        yield place, Record(where, encoded, *parts)
        except (OSError, tarfile.TarError, ValueError, KeyError) as error:
            found = f"a damaged one ({type(error).__name__}: {error})"
            raise DatasetError.at(path, f"record {place}", "a shard", found) from None
        if place + 1 != self.records[number]:
            expected = f"{self.records[number]} records"
            raise DatasetError.at(path, "", expected, str(place + 1))


def open_training_data(paths: Sequence[Path]) -> list[Dataset] | list[Shards]:
    """Datasets to learn from, all in COCO form or all as shards.

    Raises:
        DatasetError: One cannot be opened, or both forms are there.
    """
    sharded = [(path / SHARDS_INDEX).is_file() for path in paths]
    if all(sharded):
        return [Shards.open(path) for path in paths]
    if any(sharded):
        expected = "all of --data as shards or none"
        raise DatasetError.at(paths[sharded.index(True)], "", expected, "shards beside others")
    return [Dataset.open(path) for path in paths]


def write_shards(data: Sequence[Path], out: Path, per_shard: int, seed: int) -> Shards:
    """Write datasets in COCO form as shards; the records of all are mixed at random.

    One dataset is in memory at a time.

    Args:
        data: Folders of datasets with the same classes.
        out: The new folder.
        per_shard: About how many records a shard gets.
        seed: Which record comes into which shard.

    Raises:
        DatasetError: No dataset there, the classes differ, an image is missing, or there is none.
        InputError: ``out`` exists, or the disk is full.
    """
    first = Dataset.open(data[0])
    sizes, sources = zip(*((len(d), d.source) for d in map(Dataset.open, data)), strict=True)
    total = sum(sizes)
    if not total:
        raise DatasetError("--data: there is no image to write.")
    count = -(-total // per_shard)
    dealt = iter((generator(seed, "shards").permutation(total) % count).tolist())
    with atomic_directory(out) as folder:
        writer = ShardWriter(folder, count)
        for path in data:
            dataset = Dataset.open(path)
            if dataset.label_space.digest != first.label_space.digest:
                found = ", ".join(dataset.label_space.names[1:])
                raise DatasetError.at(path, "dataset.json", f"the classes of {data[0]}", found)
            for index in range(len(dataset)):
                writer.add(next(dealt), *_record(dataset, index))
        told = [{"path": str(p), "source": s} for p, s in zip(data, sources, strict=True)]
        writer.finish(first.label_space, {"datasets": told, "seed": seed})
    return Shards.open(out)


class ShardWriter:
    """Appends records to shards, in any order.

    Args:
        folder: Where they go; it is there and empty.
        count: How many shards.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self._records, self._total = folder, [0] * count, 0

    def add(
        self,
        shard: int,
        suffix: str,
        encoded: bytes,
        meta: Mapping[str, Any],
        rows: Sequence[Mapping[str, Any]],
    ) -> None:
        """Append one record.

        Args:
            shard: Number of the shard.
            suffix: Of the image's file, such as ``.jpg``.
            encoded: That file.
            meta: What is known about it, JSON values.
            rows: COCO annotations.
        """
        key = f"{self._total:09d}"
        content = {"meta": meta, "annotations": rows}
        text = json.dumps(content, sort_keys=True, allow_nan=False).encode()
        with (self.folder / _name(shard)).open("ab") as stream:
            for name, data in ((key + suffix, encoded), (f"{key}.json", text)):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                padding = bytes(-len(data) % tarfile.BLOCKSIZE)
                stream.write(info.tobuf(tarfile.USTAR_FORMAT) + data + padding)
        self._records[shard] += 1
        self._total += 1

    def finish(self, label_space: LabelSpace, told: Mapping[str, Any]) -> None:
        """Close the tar files and write the index.

        Args:
            label_space: The classes.
            told: What else the index says.
        """
        for number in range(len(self._records)):
            with (self.folder / _name(number)).open("ab") as stream:
                stream.write(bytes(2 * tarfile.BLOCKSIZE))  # the end of a tar file
        listed = [{"file": _name(i), "records": count} for i, count in enumerate(self._records)]
        content = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "label_space": label_space.to_dict(),
            "records": self._total,
            **told,
            "shards": listed,
        }
        write_json(self.folder / SHARDS_INDEX, content)


def _name(number: int) -> str:
    return f"shard-{number:05d}.tar"


def _record(
    dataset: Dataset, index: int
) -> tuple[str, bytes, dict[str, Any], list[dict[str, Any]]]:
    """What :meth:`ShardWriter.add` takes of an image of a dataset."""
    image = dataset.image_path(index)
    try:
        encoded = image.read_bytes()
    except OSError as error:
        raise DatasetError.at(image, "", "an image", error.strerror or "none") from None
    return image.suffix, encoded, dataset.meta(index), dataset.rows(index)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    if stream is None:
        raise ValueError(f"{member.name} is no file")
    found = stream.read()
    if len(found) != member.size:
        raise ValueError(f"{member.name} is cut short")
    return found
