"""Batches of crops out of shards, in the order in which they are read."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence

import torch

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.shard_stream import ShardStream
from dalearn_ros.datasets.shards import Record, Shards
from dalearn_ros.detector.samples import Image, check_label_spaces, collated, make_crop
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.detector.targets import Targets
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.training.loading import Batch
from dalearn_ros.training.peers import ALONE, Peers


class StreamBatches(torch.utils.data.IterableDataset[Batch]):
    """Batches as :class:`detector.samples.CropBatches` makes them, one after the other.

    Each process and each of its workers reads its own part of the records. So a batch depends on
    how many there are, other than one of a dataset in COCO form; with the same number a run that is
    continued goes on exactly, unless records could not be read.
    """

    def __init__(
        self,
        data: Sequence[Shards],
        settings: TrainSettings,
        seed: int,
        peers: Peers = ALONE,
    ) -> None:
        """Prepare.

        Args:
            data: Sharded datasets of one label space.
            settings: Crops, colours, targets, batch.
            seed: Seed of all draws.
            peers: The processes that share each batch; this one makes its part.

        Raises:
            DatasetError: The label spaces differ, or there are fewer records than readers.
        """
        check_label_spaces(data)
        self.data, self.settings, self.seed = data, settings, seed
        self.peers, self.steps = peers, range(0)
        self.mine = peers.share(settings.batch.size)
        self._stream(0, max(1, settings.batch.workers))  # so that an error comes here

    def between(self, start: int, stop: int) -> StreamBatches:
        """The same batches, of which those of the steps start..stop-1 come."""
        found = copy.copy(self)
        found.steps = range(start, stop)
        return found

    def __iter__(self) -> Iterator[Batch]:
        """The batches, or in a worker process every so many-th of them."""
        worker = torch.utils.data.get_worker_info()
        number, count = (0, 1) if worker is None else (worker.id, worker.num_workers)
        first = self.steps.start + number
        per_step = -(-len(self.mine) // self.settings.batch.crops_per_image)
        stream = self._stream(first % count, count)
        records = stream.records(first // count * per_step)
        for step in range(first, self.steps.stop, count):
            yield self._batch(step, stream, records)

    def _stream(self, worker: int, workers: int) -> ShardStream:
        reader, readers = self.peers.rank * workers + worker, self.peers.count * workers
        return ShardStream(self.data, self.seed, self.settings.batch.shuffle, reader, readers)

    def _batch(self, step: int, stream: ShardStream, records: Iterator[Record]) -> Batch:
        images: list[Image] = []
        targets: list[Targets] = []
        names: list[str] = []
        skipped: list[str] = []
        space = self.data[0].label_space
        for number, crop in enumerate(self.mine):
            if number % self.settings.batch.crops_per_image == 0:
                image, labels, where = _readable(stream, records, skipped)
                names.append(where)
            random = generator(self.seed, "crop", step, crop)
            pixels, target, _, _ = make_crop(image, labels, self.settings, space, random)
            images.append(pixels)
            targets.append(target)
        return collated(images, targets, names, skipped)


def _readable(
    stream: ShardStream, records: Iterator[Record], skipped: list[str]
) -> tuple[Image, Labels, str]:
    """The next record that can be read, of this round or the whole next one."""
    begun = stream.round
    for record in records:
        if stream.round > begun + 1:
            break
        try:
            return record.image(), record.labels(), record.where
        except DatasetError as error:
            logging.getLogger(__name__).warning("skipped: %s", error)
            skipped.append(record.where)
    where = skipped[-1] if skipped else stream.data[0].path
    raise DatasetError(f"{where}: no record of a whole round can be read.")
