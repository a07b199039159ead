"""Batches of the adaptation: source crops with labels, target crops without."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.target_colours import recoloured
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.randomness import generator
from dalearn_ros.core.rounds import Rounds
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.detector.samples import CropBatches
from dalearn_ros.inference.preprocess import as_channels
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.training.image_cache import ImageCache, free_bytes
from dalearn_ros.training.loading import Batch
from dalearn_ros.training.transforms import change_colours, choose_crop, cut

_TRIES = 10


class TargetCrops:
    """Step to crops of target images, unchanged and changed."""

    def __init__(
        self,
        images: ImageList,
        places: Sequence[Labels],
        settings: AdaptSettings,
        seed: int,
        mapped: Sequence[Labels | None] | None = None,
    ) -> None:
        """Draw from a list of images; each image once per round, in a random order.

        Args:
            images: The new city.
            places: For each image what the start claims to see; crops are taken around these.
            settings: Crops and colours.
            seed: Of all draws.
            mapped: For each image the mapped landmarks, None where they are not known; None: there
                is no map.
        """
        self.images, self.places, self.mapped = images, places, mapped
        self.settings, self.seed = settings, seed
        self._order = Rounds(np.arange(len(images)), seed, "target order")
        sizes = [w * h * 3 for w, h in map(images.size, range(len(images)))]
        wanted = settings.batch.cache_mb
        limit = free_bytes() // 4 if wanted is None else wanted * 1_000_000
        self._cache = ImageCache(sizes, limit)

    def __getitem__(self, step: int) -> Batch:
        """The target crops of a step.

        Returns:
            ``weak`` (B, H, W, C) uint8 as they are, ``strong`` with other light and colour;
            ``rows`` the image of each, ``to_image`` the pixel map of each back to its image,
            ``mapped`` the mapped landmarks of each (None without a map), ``skipped`` images.
        """
        count, per_image = self.settings.target.crops, self.settings.batch.crops_per_image
        per_step = -(-count // per_image)
        shape = (self.settings.crops.width, self.settings.crops.height)
        parts: dict[str, list[Any]] = {"weak": [], "strong": [], "rows": [], "to_image": []}
        mapped: list[Labels | None] = []
        skipped: list[str] = []
        for number in range(count):
            row, image = self._image(step * per_step + number // per_image, skipped)
            random = generator(self.seed, "target crop", step, number)
            size = (image.shape[1], image.shape[0])
            mapping = choose_crop(self.places[row], size, self.settings.crops, random)
            crop, _ = cut(image, Labels.empty(), mapping, self.settings.crops)
            changed = change_colours(crop, self.settings.target.colours, random)
            channels = self.settings.input.channels
            parts["weak"].append(as_channels(crop, channels))
            parts["strong"].append(as_channels(changed, channels))
            parts["rows"].append(row)
            parts["to_image"].append(mapping.inverse())
            if self.mapped is not None:
                known = self.mapped[row]
                mapped.append(None if known is None else _moved(known, mapping, shape))
        return {
            "weak": torch.from_numpy(np.stack(parts["weak"])),
            "strong": torch.from_numpy(np.stack(parts["strong"])),
            "rows": parts["rows"],
            "to_image": parts["to_image"],
            "mapped": mapped if self.mapped is not None else None,
            "skipped": skipped,
        }

    def _image(self, number: int, skipped: list[str]) -> tuple[int, npt.NDArray[np.uint8]]:
        for attempt in range(_TRIES):
            row = self._order[number + attempt]
            try:
                image = self._cache.get(row)
                if image is None:
                    image = self.images.image(row)
                    self._cache.put(row, image)
                return row, image
            except DatasetError as error:
                logging.getLogger(__name__).warning("skipped: %s", error)
                skipped.append(self.images.name(row))
        raise DatasetError(f"{skipped[-1]}: {_TRIES} target images in a row cannot be read.")


class AdaptBatches(torch.utils.data.Dataset[Batch]):
    """Step to all that the losses need: ``source``, ``few_shot`` and ``target`` (or None)."""

    def __init__(
        self, source: CropBatches, target: TargetCrops | None, few_shot: CropBatches | None
    ) -> None:
        self.source, self.target, self.few_shot = source, target, few_shot

    def __getitem__(self, step: int) -> Batch:
        source = self.source[step]
        target = None if self.target is None else self.target[step]
        share = 0.0 if self.target is None else self.target.settings.target.colours_share
        if target is not None and share > 0.0:
            assert self.target is not None
            random = generator(self.target.seed, "target colours", step)
            models = target["weak"].numpy()
            source["image"] = torch.from_numpy(
                recoloured(source["image"].numpy(), models, share, random)
            )
        return {
            "step": step,
            "source": source,
            "target": target,
            "few_shot": None if self.few_shot is None else self.few_shot[step],
        }


def few_shot_settings(settings: AdaptSettings) -> AdaptSettings:
    """The same settings with the batch of the few labelled target images."""
    batch = dataclasses.replace(settings.batch, size=settings.target.few_shot_crops)
    return dataclasses.replace(settings, batch=batch)


def _moved(labels: Labels, mapping: PixelMap, size: tuple[int, int]) -> Labels:
    """Mapped landmarks whose point lies within a crop, in its pixels; outlines stay behind."""
    points = mapping.apply(labels.point_px)
    moved = dataclasses.replace(labels, point_px=points)
    return moved.select(((points >= 0) & (points < np.array(size))).all(axis=1))
