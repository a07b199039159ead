"""Batches of both models; the same seed and step always give the same batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from dalearn_ros.coding.location import location_map
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.frames import CameraImage, Frames, draw_places
from dalearn_ros.depth.patches import FILL, PatchCutter
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.inference.preprocess import as_channels
from dalearn_ros.landmarks.types import Distances
from dalearn_ros.training.loading import Batch
from dalearn_ros.training.transforms import change_colours, choose_crop

TRUTH_PLACES = 96  # known distances taken from one crop
Random = np.random.Generator
Image = npt.NDArray[np.uint8]


class LocalBatches(torch.utils.data.Dataset[Batch]):
    """Batch number to patches with true distances at their centres (S4).

    Args:
        data: Datasets with distances.
        settings: All settings.
        detector: The detector's, for the channels of an image.
        seed: Of all draws.
    """

    def __init__(
        self,
        data: Sequence[Dataset],
        settings: DistillSettings,
        detector: TrainSettings,
        seed: int,
    ) -> None:
        self.settings, self.channels, self.seed = settings, detector.input.channels, seed
        cache = settings.batch.cache_mb
        self.frames = Frames(data, seed, "local order", cache, settings.truth)

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step.

        Returns:
            ``patches`` (P, S, S, C) uint8, ``location`` (P, 3), ``log_depth`` (P,), ``counts``
            (P,) 0 or 1, ``names``, ``skipped``.
        """
        own = self.settings.local
        parts: list[Batch] = []
        names: list[str] = []
        skipped: list[str] = []
        for place in range(own.images):
            frame = self.frames.draw(step * own.images + place, skipped)
            random = generator(self.seed, "patches", step, place)
            parts.append(self._patches(frame, random))
            names.append(frame.name)
        joined = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        tensors = {key: torch.from_numpy(value) for key, value in joined.items()}
        return {**tensors, "names": names, "skipped": skipped}

    def _patches(self, frame: CameraImage, random: Random) -> Batch:
        settings, count = self.settings, self.settings.local.patches
        known = frame.known
        if not len(known):  # nothing known here: patches that do not count
            side = settings.patch.size_px
            return {
                "patches": np.full((count, side, side, self.channels), FILL, np.uint8),
                "location": np.zeros((count, 3), np.float32),
                "log_depth": np.zeros(count, np.float32),
                "counts": np.zeros(count, np.float32),
            }
        known = known.select(draw_places(known, count, settings.truth.draw, random))
        scales = np.exp(random.uniform(-1, 1, count) * settings.local.scale_jitter)
        cutter = PatchCutter(frame.image, frame.camera, settings.patch)
        patches, location, inside = cutter.cut(known.pixels, scales)
        lit = [change_colours(patch, settings.colours, random) for patch in patches]
        return {
            "patches": np.stack([as_channels(patch, self.channels) for patch in lit]),
            "location": location,
            "log_depth": np.log(known.depth_m).astype(np.float32),
            "counts": inside.astype(np.float32),
        }


