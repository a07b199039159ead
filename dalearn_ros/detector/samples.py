"""Batches of crops with their targets; the same seed and step always give the same batch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.randomness import generator
from dalearn_ros.core.rounds import Rounds
from dalearn_ros.core.shares import part_of
from dalearn_ros.datasets.shards import Shards
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.detector.targets import Targets, make_targets
from dalearn_ros.inference.preprocess import as_channels
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.training.image_cache import ImageCache, free_bytes
from dalearn_ros.training.loading import Batch, to_device
from dalearn_ros.training.mirror import mirror_references
from dalearn_ros.training.peers import ALONE, Peers
from dalearn_ros.training.transforms import change_colours, choose_crop, cut, mirror

Image = npt.NDArray[np.uint8]
_TRIES = 10


class CropBatches(torch.utils.data.Dataset[Batch]):
    """Batch number to batch."""

    def __init__(
        self,
        data: Sequence[Dataset],
        settings: TrainSettings,
        seed: int,
        peers: Peers = ALONE,
        repeats: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Draw from datasets; every image once per round, in a random order.

        Args:
            data: Datasets of one label space.
            settings: Crops, colours, targets, batch.
            seed: Seed of all draws.
            peers: The processes that share each batch; this one makes its part.
            repeats: How often each image of all datasets, one after the other, is drawn in a
                round; 0: never. None: once.

        Raises:
            DatasetError: There is no image, or the label spaces differ.
        """
        check_label_spaces(data)
        self.data, self.settings, self.seed = data, settings, seed
        self.mine = peers.share(settings.batch.size)
        self._frames = [(d, i) for d in range(len(data)) for i in range(len(data[d]))]
        if not self._frames:
            raise DatasetError("--data: there is no image to train on.")
        draws = np.repeat(np.arange(len(self._frames)), 1 if repeats is None else repeats)
        if not len(draws):
            raise DatasetError("--data: every image is left out of training.")
        self._order = Rounds(draws, seed, "order")
        self._cache = ImageCache([self._bytes(*f) for f in self._frames], self._limit(peers))

    def __getitem__(self, step: int) -> Batch:
        """This process's part of the batch of a step.

        Every crop has a stream of random numbers of its own, so that a batch is the same however
        many processes share it.

        Returns:
            ``image`` (B, H, W, C) uint8; ``class_id`` (B, h, w), ``point_px`` (B, h, w, 2) and
            ``log_range`` (B, h, w) as in :class:`Targets`; ``names``: the images; ``skipped``:
            those that could not be read; and what :meth:`along` gives, (B, ...).
        """
        per_image = self.settings.batch.crops_per_image
        per_step = -(-self.settings.batch.size // per_image)
        images: list[Image] = []
        targets: list[Targets] = []
        more: list[dict[str, npt.NDArray[Any]]] = []
        names: list[str] = []
        skipped: list[str] = []
        for place in range(self.mine.start // per_image, -(-self.mine.stop // per_image)):
            image, labels, frame = self._frame(step * per_step + place, skipped)
            names.append(self._name(frame))
            first = place * per_image
            for crop in range(first, first + per_image):
                if crop in self.mine:
                    random = generator(self.seed, "crop", step, crop)
                    space = self.data[0].label_space
                    pixels, target, moved, mapping = make_crop(
                        image, labels, self.settings, space, random
                    )
                    images.append(pixels)
                    targets.append(target)
                    more.append(self.along(frame, mapping, moved))
        return collated(images, targets, names, skipped, more)

    def along(self, frame: int, mapping: PixelMap, labels: Labels) -> dict[str, npt.NDArray[Any]]:
        """More arrays that go with a crop; nothing, unless a subclass has some.

        Args:
            frame: Number of the image among those of all datasets, one after the other.
            mapping: From the image's pixels to the crop's.
            labels: What of it the crop shows, in the crop's pixels.
        """
        return {}

    def _name(self, frame: int) -> str:
        which, index = self._frames[frame]
        return f"{self.data[which].path}, image {index}"

    def _frame(self, number: int, skipped: list[str]) -> tuple[Image, Labels, int]:
        for attempt in range(_TRIES):
            frame = self._order[number + attempt]
            which, index = self._frames[frame]
            dataset = self.data[which]
            try:
                image = self._cache.get(frame)
                if image is None:
                    image = dataset.image(index)
                    self._cache.put(frame, image)
                return image, dataset.labels(index), frame
            except DatasetError as error:
                logging.getLogger(__name__).warning("skipped: %s", error)
                skipped.append(self._name(frame))
        raise DatasetError(f"{skipped[-1]}: {_TRIES} images in a row cannot be read.")

    def _bytes(self, which: int, index: int) -> int:
        meta = self.data[which].meta(index)
        try:
            return max(0, int(meta["width"]) * int(meta["height"]) * 3)
        except (KeyError, TypeError, ValueError):
            return 0

    def _limit(self, peers: Peers) -> int:
        wanted = self.settings.batch.cache_mb
        total = free_bytes() // 4 if wanted is None else wanted * 1_000_000
        return total // peers.local_count


def make_crop(
    image: Image,
    labels: Labels,
    settings: TrainSettings,
    space: LabelSpace,
    random: np.random.Generator,
) -> tuple[Image, Targets, Labels, PixelMap]:
    """A crop of an image at random, with its targets.

    Args:
        image: (H, W, 3) uint8 BGR.
        labels: What is in it.
        settings: Crops, colours, targets.
        space: The classes.
        random: Draws.

    Returns:
        The crop (H', W', C) uint8, its targets, the labels in its pixels, and the way from the
        image's pixels to the crop's.
    """
    size = (image.shape[1], image.shape[0])
    mirrored = random.random() < settings.crops.mirror
    if mirrored:
        labels = mirror_references(labels, size, space)
    mapping = choose_crop(labels, size, settings.crops, random)
    crop, moved = cut(image, labels, mapping, settings.crops)
    if mirrored:
        crop, moved = mirror(crop, moved)
        mapping = PixelMap.mirror(settings.crops.width) @ mapping
    crop = as_channels(change_colours(crop, settings.colours, random), settings.input.channels)
    shape = (settings.crops.width, settings.crops.height)
    return crop, make_targets(moved, shape, settings.grid, settings.targets), moved, mapping


def collated(
    images: Sequence[Image],
    targets: Sequence[Targets],
    names: Sequence[str],
    skipped: Sequence[str],
    more: Sequence[dict[str, npt.NDArray[Any]]] = ({},),
) -> Batch:
    """Crops as one batch; see :meth:`CropBatches.__getitem__`."""
    return {
        "image": torch.from_numpy(np.stack(images)),
        "class_id": torch.from_numpy(np.stack([t.class_id for t in targets])),
        "point_px": torch.from_numpy(np.stack([t.point_px for t in targets])),
        "log_range": torch.from_numpy(np.stack([t.log_range for t in targets])),
        "names": list(names),
        "skipped": list(skipped),
        **{key: torch.from_numpy(np.stack([one[key] for one in more])) for key in more[0]},
    }


def split_batch(
    batch: Batch, count: int, whole: int, device: torch.device
) -> list[tuple[Batch, float]]:
    """A batch in nearly equal parts on a device.

    Args:
        batch: As :class:`CropBatches` makes it.
        count: How many parts; fewer if it has fewer crops.
        whole: Crops of the step's whole batch, those of other processes included.
        device: Where the tensors go.

    Returns:
        Each part with its share of the whole batch; names and skipped images are those of all.
    """
    size = len(batch["image"])
    count = min(count, size)
    parts = []
    for number in range(count):
        rows = part_of(size, number, count)
        part = {
            key: value[rows.start : rows.stop] if isinstance(value, torch.Tensor) else value
            for key, value in batch.items()
        }
        parts.append((to_device(part, device), len(rows) / whole))
    return parts


def check_label_spaces(data: Sequence[Dataset | Shards]) -> None:
    """Raise DatasetError if two datasets have different classes."""
    for dataset in data[1:]:
        if dataset.label_space.digest != data[0].label_space.digest:
            expected = f"the classes of {data[0].path}"
            found = ", ".join(dataset.label_space.names[1:])
            raise DatasetError.at(dataset.path, "label space", expected, found)
