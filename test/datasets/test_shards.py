"""Shards: the same records as the COCO form, streamed in any split."""

from __future__ import annotations

import itertools
import json
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers.tiny_training import write_dataset

from dalearn_ros.core.errors import DatasetError, InputError
from dalearn_ros.datasets import shard_stream
from dalearn_ros.datasets.shard_stream import ShardStream, mixed
from dalearn_ros.datasets.shards import Record, Shards, open_training_data, write_shards
from dalearn_ros.datasets.store import SHARDS_INDEX, Dataset
from dalearn_ros.landmarks.catalogue import LabelSpace


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two datasets of 4 and 3 images, and their shards of two records, the last of one."""
    folder = tmp_path_factory.mktemp("shards")
    write_dataset(folder / "a", 4)
    write_dataset(folder / "b", 3)
    write_shards([folder / "a", folder / "b"], folder / "shards", 2, 5)
    return folder


def key(record: Record) -> str:
    return record.where.rpartition(" ")[2]


def round_of(stream: ShardStream, number: int = 0) -> list[str]:
    start = number * len(stream)
    return [key(r) for r in itertools.islice(stream.records(start), len(stream))]


def test_records_are_those_of_the_datasets(place: Path) -> None:
    shards = Shards.open(place / "shards")
    assert len(shards) == 7 and sorted(shards.records) == [1, 2, 2, 2]
    images = [(Dataset.open(place / name), i) for name, n in (("a", 4), ("b", 3)) for i in range(n)]
    records = itertools.islice(ShardStream([shards], 0, 3).records(), 7)
    found = {int(key(record)): record for record in records}
    assert sorted(found) == list(range(7))
    for number, (dataset, index) in enumerate(images):
        record = found[number]
        assert record.encoded == dataset.image_path(index).read_bytes()
        np.testing.assert_array_equal(record.image(), dataset.image(index))
        assert dict(record.meta) == dataset.meta(index)
        one, other = record.labels(), dataset.labels(index)
        for name in ("class_id", "point_px", "range_m", "map_id", "covariance_px2", "ignore"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_array_equal(one.outlines_px[0], other.outlines_px[0])


def test_a_shard_is_a_webdataset(place: Path) -> None:
    """Members of a record stand together, share their key, and any tar reader reads them."""
    names = []
    for file in Shards.open(place / "shards").files:
        with tarfile.open(place / "shards" / file) as archive:
            names += archive.getnames()
            content = json.loads(archive.extractfile(names[-1]).read())  # type: ignore[union-attr]
            assert content.keys() == {"meta", "annotations"}
    pairs = list(zip(names[::2], names[1::2], strict=True))
    assert all(a.endswith(".jpg") and b == a[:-4] + ".json" for a, b in pairs)
    assert len(pairs) == 7


def test_the_seed_says_what_comes_where(place: Path, tmp_path: Path) -> None:
    data = [place / "a", place / "b"]
    write_shards(data, tmp_path / "same", 2, 5)
    write_shards(data, tmp_path / "other", 2, 6)
    for file in Shards.open(place / "shards").files:
        assert (tmp_path / "same" / file).read_bytes() == (place / "shards" / file).read_bytes()
    assert any(
        (tmp_path / "other" / file).read_bytes() != (place / "shards" / file).read_bytes()
        for file in Shards.open(place / "shards").files
    )


@pytest.mark.parametrize("readers", [1, 2, 3, 7])
def test_readers_share_a_round(place: Path, readers: int) -> None:
    shards = Shards.open(place / "shards")
    streams = [ShardStream([shards], 1, 2, i, readers) for i in range(readers)]
    for number in range(3):
        seen = [name for stream in streams for name in round_of(stream, number)]
        assert Counter(seen) == Counter(f"{i:09d}" for i in range(7))  # disjoint, and all
    rounds = [tuple(round_of(ShardStream([shards], 1, 2), n)) for n in range(4)]
    assert len(set(rounds)) > 1


def test_a_stream_goes_on_anywhere(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = ShardStream([Shards.open(place / "shards")], 4, 3, 1, 2)
    whole = [key(record) for record in itertools.islice(stream.records(), 12)]
    monkeypatch.setattr(shard_stream, "_AT_ONCE", 2)
    for start in range(12):
        rest = [key(record) for record in itertools.islice(stream.records(start), 12 - start)]
        assert rest == whole[start:]


def test_the_round_is_known_before_the_first_record(place: Path) -> None:
    stream = ShardStream([Shards.open(place / "shards")], 0, 3)
    records = stream.records(3 * len(stream) + 2)
    assert stream.round == 3
    next(records)
    assert stream.round == 3


def test_the_buffer_mixes_as_far_as_it_reaches() -> None:
    order = list(mixed(1000, 50, np.random.default_rng(0)))
    assert sorted(order) == list(range(1000))
    early = np.array(order) - np.arange(1000)
    assert early.max() < 50
    assert np.abs(early).mean() > 10
    assert list(mixed(5, 1, np.random.default_rng(0))) == [0, 1, 2, 3, 4]


def test_a_damaged_shard_loses_its_own_records_only(place: Path, tmp_path: Path) -> None:
    shards = write_shards([place / "a", place / "b"], tmp_path / "s", 3, 0)
    path = shards.path / shards.files[1]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    stream = ShardStream([shards], 0, 2)
    good = bad = 0
    for record in itertools.takewhile(lambda _: stream.round == 0, stream.records()):
        try:
            record.image()
            good += 1
        except DatasetError as error:
            assert shards.files[1] in str(error)
            bad += 1
    assert bad == 1 and 4 <= good <= 6


def test_what_cannot_be_opened(place: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="only `dalearn train --data` reads"):
        Dataset.open(place / "shards")
    with pytest.raises(DatasetError, match="all of --data as shards or none"):
        open_training_data([place / "a", place / "shards"])
    with pytest.raises(DatasetError, match="at least 8 records, one for each process"):
        ShardStream([Shards.open(place / "shards")], 0, 2, 0, 8)
    shards = write_shards([place / "a"], tmp_path / "s", 2, 0)
    (shards.path / shards.files[0]).unlink()
    with pytest.raises(DatasetError, match=r"shard-00000.tar: expected a shard, found no such"):
        Shards.open(shards.path)
    index = shards.path / SHARDS_INDEX
    index.write_text(index.read_text().replace('"version": 1', '"version": 9'))
    with pytest.raises(DatasetError, match="dalearn shards, version 1, found .*version 9"):
        Shards.open(shards.path)


def test_what_cannot_be_written(place: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        write_shards([place / "a"], place / "shards", 2, 0)
    space = LabelSpace(("background", "tree"), ("", "center"), (0.0, 1.0), (0.0, 80.0))
    other = write_dataset(tmp_path / "other", 1, space)
    with pytest.raises(DatasetError, match="expected the classes of .*, found tree"):
        write_shards([place / "a", other], tmp_path / "out", 2, 0)
    with pytest.raises(DatasetError, match="expected a dataset, found no such folder"):
        write_shards([tmp_path / "gone"], tmp_path / "out", 2, 0)
    assert not (tmp_path / "out").exists()