class GlobalBatches(torch.utils.data.Dataset[Batch]):
    """Batch number to crops: unlabelled ones with patches, and labelled ones with truth.

    Args:
        target: Unlabelled images; their labels and distances are not looked at.
        data: Images with distances; used if ``weights.truth`` is above 0.
        settings: All settings.
        detector: The detector's: grid and channels.
        seed: Of all draws.
    """

    def __init__(
        self,
        target: Sequence[Dataset],
        data: Sequence[Dataset],
        settings: DistillSettings,
        detector: TrainSettings,
        seed: int,
    ) -> None:
        self.settings, self.channels, self.seed = settings, detector.input.channels, seed
        self.stride = detector.grid.cell_px
        cache = settings.batch.cache_mb
        self.target = self.data = None
        if settings.weights.teacher > 0.0:
            self.target = Frames(target, seed, "target order", cache)
        if settings.weights.truth > 0.0:
            self.data = Frames(data, seed, "truth order", cache, settings.truth)

    def __getitem__(self, step: int) -> Batch:
        """The batch of a step.

        Returns:
            ``names`` and ``skipped``; with a teacher ``target``: ``image`` (B, H, W, C),
            ``location`` (B, 3, h, w), ``cells`` (B, K), ``counts`` (B, K), ``patches``
            (B, K, S, S, C), ``patch_location`` (B, K, 3); with truth ``truth``: ``image``,
            ``location``, ``places`` (B, T, 2) pixels of the crop, ``log_depth`` (B, T), ``counts``.
        """
        found: Batch = {"names": [], "skipped": []}
        for name, frames in (("target", self.target), ("truth", self.data)):
            if frames is not None:
                found[name] = self._part(name, frames, step, found)
        return found

    def _part(self, name: str, frames: Frames, step: int, found: Batch) -> Batch:
        size, per_image = self.settings.batch.size, self.settings.batch.crops_per_image
        images = -(-size // per_image)
        crops: list[Batch] = []
        for number in range(size):
            if number % per_image == 0:
                place = step * images + number // per_image
                frame = frames.draw(place, found["skipped"])
                cutter = PatchCutter(frame.image, frame.camera, self.settings.patch)
                found["names"].append(frame.name)
            random = generator(self.seed, name, step, number)
            crops.append(self._crop(frame, None if name == "truth" else cutter, random))
        return {key: torch.from_numpy(np.stack([c[key] for c in crops])) for key in crops[0]}

    def _crop(self, frame: CameraImage, cutter: PatchCutter | None, random: Random) -> Batch:
        """A crop with patches of the cutter or, without one, with truth."""
        settings, stride = self.settings, self.stride
        size = (frame.image.shape[1], frame.image.shape[0])
        mapping = choose_crop(frame.labels, size, settings.crops, random)
        crop = (settings.crops.width, settings.crops.height)
        if random.random() < settings.crops.mirror:
            mapping = PixelMap.mirror(crop[0]) @ mapping
        image = change_colours(mapping.warp(frame.image, crop, FILL), settings.colours, random)
        found = {
            "image": as_channels(image, self.channels),
            "location": location_map(frame.camera, stride, crop, mapping),
        }
        if cutter is None:
            return {**found, **self._truth(frame.known, mapping, crop, random)}
        return {**found, **self._teaching(cutter, mapping, crop, random)}

    def _teaching(
        self, cutter: PatchCutter, mapping: PixelMap, crop: tuple[int, int], random: Random
    ) -> Batch:
        """Patches about the centres of cells, cut from the image as received (S3, S13)."""
        shape = (crop[1] // self.stride, crop[0] // self.stride)
        cells = choose_cells(shape, self.settings, random)
        rows, columns = np.divmod(cells, shape[1])
        at = np.stack([columns, rows], axis=1) * float(self.stride) + (self.stride - 1) / 2.0
        centres = mapping.inverse().apply(at)
        patches, location, inside = cutter.cut(centres)
        kept = as_channels(patches.reshape(-1, *patches.shape[2:]), self.channels)
        return {
            "cells": cells,
            "counts": inside.astype(np.float32),
            "patches": kept.reshape(*patches.shape[:3], self.channels),
            "patch_location": location,
        }

    def _truth(
        self, known: Distances, mapping: PixelMap, crop: tuple[int, int], random: Random
    ) -> Batch:
        places = np.zeros((TRUTH_PLACES, 2), np.float32)
        log_depth, counts = np.zeros((2, TRUTH_PLACES), np.float32)
        at = mapping.apply(known.pixels)
        inside = ((at >= -0.5) & (at <= np.array(crop) - 0.5)).all(axis=1)
        if inside.any():
            known, at = known.select(inside), at[inside]
            rows = draw_places(known, TRUTH_PLACES, self.settings.truth.draw, random)
            places, counts = at[rows].astype(np.float32), counts + 1.0
            log_depth = np.log(known.depth_m[rows]).astype(np.float32)
        return {"places": places, "log_depth": log_depth, "counts": counts}


def choose_cells(
    shape: tuple[int, int], settings: DistillSettings, random: Random
) -> npt.NDArray[np.int64]:
    """Cells of an output (rows, columns) where patches are cut, numbered row by row (S13).

    Returns:
        (K,) ascending, none twice; K is the same for all crops of a size.
    """
    rows, columns = shape
    sampling = settings.sampling
    if sampling.how == "random":
        count = min(sampling.per_crop, rows * columns)
        return np.sort(random.choice(rows * columns, count, replace=False))
    step = sampling.step_cells
    first = step // 2
    down, across = (
        np.arange(min(first, rows - 1), rows, step),
        np.arange(min(first, columns - 1), columns, step),
    )
    return np.asarray((down[:, None] * columns + across).ravel(), np.int64)
