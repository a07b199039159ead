"""The records of shards as an endless stream: mixed, shared between readers, in little memory.

A round brings every record once. Its order is that of the shards at random; each reader takes an
equal part of that sequence, reads it from its beginning to its end, and draws from a buffer of the
records that come next. Which record comes when follows from the seed and the sizes of the shards
alone, so that a reader can begin anywhere, without reading what came before.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.randomness import generator
from dalearn_ros.core.shares import part_of
from dalearn_ros.datasets.shards import Record, Shards

_AT_ONCE = 1 << 16  # records that are passed over at once when a round goes on in its middle


class ShardStream:
    """The stream of one of several readers.

    Args:
        data: Sharded datasets, taken together.
        seed: Of all orders.
        buffer: How many records are drawn from. They are the memory that the stream takes, but for
            a byte for each record of its part of a round.
        reader: Number of this reader.
        readers: How many there are; their parts of a round have no record in common.

    Attributes:
        round: Number of the round that the last record was of; before the first one, that it will
            be of.

    Raises:
        DatasetError: There are fewer records than readers.
    """

    def __init__(
        self, data: Sequence[Shards], seed: int, buffer: int, reader: int = 0, readers: int = 1
    ) -> None:
        self.data, self.seed, self.buffer = data, seed, buffer
        self.reader, self.readers, self.round = reader, readers, 0
        self._shards = [(one, i) for one in data for i in range(len(one.files))]
        self._sizes = np.array([size for one in data for size in one.records], np.int64)
        self._part = part_of(int(self._sizes.sum()), reader, readers)
        if not len(self._part):
            expected = f"at least {readers} records, one for each process that reads"
            raise DatasetError.at(data[0].path, "", expected, str(int(self._sizes.sum())))

    def __len__(self) -> int:
        """Records of this reader in a round."""
        return len(self._part)

    def records(self, start: int = 0) -> Iterator[Record]:
        """The stream from its ``start``-th record on; it has no end.

        In place of all that a damaged shard does not give in a round, one record comes whose image
        cannot be decoded.
        """
        self.round, passed = divmod(start, len(self))
        return self._rounds(self.round, passed)

    def _rounds(self, number: int, passed: int) -> Iterator[Record]:
        while True:
            self.round = number
            yield from self._round(number, passed)
            number, passed = number + 1, 0

    def _round(self, number: int, passed: int) -> Iterator[Record]:
        names = "mix", number, self.reader, self.readers
        order = mixed(len(self), self.buffer, generator(self.seed, *names))
        gone = np.zeros(len(self), bool)
        while passed:
            places = itertools.islice(order, min(passed, _AT_ONCE))
            chunk = np.fromiter(places, np.int64, min(passed, _AT_ONCE))
            gone[chunk] = True
            passed -= len(chunk)
        waiting: dict[int, Record | None] = {}
        source = self._sequence(number, gone)
        for place in order:
            while place not in waiting:
                came, record = next(source)
                waiting[came] = record
            record = waiting.pop(place)
            if record is not None:
                yield record

    def _sequence(
        self, number: int, gone: npt.NDArray[np.bool_]
    ) -> Iterator[tuple[int, Record | None]]:
        """This reader's part of a round as it lies on disk, each record with its place in it."""
        order = generator(self.seed, "shards", number).permutation(len(self._shards))
        first = -self._part.start  # place of a shard's first record in this reader's part
        for shard in order:
            size = int(self._sizes[shard])
            mine = range(max(0, -first), min(size, len(self) - first))
            chosen = {i for i in mine if not gone[first + i]}
            if chosen:
                dataset, index = self._shards[shard]
                for place, record in _as_far_as_whole(dataset, index, chosen):
                    yield first + place, record
            first += size


def _as_far_as_whole(
    dataset: Shards, number: int, chosen: set[int]
) -> Iterator[tuple[int, Record | None]]:
    """Records of a shard; for all that a damaged one does not give, one that cannot be decoded."""
    missing = set(chosen)
    try:
        for place, record in dataset.read(number, chosen):
            missing.discard(place)
            yield place, record
    except DatasetError as error:
        logging.getLogger(__name__).warning("%s", error)
    path = dataset.path / dataset.files[number]
    for i, place in enumerate(sorted(missing)):
        yield place, None if i else Record(f"{path}", b"", {}, (), dataset.label_space)


def mixed(count: int, buffer: int, random: np.random.Generator) -> Iterator[int]:
    """0 to count-1 in the order in which a buffer that is filled in order gives them at random."""
    held = list(range(min(buffer, count)))
    coming = len(held)
    while held:
        drawn = int(random.integers(len(held)))
        yield held[drawn]
        if coming < count:
            held[drawn] = coming
            coming += 1
        else:
            held[drawn] = held[-1]
            held.pop()
